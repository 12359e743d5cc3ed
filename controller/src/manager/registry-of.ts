// The providers that the controller reads from: those of the configuration, and those of an embedding program.
import type { Config } from '../config/config.ts';
import type { Logger } from '../observability/logger.ts';
import type { Environment, ProviderKind, SecretProvider } from '../providers/provider.ts';
import { createProviders, type ProviderRegistry } from '../providers/registry.ts';
import type { Clock } from '../runtime/clock.ts';

export type RegistryOfOptions = {
	readonly config: Config;
	readonly env: Environment;
	readonly clock: Clock;
	readonly logger: Logger;
	/** Of an embedding program, by name. */
	readonly providers: Readonly<Record<string, SecretProvider>>;
	readonly kinds?: readonly ProviderKind[];
};

/** One registry for both; a provider of the program goes before a configured one of its name. */
export function registryOf({
	config,
	env,
	clock,
	logger,
	providers,
	kinds = [],
}: RegistryOfOptions): ProviderRegistry {
	const configured = createProviders(config.providers, {
		kinds,
		env,
		clock,
		warn: message => logger.warn(message),
	});
	const own = new Map(Object.entries(providers));
	return {
		preload: () => configured.preload(),
		close: () => configured.close(),
		concerns: (name, notice, scope) => configured.concerns(name, notice, scope),
		openQueue: (name, url) => configured.openQueue(name, url),
		get: async name => own.get(name) ?? configured.get(name),
		validatePath(name, reference) {
			if (!own.has(name)) {
				configured.validatePath(name, reference);
			}
		},
	};
}
