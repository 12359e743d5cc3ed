// The configuration of Vault and OpenBao: its type, its defaults, its warnings.
import type { KindContext, PreparedProvider } from './provider.ts';
import { validateReference } from './vault-reference.ts';

/**
 * How JASM signs in; never a fallback from one to another. `approle` and `token` are for development: their
 * credentials live for long and lie in files.
 */
export const VAULT_CREDENTIALS = ['kubernetes', 'jwt', 'approle', 'token'] as const;

export type VaultCredentials = (typeof VAULT_CREDENTIALS)[number];

export type VaultConfig = {
	readonly kind: 'vault';
	/** URL of the server; https unless `allowInsecure`. */
	readonly address: string;
	/** Where the KV secrets engine is mounted; paths of annotations are relative to it. Default: secret. */
	readonly mount?: string | undefined;
	/** Default: 2. */
	readonly kvVersion?: 1 | 2 | undefined;
	/** Namespace of the secrets engine (Vault Enterprise, OpenBao). Default: the root namespace. */
	readonly namespace?: string | undefined;
	/** Default: kubernetes. */
	readonly credentials?: VaultCredentials | undefined;
	/** Where the auth method is mounted. Default: its name, which is that of `credentials`. */
	readonly authMount?: string | undefined;
	/** Namespace of the auth method; `root` for the root namespace. Default: that of the secrets engine. */
	readonly authNamespace?: string | undefined;
	/** For `kubernetes` and `jwt`. */
	readonly role?: string | undefined;
	/** For `kubernetes` and `jwt`, where it defaults to the projected token; for `token` the token itself. */
	readonly tokenFile?: string | undefined;
	/** For `kubernetes` and `jwt`: the one audience of the token. Default: vault. */
	readonly audience?: string | undefined;
	/** For `approle`. */
	readonly roleId?: string | undefined;
	/** For `approle`. */
	readonly secretIdFile?: string | undefined;
	/** PEM file of the authorities that are trusted instead of those that Node knows. */
	readonly caFile?: string | undefined;
	/** Other hosts (`host` or `host:port`) that Vault may redirect to. Default: none. */
	readonly redirectHosts?: readonly string[] | undefined;
	/** Allows an http address, for development. */
	readonly allowInsecure?: boolean | undefined;
	/** Of one request, in milliseconds; a whole read takes at most twice as long. Default: 5000. */
	readonly timeoutMs?: number | undefined;
	/** Reads in flight at most; the engine's business. */
	readonly concurrency?: number | undefined;
	/** Reads a second, lastingly; the engine's business as well. */
	readonly readsPerSecond?: number | undefined;
};

/** The configuration with every default filled in. */
export type VaultSettings = {
	/** Without a slash at its end. */
	readonly address: string;
	readonly mount: string;
	readonly kvVersion: 1 | 2;
	/** Empty for the root namespace. */
	readonly namespace: string;
	readonly authNamespace: string;
	readonly credentials: VaultCredentials;
	readonly authMount: string;
	readonly role: string | undefined;
	readonly tokenFile: string;
	readonly audience: string;
	readonly roleId: string | undefined;
	readonly secretIdFile: string | undefined;
	readonly caFile: string | undefined;
	readonly redirectHosts: readonly string[];
	readonly timeoutMs: number;
};

/** Where the installation projects the token. */
const TOKEN_FILE = '/var/run/secrets/vault/token';

export function prepareVault(config: VaultConfig, context: KindContext): PreparedProvider {
	const settings = vaultSettings(config);
	return {
		validatePath: reference => validateReference(reference, settings),
		async open() {
			for (const warning of warningsOf(config)) {
				context.warn(`provider ${context.name}: ${warning}`);
			}

			const { Vault } = await import('./vault.ts');
			return new Vault({ name: context.name, clock: context.clock, settings });
		},
	};
}

export function vaultSettings(config: VaultConfig): VaultSettings {
	const { credentials = 'kubernetes' } = config;
	const namespace = namespaceOf(config.namespace);
	return {
		address: config.address.replace(/\/$/, ''),
		mount: config.mount ?? 'secret',
		kvVersion: config.kvVersion ?? 2,
		namespace,
		authNamespace: config.authNamespace === undefined ? namespace : namespaceOf(config.authNamespace),
		credentials,
		authMount: config.authMount ?? credentials,
		role: config.role,
		tokenFile: config.tokenFile ?? TOKEN_FILE,
		audience: config.audience ?? 'vault',
		roleId: config.roleId,
		secretIdFile: config.secretIdFile,
		caFile: config.caFile,
		redirectHosts: config.redirectHosts ?? [],
		timeoutMs: config.timeoutMs ?? 5_000,
	};
}

const namespaceOf = (name = 'root'): string => (name === 'root' ? '' : name);

function* warningsOf({ credentials, allowInsecure }: VaultConfig): Generator<string> {
	if (credentials === 'approle' || credentials === 'token') {
		yield `credentials ${credentials} are meant for development`;
	}

	if (allowInsecure) {
		yield 'allowInsecure is set, which is meant for development';
	}
}
