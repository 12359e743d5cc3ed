// The controller as it is shipped keeps the promises of every provider: the bundle, under the flags of the image.
import test from 'ava';
import { startBuilt } from '../helpers/environment/built-controller.ts';
import { BuiltReads } from '../helpers/environment/built-reads.ts';
import { teardownOf } from '../helpers/environment/file-teardown.ts';
import { startEnvironment } from '../helpers/environment/test-environment.ts';
import { startEmbedded } from '../helpers/servers/vault-target.ts';
import { AWS } from '../providers/aws/product.ts';
import { AZURE } from '../providers/azure/product.ts';
import { type Reserve, testPromises } from '../providers/shared/contract-promises.ts';
import type { ProviderUnderTest, Store } from '../providers/shared/contract-store.ts';
import { vaultProduct } from '../providers/vault/product.ts';

/** Of a machine that is busy. */
const PATIENT_MS = 30_000;
/** Short, as it passes in real time. */
const HURRIED_MS = 500;

type Reserved = { readonly name: string; readonly product: ProviderUnderTest; readonly timeoutMs: number };

const file = teardownOf(test);
const reserved: Reserved[] = [];
const stores = new Map<string, Store>();
let reads: BuiltReads;

/** One controller serves all tests of the file, each from a provider of its own. */
test.before('one controller starts with every provider of this file', async t => {
	const started = await Promise.all(
		reserved.map(async ({ name, product, timeoutMs }) => {
			const store = await product.start();
			stores.set(name, store);
			return { name, store, config: { ...store.config, timeoutMs } };
		}),
	);
	file.teardown(() => Promise.all(started.map(({ store }) => store.close())));
	const environment = await startEnvironment(file, { embedded: true });
	const namespaces = [`*-${environment.cluster.id}`];
	const config = {
		providers: Object.fromEntries(started.map(({ name, config }) => [name, config])),
		policy: started.map(({ name }) => ({ namespaces, provider: name, paths: ['**', '/**'] })),
	};
	const env = Object.assign({}, ...started.map(({ store }) => store.env));
	const controller = await startBuilt(file, environment, { config, env });
	await controller.log.waitFor({ message: 'leading' });
	reads = new BuiltReads(controller, environment, await environment.namespace('team'));
	t.is(controller.stderr, '');
});

const reserveFor =
	(timeoutMs: number): Reserve =>
	product => {
		const name = `p${reserved.length}`;
		reserved.push({ name, product, timeoutMs });
		return async () => ({
			store: stores.get(name)!,
			members: (path, version) => reads.read(name, { path, ...(version !== undefined && { version }) }),
			whole: (path, version) =>
				reads.read(name, { path, key: 'whole', ...(version !== undefined && { version }) }),
			refused: path => reads.refused(name, { path }),
		});
	};

for (const product of [
	AWS,
	vaultProduct('vault', startEmbedded, 1),
	vaultProduct('vault', startEmbedded, 2),
	AZURE,
]) {
	testPromises({ ...product, name: `built, ${product.name}` }, reserveFor(PATIENT_MS));
	for (const fault of ['hung', 'stalled'] as const) {
		const open = reserveFor(HURRIED_MS)(product);
		test(`built, ${product.name}: a ${fault} read ends as an outage, never as absence`, async t => {
			const { store, refused } = await open(t);
			const path = product.pathOf?.('prod/db') ?? 'prod/db';
			await store.put(path, '{"a":"1"}');
			store.fail(fault);
			t.is((await refused(path)).code, 'PROVIDER_UNAVAILABLE');
		});
	}
}
