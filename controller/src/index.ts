// The public API: running the controller, extending it, and the names that others must agree with.

export { ANNOTATION_KEY, parseAnnotation, SECRET_TYPES, type SecretSync } from './annotation.ts';
export { type Controller, type ControllerOptions, createController, LEASE } from './app.ts';
export { type Config, ENVIRONMENT, FLAGS, loadConfig, PORTS } from './config.ts';
export { FIELD_MANAGER, MANAGED_BY } from './desired-secret.ts';
export { ERROR_CODES, type ErrorCode, JasmError } from './errors.ts';
export { SENTINEL } from './kubernetes/guard.ts';
export { createLogger } from './logger.ts';
export { compilePolicy, type Decision, decide, type Policy } from './policy.ts';
export { azureSettings } from './providers/azure-config.ts';
export type { RemoteReference, SecretProvider } from './providers/provider.ts';
export { vaultSettings } from './providers/vault-config.ts';
export { SecretValue } from './secret-value.ts';
