// The acceptance scenarios of the product, with real containers that print what they got.

import type { Tenant } from '../users/tenant.ts';
import { expect, expectSame, PROVIDER, type ScenarioContext } from './scenario-context.ts';

const CONFIG = '/prod/codnod/config';
/** What the stack stores there. */
const VALUES = {
	DB_HOST: 'db.example.invalid',
	DB_USER: 'fake-user',
	DB_PASSWORD: 'fake-password-for-tests-only',
};
const asks = (path: string, secretName: string, more: object = {}) => ({
	provider: PROVIDER,
	path,
	secretName,
	...more,
});

export async function acceptance(context: ScenarioContext): Promise<void> {
	const { report, timeline } = context;
	const shop = await context.tenant('shop');
	const office = await context.tenant('office');

	/** Starts a pod, waits for what it prints and holds it against what it should have got. */
	const runs = async (
		tenant: Tenant,
		pod: string,
		path: string,
		secretName: string,
		values: Record<string, string>,
	) => {
		await tenant.pod(pod, { request: asks(path, secretName) });
		const { env, started } = await tenant.printed(pod);
		expectSame(`the environment of ${pod}`, env, values);
		const note = timeline.pods.get(tenant.key(pod));
		expect(note?.restarts === 0, `${pod} restarted`);
		context.punctual.push(tenant.key(pod));
		return started - (timeline.firstSeen(tenant.key(secretName)) ?? Number.NaN);
	};

	await report.scenario(
		'US1.1',
		'an annotated pod is created: all source keys, in its namespace',
		async () => {
			await context.store('/prod/shop/api', { TOKEN: 'fake-token', URL: 'https://api.example.invalid' });
			const ahead = await runs(shop, 'us11', '/prod/shop/api', 'api', {
				TOKEN: 'fake-token',
				URL: 'https://api.example.invalid',
			});
			await shop.event('us11', 'SecretSyncSuccess', /Successfully synchronized secret 'api'/);
			return `Running, Secret ${Math.round(ahead)} ms before the container's process`;
		},
	);
	await report.scenario('US1.2', `${CONFIG}: DB_HOST, DB_USER, DB_PASSWORD with their values`, async () => {
		const ahead = await runs(shop, 'us12', CONFIG, 'config', VALUES);
		return `all three, ${Math.round(ahead)} ms ahead`;
	});
	await report.scenario('US1.3', 'the same path in two namespaces: each its own copy', async () => {
		await runs(office, 'us13', CONFIG, 'config', VALUES);
		const [a, b] = [await shop.liveSecret('config'), await office.liveSecret('config')];
		expect(a?.metadata?.uid !== b?.metadata?.uid, 'it is one object');
		return 'two Secrets';
	});
	await report.scenario('US2.1', 'the source changed, a new pod asks: the Secret is updated', async () => {
		await context.store('/prod/shop/api', { TOKEN: 'fake-token-2', URL: 'https://api.example.invalid' });
		await shop.pod('us21', { request: asks('/prod/shop/api', 'api') });
		await context.holds(shop, 'api', { TOKEN: 'fake-token-2', URL: 'https://api.example.invalid' });
		return 'new value written';
	});
	await report.scenario('US2.2', 'edited by hand, a new pod asks: exactly the source again', async () => {
		await context.environment.cluster.kubectl([
			...['-n', shop.namespace, 'patch', 'secret', 'api', '--type=merge', '-p'],
			JSON.stringify({ stringData: { TOKEN: 'edited', MINE: 'added' } }),
		]);
		await shop.pod('us22', { request: asks('/prod/shop/api', 'api') });
		await context.holds(shop, 'api', { TOKEN: 'fake-token-2', URL: 'https://api.example.invalid' });
		return 'edited key restored, added key gone';
	});
	await report.scenario('US3.1', 'a missing path: clear log and Event on the pod', async () => {
		await shop.pod('us31', { request: asks('/prod/shop/missing', 'missing') });
		const note = await shop.event('us31', 'SecretFetchFailed', /\/prod\/shop\/missing/);
		const log = await context.controller.logs(await context.controller.pod());
		expect(
			/"us31"|missing/.test(log) && /SECRET_NOT_FOUND|PROVIDER_DENIED/.test(log),
			'the log does not say so',
		);
		return note;
	});
	await report.scenario(
		'unknown provider',
		'Event on its pod; pods of other providers are served',
		async () => {
			await office.pod('unknown', { request: { ...asks(CONFIG, 'other'), provider: 'no-such-provider' } });
			const note = await office.event('unknown', 'ProviderUnsupported');
			await runs(office, 'known', CONFIG, 'mine', VALUES);
			return note;
		},
	);
	await report.scenario('US5.1', 'two namespaces: neither copy is reachable from the other', async () => {
		const name = `system:serviceaccount:${shop.namespace}:default`;
		const { stdout } = await context.environment.cluster.kubectl([
			...['auth', 'can-i', 'get', 'secrets/config', '-n', office.namespace, '--as', name],
		]);
		expect(stdout.trim() === 'no', 'the other namespace can read it');
		return 'no right across namespaces';
	});
	await report.scenario('US5.2', 'nothing is written outside the namespaces of the pods', async () => {
		const { items } = await context.environment.cluster.core.listSecretForAllNamespaces({
			labelSelector: 'app.kubernetes.io/managed-by=jasm',
		});
		const namespaces = [...new Set(items.map(({ metadata }) => metadata?.namespace ?? ''))].sort();
		expect(
			namespaces.join() === ['e2e-office', 'e2e-shop', 'jasm-sample', 'team-a'].join(),
			`written to ${namespaces}`,
		);
		return `${items.length} Secrets in ${namespaces.join(', ')}`;
	});
	await report.scenario('contract', 'mapping, list, whole payload, numbers as in the source', async () => {
		const list = [
			asks(CONFIG, 'mapped', { keys: { password: 'DB_PASSWORD' } }),
			asks('/prod/codnod/banner', 'banner', { key: 'banner' }),
			asks('/prod/codnod/limits', 'limits'),
		];
		await shop.pod('contract', { request: list });
		const { env } = await shop.printed('contract');
		expectSame('the environment', env, {
			password: VALUES.DB_PASSWORD,
			banner: 'plain text, fake as well',
			maxConnections: '20',
			ratio: '1.1',
			features: '["fake","test"]',
		});
		return 'three Secrets for one pod';
	});
	for (const tenant of [shop, office]) await tenant.delete();
}
