// Starts the process of the three stores, and configures a controller for them.
import { fork } from 'node:child_process';
import { once } from 'node:events';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { PREFIX } from '../pod-fixtures.ts';
import { unsignedToken } from '../process-under-test.ts';
import type { Addresses, Fill, StoreFault } from './stores-process.ts';
import type { Store } from './values.ts';

export type Stores = {
	/** Providers and policy of the controller's configuration. */
	readonly config: Record<string, unknown>;
	/** PEM of the authority of AWS, which the settings of older builds cannot name. */
	readonly awsAuthority: string;
	readonly aws: { readonly url: string; readonly region: string; readonly accountId: string };
	fill(fill: Fill): Promise<void>;
	fail(fault: StoreFault): Promise<void>;
	close(): void;
};

/** Where the value of a pod's Secret lives in each store, in the store's own form. */
export const pathIn: Readonly<Record<Store, (namespace: string, name: string) => string>> = {
	vault: (namespace, name) => `bench/${namespace}/${name}`,
	aws: (namespace, name) => `/bench/${namespace}/${name}`,
	azure: (namespace, name) => `${namespace}-${name}`,
};

const RULES: Readonly<Record<Store, string>> = {
	vault: 'bench/{namespace}/**',
	aws: '/bench/{namespace}/**',
	azure: '{namespace}-*',
};

/** The files that the configuration names are in `folder`. */
export async function startStores(folder: string, latencyMs: number): Promise<Stores> {
	const child = fork(join(import.meta.dirname, 'stores-process.ts'), [String(latencyMs)]);
	const [addresses] = (await once(child, 'message')) as [Addresses];
	const { vault, aws, azure } = addresses;
	const write = (name: string, text: string) => {
		writeFileSync(join(folder, name), text);
		return join(folder, name);
	};
	const providers: Readonly<Record<Store, object>> = {
		vault: {
			kind: 'vault',
			address: vault.url,
			caFile: write('vault.pem', vault.ca),
			credentials: 'token',
			tokenFile: write('vault-token', vault.token),
		},
		aws: { kind: 'aws-secretsmanager', region: aws.region, endpoint: aws.url, stsEndpoint: aws.url },
		azure: {
			kind: 'azure-keyvault',
			vaultUrl: azure.vaultUrl,
			tenantId: azure.tenantId,
			clientId: azure.clientId,
			endpoint: azure.url,
			authorityHost: azure.url,
			caFile: write('azure.pem', azure.ca),
			tokenFile: write('azure-token', unsignedToken('api://AzureADTokenExchange')),
		},
	};
	/** One message at a time: the process says only that it has done what it was told. */
	let last: Promise<unknown> = Promise.resolve();
	const send = async (message: Fill | StoreFault): Promise<void> => {
		last = last.then(() => {
			const done = once(child, 'message');
			child.send(message);
			return done;
		});
		await last;
	};
	return {
		config: {
			providers,
			policy: Object.entries(RULES).map(([provider, path]) => {
				return { namespaces: [`${PREFIX}*`], provider, paths: [path] };
			}),
		},
		awsAuthority: write('aws.pem', aws.ca),
		aws,
		fill: send,
		fail: send,
		close: () => child.disconnect(),
	};
}
