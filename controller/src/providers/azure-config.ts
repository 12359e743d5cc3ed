// The configuration of Azure Key Vault: its type, its defaults, its clouds, its warnings.
import { validateReference } from './azure-reference.ts';
import type { Environment, KindContext, PreparedProvider } from './provider.ts';

/** How JASM signs in; never a fallback from one to another. `client-secret` and `cli` are for development. */
export const AZURE_CREDENTIALS = ['workload-identity', 'client-secret', 'cli'] as const;

export type AzureCredentials = (typeof AZURE_CREDENTIALS)[number];

export type AzureKeyVaultConfig = {
	readonly kind: 'azure-keyvault';
	/** https://NAME.vault.azure.net, or that of another cloud. */
	readonly vaultUrl: string;
	/** Id of the tenant; required but for `cli`. */
	readonly tenantId?: string | undefined;
	/** Id of the application or managed identity; required but for `cli`. */
	readonly clientId?: string | undefined;
	/** Default: workload-identity. */
	readonly credentials?: AzureCredentials | undefined;
	/** For `workload-identity`. Default: AZURE_FEDERATED_TOKEN_FILE of the environment, or the projected token. */
	readonly tokenFile?: string | undefined;
	/** For `workload-identity`: the one audience of the token. Default: api://AzureADTokenExchange. */
	readonly audience?: string | undefined;
	/** Where tokens are issued. Default: that of the cloud which the vault's address belongs to. */
	readonly authorityHost?: string | undefined;
	/** PEM file of the authorities that are trusted instead of those that Node knows. */
	readonly caFile?: string | undefined;
	/** https URL of an emulator of Key Vault, for development. */
	readonly endpoint?: string | undefined;
	/** Of one request, in milliseconds; a whole read takes at most twice as long. Default: 5000. */
	readonly timeoutMs?: number | undefined;
	/** Reads in flight at most; the engine's business. */
	readonly concurrency?: number | undefined;
	/** Reads a second, lastingly; the engine's business as well. */
	readonly readsPerSecond?: number | undefined;
};

/** The configuration with every default filled in. */
export type AzureSettings = {
	/** Where requests go: the vault, or the emulator. */
	readonly url: string;
	readonly emulated: boolean;
	/** What every access token is for, whatever a challenge asks. */
	readonly scope: string;
	readonly tenantId: string;
	readonly clientId: string;
	readonly credentials: AzureCredentials;
	readonly tokenFile: string;
	readonly audience: string;
	/** Without a slash at its end. */
	readonly authorityHost: string;
	readonly caFile: string | undefined;
	readonly timeoutMs: number;
};

/** Where the webhook of Azure Workload Identity projects the token, and the installation as well. */
const TOKEN_FILE = '/var/run/secrets/azure/tokens/azure-identity-token';

/** The clouds by the suffix of their vaults. */
const AUTHORITIES: ReadonlyMap<string, string> = new Map([
	['vault.azure.net', 'https://login.microsoftonline.com'],
	['vault.azure.cn', 'https://login.chinacloudapi.cn'],
	['vault.usgovcloudapi.net', 'https://login.microsoftonline.us'],
]);

/** The authority of the cloud that the vault belongs to, where it is a known one. */
export const authorityOf = (vaultUrl: string): string | undefined => AUTHORITIES.get(suffixOf(vaultUrl));

const suffixOf = (vaultUrl: string): string => URL.parse(vaultUrl)?.hostname.replace(/^[^.]*\./, '') ?? '';

export function prepareAzureKeyVault(config: AzureKeyVaultConfig, context: KindContext): PreparedProvider {
	const settings = azureSettings(config, context.env);
	return {
		validatePath: validateReference,
		async open() {
			for (const warning of warningsOf(config)) {
				context.warn(`provider ${context.name}: ${warning}`);
			}

			const { AzureKeyVault } = await import('./azure-key-vault.ts');
			return new AzureKeyVault({ ...context, settings });
		},
	};
}

export function azureSettings(config: AzureKeyVaultConfig, env: Environment): AzureSettings {
	const { vaultUrl, endpoint } = config;
	return {
		url: (endpoint ?? vaultUrl).replace(/\/$/, ''),
		emulated: endpoint !== undefined,
		scope: `https://${suffixOf(vaultUrl)}/.default`,
		tenantId: config.tenantId ?? '',
		clientId: config.clientId ?? '',
		credentials: config.credentials ?? 'workload-identity',
		tokenFile: config.tokenFile ?? env['AZURE_FEDERATED_TOKEN_FILE'] ?? TOKEN_FILE,
		audience: config.audience ?? 'api://AzureADTokenExchange',
		authorityHost: (config.authorityHost ?? authorityOf(vaultUrl) ?? '').replace(/\/$/, ''),
		caFile: config.caFile,
		timeoutMs: config.timeoutMs ?? 5_000,
	};
}

function* warningsOf({ credentials, endpoint }: AzureKeyVaultConfig): Generator<string> {
	if (credentials === 'client-secret' || credentials === 'cli') {
		yield `credentials ${credentials} are meant for development`;
	}

	if (endpoint !== undefined) {
		yield 'an endpoint of its own is configured, which is meant for development';
	}
}
