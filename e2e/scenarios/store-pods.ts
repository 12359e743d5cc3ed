// Pods of the three stores, each with a secret of its own: reads of one path in one second are one read.

import { STORES, type Stores } from '../cloud/stores.ts';
import { putUnversioned, putVersion } from '../cloud/vault-setup.ts';
import type { Request, Tenant } from '../users/tenant.ts';
import { expect, expectSame, PROVIDER, type ScenarioContext } from './scenario-context.ts';

/** What the scenarios of this part share. */
export type Shop = { readonly context: ScenarioContext; readonly stores: Stores; readonly tenant: Tenant };

export type Values = Record<string, string>;

/** By what a person calls the store: its provider, and where it keeps what has a name. */
const KINDS = {
	AWS: { provider: PROVIDER, pathOf: (name: string) => `/prod/stores/${name}` },
	'Vault KV 2': { provider: STORES.kv2, pathOf: (name: string) => `prod/stores/${name}` },
	'Vault KV 1': { provider: STORES.kv1, pathOf: (name: string) => `prod/stores/${name}` },
	'Key Vault': { provider: STORES.azure, pathOf: (name: string) => `stores-${name}` },
} as const;

export type StoreName = keyof typeof KINDS;

export const STORE_NAMES = Object.keys(KINDS) as StoreName[];

/** What a pod asks for, and what it then has in its environment. */
export type Asked = {
	readonly request: { readonly provider: string; readonly path: string; readonly secretName: string };
	readonly values: Values;
};

/** Puts a secret into a store; its Kubernetes Secret is named like it. */
export async function stock({ context, stores }: Shop, store: StoreName, name: string): Promise<Asked> {
	const { provider, pathOf } = KINDS[store];
	const path = pathOf(name);
	const values = { [`FROM_${store.toUpperCase().replaceAll(' ', '_')}`]: `fake-${name}` };
	switch (store) {
		case 'AWS':
			await context.store(path, values);
			break;
		case 'Vault KV 2':
			await putVersion(stores.vault, path, values);
			break;
		case 'Vault KV 1':
			await putUnversioned(stores.vault, path, values);
			break;
		case 'Key Vault':
			await stores.keyVault.order({ put: path, value: JSON.stringify(values) });
	}
	return { request: { provider, path, secretName: name }, values };
}

/** Starts a pod and waits until it runs with exactly these values; returns milliseconds from it to its last Secret. */
export async function served(
	{ context, tenant }: Shop,
	pod: string,
	request: Request,
	values: Values,
): Promise<number> {
	await tenant.pod(pod, { request });
	const { env } = await tenant.printed(pod);
	expectSame(`the environment of ${pod}`, env, values);
	const note = context.timeline.pods.get(tenant.key(pod));
	expect(note?.restarts === 0, `${pod} restarted`);
	context.punctual.push(tenant.key(pod));
	const names = ([request].flat() as { secretName?: string }[]).map(({ secretName = '' }) => secretName);
	const seen = names.map(name => context.timeline.firstSeen(tenant.key(name)) ?? Number.NaN);
	return Math.round(Math.max(...seen) - (note?.added ?? Number.NaN));
}

/** The same for a new secret of a store; pod, Secret and secret have one name. */
export async function servedFrom(shop: Shop, store: StoreName, name: string): Promise<number> {
	const { request, values } = await stock(shop, store, name);
	return served(shop, name, request, values);
}
