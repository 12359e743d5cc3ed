// Vault and Key Vault in addition to AWS: pods of all three are served, Vault verifies tokens at the API server, memory.
import { makeCertificate } from '../cloud/certificate.ts';
import { STORES, Stores } from '../cloud/stores.ts';
import { putVersion, VAULT_AUDIENCE, VAULT_ROLE } from '../cloud/vault-setup.ts';
import { JASM } from '../cluster/controller.ts';
import { ISSUER } from './guards.ts';
import { measure } from './memory.ts';
import { expect, type ScenarioContext } from './scenario-context.ts';
import { storeFailures } from './store-failures.ts';
import { type Shop, STORE_NAMES, type StoreName, served, servedFrom, stock } from './store-pods.ts';

export async function stores(context: ScenarioContext): Promise<void> {
	const { report, environment, controller } = context;
	const apply = async () => {
		const { ok, output, counts } = await environment.stack.apply('up');
		expect(ok, output.slice(-2000));
		await controller.ready();
		return counts;
	};
	let stores: Stores | undefined;
	try {
		const up = await report.scenario('stores', 'two of Vault and Key Vault join a running AWS', async () => {
			stores = await Stores.start(context, ISSUER);
			stores.configure();
			const counts = await apply();
			return `${counts['created'] ?? 0} created, ${counts['updated'] ?? 0} updated, Deployment rolled`;
		});
		if (!up || stores === undefined) return;
		const shop: Shop = { context, stores, tenant: await context.tenant('stores') };
		await firstUses(shop);
		await sideBySide(shop);
		await identity(shop);
		await forms(shop);
		await storeFailures(shop);
		await shop.tenant.delete();
	} finally {
		await stores?.remove();
		await report.scenario('stores removed', 'the controller is rolled back to AWS only', async () => {
			const { deleted = 0, updated = 0 } = await apply();
			const { spec } = await controller.pod();
			const left = spec?.volumes?.filter(({ name }) => name.startsWith('store-token')) ?? [];
			expect(left.length === 0, 'its pod still has tokens for the stores');
			return `${deleted} deleted, ${updated} updated`;
		});
	}
}

/** One pod after the other, so that the memory of each store's client can be measured. */
async function firstUses(shop: Shop): Promise<void> {
	const { report } = shop.context;
	const costs: string[] = [];
	const measured = async (store: string) => void costs.push(`${store}: ${await measure(shop.context)}`);
	const first = async (store: StoreName, name: string) => {
		const ms = await servedFrom(shop, store, name);
		await measured(store);
		return `Secret ${ms} ms after the pod, with the sign-in`;
	};
	await measured('AWS');
	await report.scenario('US4.1', 'an annotation names vault: the Secret comes from Vault', () =>
		first('Vault KV 2', 'first-vault'),
	);
	await report.scenario('Azure Key Vault', 'the first pod that names it runs with its values', () =>
		first('Key Vault', 'first-azure'),
	);
	await report.scenario('memory by store', 'within the limit after the first use of each', async () =>
		costs.join(' | '),
	);
}

async function sideBySide(shop: Shop): Promise<void> {
	const { report } = shop.context;
	const short = (store: StoreName) => store.toLowerCase().replaceAll(' ', '-');
	await report.scenario('US4.2', 'pods of three stores side by side: own values', async () => {
		const asked = await Promise.all(STORE_NAMES.map(store => stock(shop, store, `side-${short(store)}`)));
		const times = await Promise.all(
			asked.map(({ request, values }) => served(shop, request.secretName, request, values)),
		);
		return STORE_NAMES.map((store, index) => `${store} ${times[index]} ms`).join(', ');
	});
	await report.scenario('one pod, three stores', 'its list takes from all of them', async () => {
		const asked = await Promise.all(STORE_NAMES.map(store => stock(shop, store, `list-${short(store)}`)));
		const list = asked.map(({ request }) => request);
		const ms = await served(shop, 'list', list, Object.assign({}, ...asked.map(({ values }) => values)));
		return `${list.length} Secrets, the last ${ms} ms after the pod`;
	});
}

/** Tokens of another ServiceAccount and another audience, and a forged one, at Vault's role. */
async function identity({ context, stores: { vault }, tenant }: Shop): Promise<void> {
	const { cluster } = context.environment;
	/** By the API server's own count. */
	const reviews = async () => {
		const { stdout } = await cluster.kubectl(['get', '--raw', '/metrics']);
		const lines = stdout.matchAll(/^apiserver_request_total\{[^}]*resource="tokenreviews"[^}]*\} (\d+)$/gm);
		return [...lines].reduce((sum, [, count]) => sum + Number(count), 0);
	};
	await context.report.scenario(
		'Vault sign-in',
		'by TokenReview at the API server; foreign tokens refused',
		async () => {
			const sessions = await vault.sessions(JASM);
			expect(sessions.length > 0, 'the controller has no session in Vault');
			const own = await cluster.token(JASM, JASM, VAULT_AUDIENCE);
			const [head = '', body = '', signature = ''] = own.split('.');
			const forged = `${head}.${body}.${(signature.startsWith('A') ? 'B' : 'A') + signature.slice(1)}`;
			const refused = {
				'another ServiceAccount': await cluster.token(tenant.namespace, 'default', VAULT_AUDIENCE),
				'another audience': await cluster.token(JASM, JASM, 'sts.amazonaws.com'),
				'the audience of the API server': await cluster.token(JASM, JASM),
			};
			for (const [what, jwt] of Object.entries(refused)) {
				const token = await vault.signIn(VAULT_ROLE, jwt);
				expect(token === undefined, `Vault takes a token of ${what}`);
			}
			// Every claim is right; only the signature is wrong.
			const before = await reviews();
			expect((await vault.signIn(VAULT_ROLE, forged)) === undefined, 'Vault takes a forged token');
			const token = await vault.signIn(VAULT_ROLE, own);
			expect(token !== undefined, "Vault refuses a token of JASM's own ServiceAccount and audience");
			await vault.must({ method: 'POST', path: 'auth/token/revoke-self', token });
			const asked = (await reviews()) - before;
			expect(asked >= 2, `the API server was asked for ${asked} TokenReviews about two tokens`);
			const names = [...Object.keys(refused), 'a forged signature'];
			return `JASM has ${sessions.length} sessions; ${asked} TokenReviews of 2 tokens; refused: ${names.join(', ')}`;
		},
	);
}

/** Forms of secrets that only one of the stores has. */
async function forms(shop: Shop): Promise<void> {
	const { context, stores, tenant } = shop;
	await context.report.scenario(
		'Vault KV 2, version',
		'a pinned version stays, the newest is new',
		async () => {
			const path = 'prod/stores/versioned';
			for (const VALUE of ['fake-1', 'fake-2']) await putVersion(stores.vault, path, { VALUE });
			const asks = { provider: STORES.kv2, path };
			await served(shop, 'pinned', { ...asks, version: '1', secretName: 'pinned' }, { VALUE: 'fake-1' });
			await served(shop, 'newest', { ...asks, secretName: 'newest' }, { VALUE: 'fake-2' });
			return 'version 1 and the newest, 2, side by side';
		},
	);
	await context.report.scenario('Key Vault certificate', 'becomes a kubernetes.io/tls Secret', async () => {
		const { cert, key } = await makeCertificate(context.environment.env, 'site', ['site.example.invalid']);
		await stores.keyVault.order({
			put: 'stores-site',
			value: key + cert,
			contentType: 'application/x-pem-file',
			certificate: true,
		});
		const request = { provider: STORES.azure, path: 'stores-site', secretName: 'site' };
		// Keys of a certificate are file names, not variables.
		await tenant.pod('site', { request: { ...request, type: 'kubernetes.io/tls' }, envFrom: [] });
		await context.holds(tenant, 'site', { 'tls.crt': cert, 'tls.key': key });
		const type = (await tenant.liveSecret('site'))?.type;
		expect(type === 'kubernetes.io/tls', `it is of type ${type}`);
		return 'tls.crt and tls.key as the vault has them';
	});
}
