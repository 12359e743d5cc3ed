// The providers that the operator configured, by name; each is loaded at its first use.
import type * as z from 'zod/mini';
import { JasmError } from '../errors.ts';
import { nearestName } from '../util/nearest-name.ts';
import { awsSecretsManager } from './aws/kind.ts';
import { azureKeyVault } from './azure/kind.ts';
import { type ChangeQueue, type Concern, type Notice, type NoticeScope, plainConcern } from './notice.ts';
import type {
	PreparedProvider,
	ProviderDependencies,
	ProviderKind,
	RemoteReference,
	SecretProvider,
} from './provider.ts';
import { vault } from './vault/kind.ts';

/** Every kind of provider: a new one is its folder and its line here. */
export const KINDS = [awsSecretsManager, vault, azureKeyVault] as const;

/** One entry of `providers` in the operator's config; `kind` tells them apart. */
export type ProviderConfig = z.output<(typeof KINDS)[number]['schema']>;

/** What the schema of a kind has as the literal of `kind`. */
export function nameOfKind({ schema }: ProviderKind): string {
	const [name = ''] = schema._zod.propValues?.['kind'] ?? [];
	return String(name);
}

export const kindNamed = <Kind extends ProviderKind>(
	name: string,
	kinds: readonly Kind[],
): Kind | undefined => kinds.find(kind => nameOfKind(kind) === name);

export type RegistryDependencies = ProviderDependencies & {
	/** Kinds beside those that are built in. */
	readonly kinds?: readonly ProviderKind[];
};

export type ProviderRegistry = {
	/** @throws JasmError PROVIDER_UNSUPPORTED where no provider of this name is configured */
	get(name: string): Promise<SecretProvider>;
	/**
	 * To be called before policy, and before anything leaves the process; pure.
	 *
	 * @throws JasmError PROVIDER_UNSUPPORTED, PROVIDER_REQUEST_INVALID, POLICY_DENIED
	 */
	validatePath(name: string, reference: RemoteReference): void;
	/** Which secrets of the provider a change notice concerns; undefined where it is not about this provider. */
	concerns(name: string, notice: Notice, scope: NoticeScope): Concern | undefined;
	/**
	 * Opens a queue of change notices with the identity of the provider.
	 *
	 * @throws JasmError CONFIG_INVALID where the provider has no such queues
	 */
	openQueue(name: string, url: string): Promise<ChangeQueue>;
	/** Loads every configured provider's code ahead of its first use; calls no provider. */
	preload(): Promise<void>;
	/** Closes every loaded provider; reads fail afterwards. */
	close(): Promise<void>;
};

/**
 * @param configs by the name that annotations and policy rules use; results of the kind's schema
 * @throws JasmError CONFIG_INVALID where a kind is unknown
 */
export function createProviders(
	configs: Readonly<Record<string, ProviderConfig>>,
	dependencies: RegistryDependencies,
): ProviderRegistry {
	const { kinds: further = [], ...context } = dependencies;
	const kinds = [...KINDS, ...further];
	const prepared = Object.entries(configs).map(([name, config]) => {
		const kind = kindNamed(config.kind, kinds);
		if (kind === undefined) {
			throw new JasmError(`preparing provider ${name}: there is no kind "${config.kind}"`, {
				code: 'CONFIG_INVALID',
			});
		}

		return [name, kind.prepare(config, { ...context, name })] as const;
	});
	return new Registry(new Map(prepared));
}

class Registry implements ProviderRegistry {
	readonly #prepared: ReadonlyMap<string, PreparedProvider>;
	readonly #opened = new Map<string, Promise<SecretProvider>>();

	constructor(prepared: ReadonlyMap<string, PreparedProvider>) {
		this.#prepared = prepared;
	}

	async get(name: string): Promise<SecretProvider> {
		let opened = this.#opened.get(name);
		if (opened === undefined) {
			opened = this.#find(name).open();
			this.#opened.set(name, opened);
			// The next call tries again to load it.
			opened.catch(() => this.#opened.delete(name));
		}

		return opened;
	}

	validatePath(name: string, reference: RemoteReference): void {
		this.#find(name).validatePath(reference);
	}

	concerns(name: string, notice: Notice, scope: NoticeScope): Concern | undefined {
		const provider = this.#prepared.get(name);
		if (notice.origin !== 'named') {
			return provider?.concerns?.(notice, scope);
		}

		return provider === undefined || notice.provider !== name
			? undefined
			: (provider.concerns?.(notice, scope) ?? plainConcern(notice));
	}

	async openQueue(name: string, url: string): Promise<ChangeQueue> {
		const { openQueue } = this.#find(name);
		if (openQueue === undefined) {
			throw new JasmError(`opening a queue with provider ${name}: its kind has no queues`, {
				code: 'CONFIG_INVALID',
			});
		}

		return openQueue(url);
	}

	async preload(): Promise<void> {
		await Promise.all(Array.from(this.#prepared.keys(), name => this.get(name)));
	}

	async close(): Promise<void> {
		const opened = await Promise.allSettled(this.#opened.values());
		await Promise.all(
			opened.map(result => (result.status === 'fulfilled' ? result.value.close?.() : undefined)),
		);
	}

	#find(name: string): PreparedProvider {
		const provider = this.#prepared.get(name);
		if (provider === undefined) {
			// The message begins with the words of the Go program; only the log line says which names there are.
			const names = [...this.#prepared.keys()];
			const nearest = nearestName(name, names);
			const meant = nearest === undefined ? '' : `; did you mean '${nearest}'?`;
			throw new JasmError(`Provider '${name}' not found in registry${meant}`, {
				code: 'PROVIDER_UNSUPPORTED',
				details: { configured: names.join(', ') || 'none' },
			});
		}

		return provider;
	}
}
