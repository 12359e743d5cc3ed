// The process of the three stores: each is over TLS, and none takes CPU from the API server or the controller.
import { startKeyVault, startSecretsManager, startVault } from '../../testing/index.ts';
import { tlsFront } from '../tls-front.ts';
import { type Store, storedText } from './values.ts';

export type Addresses = {
	readonly vault: { readonly url: string; readonly ca: string; readonly token: string };
	readonly aws: {
		readonly url: string;
		readonly ca: string;
		readonly region: string;
		readonly accountId: string;
	};
	readonly azure: {
		readonly url: string;
		readonly ca: string;
		readonly vaultUrl: string;
		readonly tenantId: string;
		readonly clientId: string;
	};
};

/** Puts one value of this size at each path. */
export type Fill = {
	readonly store: Store;
	readonly paths: readonly string[];
	readonly bytes: number;
	/** Default: the values have no versions. */
	readonly version?: number;
};

/** What a store does to its next reads. `signed-out` ends every token at once. */
export const STORE_FAULTS = ['reset', 'truncate', 'bad-gateway', 'slow', 'signed-out'] as const;

export type StoreFault = {
	readonly store: Store;
	readonly fault: (typeof STORE_FAULTS)[number];
	readonly times: number;
};

const latencyMs = Number(process.argv[2]);
const vault = await startVault({ tls: true, latencyMs });
const aws = await startSecretsManager({ latencyMs });
const front = await tlsFront(aws.url);
const azure = await startKeyVault({ latencyMs });

const put: Readonly<Record<Store, (path: string, value: object) => unknown>> = {
	vault: (path, value) => vault.put(path, value),
	aws: (path, value) => aws.put(path, value),
	azure: (path, value) => azure.put(path, value),
};

const signOut: Readonly<Record<Store, () => void>> = {
	vault: () => vault.expireTokens(),
	aws: () => aws.expireSessions(),
	azure: () => azure.expireTokens(),
};

const ON_THE_WIRE = {
	reset: 'reset',
	truncate: 'truncate',
	'bad-gateway': { html: 502 },
	slow: { latencyMs: 500 },
} as const;

function fail({ store, fault, times }: StoreFault): void {
	if (fault === 'signed-out') {
		signOut[store]();
		return;
	}

	({ vault, aws, azure })[store].inject(ON_THE_WIRE[fault], { times });
}

process.on('message', (message: Fill | StoreFault) => {
	if ('fault' in message) {
		fail(message);
	} else {
		const { store, paths, bytes, version } = message;
		for (const path of paths) {
			put[store](path, { value: storedText(path, bytes, version) });
		}
	}

	process.send?.('done');
});
process.once('disconnect', () => process.exit());
process.send?.({
	vault: { url: vault.url, ca: vault.ca!, token: vault.rootToken },
	aws: { url: front.url, ca: front.ca, region: aws.region, accountId: aws.accountId },
	azure: {
		url: azure.url,
		ca: azure.ca,
		vaultUrl: azure.vaultUrl,
		tenantId: azure.tenantId,
		clientId: azure.clientId,
	},
} satisfies Addresses);
