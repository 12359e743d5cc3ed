// The providers that the operator configured, by name; each is loaded at its first use.
import { JasmError } from '../errors.ts';
import { prepareAwsSecretsManager } from './aws-config.ts';
import { prepareAzureKeyVault } from './azure-config.ts';
import type {
	PreparedProvider,
	ProviderConfig,
	ProviderDependencies,
	ProviderKind,
	RemoteReference,
	SecretProvider,
} from './provider.ts';
import { prepareVault } from './vault-config.ts';

type Kinds = {
	readonly [Kind in ProviderConfig['kind']]: ProviderKind<Extract<ProviderConfig, { kind: Kind }>>;
};

/** Every kind of provider: a new one is its file and its line here. */
const KINDS: Kinds = {
	'aws-secretsmanager': prepareAwsSecretsManager,
	vault: prepareVault,
	'azure-keyvault': prepareAzureKeyVault,
};

export type RegistryDependencies = ProviderDependencies & {
	/** Further kinds, by name; they go before those built in. */
	readonly extra?: Readonly<Record<string, ProviderKind<never>>>;
};

export type ProviderRegistry = {
	/** @throws JasmError PROVIDER_UNSUPPORTED: nobody configured a provider of this name. */
	get(name: string): Promise<SecretProvider>;
	/**
	 * To be called before policy, and before anything leaves the process; pure.
	 *
	 * @throws JasmError PROVIDER_UNSUPPORTED, PROVIDER_REQUEST_INVALID, POLICY_DENIED
	 */
	validatePath(name: string, reference: RemoteReference): void;
	/** Loads every configured provider's code ahead of its first use; calls no provider. */
	preload(): Promise<void>;
	/** Closes what was loaded; afterwards nothing is read any more. */
	close(): Promise<void>;
};

/**
 * @param configs by the name that annotations and policy rules use; checked against the schema before
 * @throws JasmError CONFIG_INVALID where a kind is unknown or lacks what neither config nor environment gives
 */
export function createProviders(
	configs: Readonly<Record<string, ProviderConfig>>,
	dependencies: RegistryDependencies,
): ProviderRegistry {
	const { extra = {}, ...context } = dependencies;
	const kinds = new Map(Object.entries({ ...KINDS, ...extra }));
	const prepared = Object.entries(configs).map(([name, config]) => {
		const prepare = kinds.get(config.kind) as ProviderKind<ProviderConfig> | undefined;
		if (prepare === undefined) {
			throw new JasmError(`preparing provider ${name}: there is no kind "${config.kind}"`, {
				code: 'CONFIG_INVALID',
			});
		}

		return [name, prepare(config, { ...context, name })] as const;
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
			// What could not be loaded now may be loaded later.
			opened.catch(() => this.#opened.delete(name));
		}

		return opened;
	}

	validatePath(name: string, reference: RemoteReference): void {
		this.#find(name).validatePath(reference);
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
			throw new JasmError(`Provider '${name}' not found in registry`, { code: 'PROVIDER_UNSUPPORTED' });
		}

		return provider;
	}
}
