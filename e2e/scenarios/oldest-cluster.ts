// The oldest supported Kubernetes that can be started here: refusals, fallbacks, and tokens of ten minutes that end.
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { Oldest, TOKEN_SECONDS } from '../cluster/oldest-cluster.ts';
import type { Started } from '../cluster/processes.ts';
import { until } from '../cluster/until.ts';
import { PATHS } from '../cluster/workspace.ts';
import { send } from '../users/raw-requests.ts';
import { Tenant } from '../users/tenant.ts';
import { expect, PROVIDER, type ScenarioContext } from './scenario-context.ts';

/** What the last scenario looks at again after the tokens have ended. */
export type Waiting = {
	readonly oldest: Oldest;
	readonly since: number;
	readonly token: string;
	readonly tenant: Tenant;
};

const CONFIG = '/prod/old/config';

export async function oldest(context: ScenarioContext): Promise<Waiting | undefined> {
	const { report, environment, images } = context;
	const oldest = new Oldest(environment);
	const { cluster } = oldest;
	let running: Started | undefined;
	let tenant: Tenant | undefined;
	const up = await report.scenario('Kubernetes 1.24', 'starts, takes the rights of self-heal', async () => {
		await oldest.start();
		// The stack's own secrets come with an installation, which may be yet to come.
		await context.store(CONFIG, { KEY: 'fake' });
		const { stdout } = await cluster.kubectl(['version', '-o', 'json']);
		tenant = await new Tenant({ cluster, image: images.probe, name: 'old' }).create();
		return (JSON.parse(stdout) as { serverVersion: { gitVersion: string } }).serverVersion.gitVersion;
	});
	if (!up || tenant === undefined) return undefined;
	const there = tenant;
	const asks = (path: string, secretName: string) => ({ request: { provider: PROVIDER, path, secretName } });

	await report.scenario(
		'1.24, write-only',
		'refuses to run without the admission policy and says what to do',
		async () => {
			const { code, stdout, stderr } = await oldest.attempt('write-only');
			expect(code !== 0 && code !== 124, `ended with ${code}`);
			const said = stdout + stderr;
			expect(/GUARD_MISSING/.test(said) && /self-heal/.test(said), said.slice(-600));
			return `exit ${code}, GUARD_MISSING`;
		},
	);
	await report.scenario('1.24, --allow-unguarded', 'runs and says so in a metric', async () => {
		const unguarded = await oldest.controller('write-only', '--allow-unguarded');
		await there.pod('unguarded', asks(CONFIG, 'unguarded'));
		await until('its Secret', () => there.liveSecret('unguarded'));
		const metrics = await (await fetch(`http://127.0.0.1:${unguarded.captured}/metrics`)).text();
		await unguarded.stop();
		expect(/^jasm_unguarded 1$/m.test(metrics), 'the metric does not say so');
		return 'jasm_unguarded 1, Secret written';
	});
	await report.scenario(
		'1.24, self-heal',
		'lists where there is no WatchList; refuses a foreign Secret by itself',
		async () => {
			running = await oldest.controller('self-heal');
			const body = { metadata: { name: 'foreign' }, stringData: { MINE: 'fake-and-mine' } };
			await cluster.core.createNamespacedSecret({ namespace: there.namespace, body });
			await there.pod('wants', asks(CONFIG, 'config'));
			await there.pod('takes', asks(CONFIG, 'foreign'));
			await until('its Secret', () => there.liveSecret('config'));
			const note = await there.event('takes', 'SecretNotOwned');
			const log = readFileSync(join(PATHS.logs, 'oldest-self-heal.log'), 'utf8');
			expect(log.includes('the API server has no WatchList'), 'the log does not report the fallback');
			expect((await there.secret('foreign'))?.['MINE'] === 'fake-and-mine', 'the foreign Secret was touched');
			return note;
		},
	);
	return running && { oldest, since: Date.now(), token: oldest.token(), tenant: there };
}

/** Played at the end of a run, when most of the ten minutes have passed. */
export async function tokensOutlived(
	{ report, environment }: ScenarioContext,
	waiting: Waiting,
): Promise<void> {
	const { oldest, since, token, tenant } = waiting;
	await report.scenario(
		'tokens of ten minutes',
		'outlived: the old one is refused, the next pod is served',
		async () => {
			const path = '/api/v1/pods?limit=1';
			const refused = async () => (await send(oldest.cluster, token, { method: 'GET', path })).status === 401;
			await until('the token to end', refused, { timeoutMs: (TOKEN_SECONDS + 120) * 1000, everyMs: 1000 });
			// AWS was emptied and refilled by the stack only. If it was not, this registration is refused as a duplicate.
			await oldest.register().catch(() => {});
			await tenant.pod('late', {
				request: { provider: PROVIDER, path: '/prod/codnod/banner', secretName: 'late', key: 'banner' },
			});
			await until('its Secret', () => tenant.liveSecret('late'));
			const exchanges = (await environment.gate.calls()).filter(
				({ action, facts, status }) =>
					action === 'AssumeRoleWithWebIdentity' && status === 200 && facts['RoleArn']?.endsWith('-oldest'),
			);
			const prints = new Set(exchanges.map(({ facts }) => facts['token.fingerprint']));
			expect(prints.size > 1, 'AWS saw one token only');
			return `served ${Math.round((Date.now() - since) / 1000)} s after its start; AWS saw ${prints.size} tokens`;
		},
	);
}
