// The public API: running the controller and extending it with providers.

export { type Config, type ConfigSources, type LogLevel, loadConfig } from './config/config.ts';
export { ERROR_CODES, type ErrorCode, JasmError, type JasmErrorOptions } from './errors.ts';
export { createController } from './manager/manager.ts';
export type { Controller, ControllerOptions } from './manager/options.ts';
export { createLogger, type Logger, type LoggerSettings } from './observability/logger.ts';
export {
	compilePolicy,
	type Decision,
	decide,
	type Policy,
	type PolicyOptions,
	type PolicyRule,
	type Question,
} from './policy/policy.ts';
export type {
	Environment,
	KindContext,
	KindSchema,
	PreparedProvider,
	ProviderKind,
	RemoteReference,
	Room,
	SecretProvider,
} from './providers/provider.ts';
export { SecretValue, type SecretValueOptions } from './providers/secret-value.ts';
export { ANNOTATION_KEY, parseAnnotation, SECRET_TYPES, type SecretSync } from './requests/annotation.ts';
