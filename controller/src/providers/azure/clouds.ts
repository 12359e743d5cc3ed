// The clouds of Azure: what follows from the address of a vault; pure.

type Cloud = {
	/** Where tokens are issued. */
	readonly authority: string;
	/** What the hosts of all namespaces of Service Bus end with. */
	readonly serviceBus: string;
};

/** By the suffix of the cloud's vaults. */
const CLOUDS: ReadonlyMap<string, Cloud> = new Map([
	[
		'vault.azure.net',
		{ authority: 'https://login.microsoftonline.com', serviceBus: 'servicebus.windows.net' },
	],
	[
		'vault.azure.cn',
		{ authority: 'https://login.chinacloudapi.cn', serviceBus: 'servicebus.chinacloudapi.cn' },
	],
	[
		'vault.usgovcloudapi.net',
		{ authority: 'https://login.microsoftonline.us', serviceBus: 'servicebus.usgovcloudapi.net' },
	],
]);

/** The authority of the vault's cloud; undefined for an unknown cloud. */
export const authorityOf = (vaultUrl: string): string | undefined =>
	CLOUDS.get(suffixOf(vaultUrl))?.authority;

/** What namespaces of Service Bus end with in the vault's cloud; undefined for an unknown cloud. */
export const serviceBusOf = (vaultUrl: string): string | undefined =>
	CLOUDS.get(suffixOf(vaultUrl))?.serviceBus;

/** What the addresses of all vaults of the cloud end with. */
export const suffixOf = (vaultUrl: string): string =>
	URL.parse(vaultUrl)?.hostname.replace(/^[^.]*\./, '') ?? '';
