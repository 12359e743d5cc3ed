// The order in which the controller starts and stops, and the bundle that is shipped, seen from outside.
import { once } from 'node:events';
import { type AddressInfo, createServer } from 'node:net';
import test, { type ExecutionContext } from 'ava';
import { ANNOTATION_KEY } from '../../src/annotation.ts';
import type { LoggedRequest } from '../../testing/index.ts';
import { runBuilt, startBuilt } from '../helpers/built-controller.ts';
import { startHoldingRelay } from '../helpers/holding-relay.ts';
import type { Profile } from '../helpers/installation.ts';
import { annotation, PROVIDER, type Stage, startStage } from '../helpers/stage.ts';

const LEASE = 'jasm.codnod.io';

/** Pods that were made at once, each with a secret of two members of its own. */
function seedPods(stage: Stage, namespace: string, prefix: string, count: number): string[] {
	const names = Array.from({ length: count }, (_, index) => `${prefix}-${index}`);
	for (const name of names) {
		stage.secretsManager.put(`/prod/${name}`, { name, twice: name });
	}

	stage.api.seed(
		'Pod',
		names.map(name => {
			const annotations = { [ANNOTATION_KEY]: annotation({ path: `/prod/${name}`, secretName: name }) };
			return { metadata: { namespace, name, annotations } };
		}),
	);
	return names;
}

test.serial(
	'SIGTERM in a burst: not ready, no more streams, no more reads, then what runs is finished and told, the Lease last',
	async t => {
		const stage = await startStage(t, { embedded: true });
		const relay = await startHoldingRelay(stage.secretsManager.url);
		t.teardown(() => relay.close());
		const { providers } = stage.configFile() as { providers: Record<string, object> };
		const provider = { ...providers[PROVIDER], endpoint: relay.url('http'), timeoutMs: 60_000 };
		const config = { providers: { [PROVIDER]: provider } };
		const controller = await startBuilt(t, stage, { config, argv: ['--leader-elect'] });
		await controller.leading();
		const team = await stage.namespace('team');
		const holder = () =>
			(stage.api.get('Lease', stage.cluster.home, LEASE)['spec'] as { holderIdentity: string })
				.holderIdentity;
		relay.hold();
		seedPods(stage, team, 'web', 100);
		await stage.secretsManager.waitForCall(() => stage.secretsManager.count('GetSecretValue') === 64, 45_000);

		controller.signal('SIGTERM');
		await controller.log.waitFor({ message: 'stopping' });
		t.deepEqual(await controller.probe('/readyz'), { status: 503, text: 'stopping\n' });
		t.is((await controller.probe('/livez')).status, 200);
		await stage.api.requests.waitFor(
			({ resource, verb, closed }) => resource === 'pods' && verb === 'watch' && closed,
		);
		t.is(stage.world.secrets(team).length, 0, 'nothing is given up');
		t.truthy(holder(), 'the Lease is kept while something runs');
		seedPods(stage, team, 'late', 1);

		relay.release();
		t.deepEqual(await controller.exited, { code: 0, signal: null });
		const secrets = stage.world.secrets(team);
		t.is(secrets.length, 64);
		t.true(secrets.every(({ name, data }) => data['name'] === name && data['twice'] === name));
		t.is(stage.secretsManager.count('GetSecretValue'), 64, 'nothing new was begun');
		const told = stage.events(team).filter(({ reason }) => reason === 'SecretSyncSuccess');
		t.deepEqual(told.map(({ pod }) => pod).sort(), secrets.map(({ name }) => name).sort());
		t.like(stage.api.requests.all.at(-1), { resource: 'leases', verb: 'update' });
		t.is(holder(), '');
		t.is(controller.log.lines.at(-1)!.message, 'stopped');
		t.is(controller.stderr, '');
	},
);

const hanging: Readonly<Record<string, (request: LoggedRequest) => boolean>> = {
	'every write': ({ resource }) => resource === 'secrets',
	'every Event': ({ resource }) => resource === 'events',
	'the Lease': ({ resource }) => resource === 'leases',
	anything: ({ user }) => user.startsWith('system:serviceaccount:'),
};

for (const [what, match] of Object.entries(hanging)) {
	test.serial(
		`a stop comes to its end within 25 s although the API server never answers ${what}`,
		async t => {
			const stage = await startStage(t, { virtualTime: true });
			const controller = await stage.start({ argv: ['--leader-elect'] });
			const team = await stage.namespace('team');
			await stage.ask(team, 'served');
			await stage.event(team, 'served', 'SecretSyncSuccess');
			const rule = stage.api.faults.inject(match, { hang: true }, Number.POSITIVE_INFINITY);
			// As many as take long to tell, two at a time.
			seedPods(stage, team, 'web', 12);
			await stage.clock.settle();
			const ended = controller.stop();
			const took = await stage.clock.runUntil(() => !controller.running, { maxMs: 60_000 });
			t.true(took <= 25_000, `${took} ms`);
			t.is(await ended, undefined);
			t.true(rule.hits > 0);
		},
	);
}

/** What is not answered at first while a controller starts, by profile. */
const FIRST_LISTS = {
	'write-only': ({ resource, query }: LoggedRequest) => resource === 'pods' && 'continue' in query,
	'self-heal': ({ resource, verb }: LoggedRequest) => resource === 'secrets' && verb === 'list',
} as const;

/** A controller in the middle of its first lists: the first pods have been sent, not all is known. */
async function startInTheMiddle(t: ExecutionContext, profile: Profile) {
	const stage = await startStage(t, { profile, virtualTime: true, server: { watchList: 'off' } });
	const team = await stage.namespace('team');
	seedPods(stage, team, 'asks', 3);
	const others = Array.from({ length: 600 }, (_, index) => ({
		metadata: { namespace: team, name: `other-${index}` },
	}));
	stage.api.seed('Pod', others);
	stage.api.faults.inject(FIRST_LISTS[profile], { hang: true });
	const controller = await stage.start({ wait: false });
	await stage.api.requests.waitFor(FIRST_LISTS[profile], { received: true });
	await stage.clock.settle();
	return { stage, team, controller };
}

for (const [profile, unknown] of [
	['write-only', 'pods'],
	['self-heal', 'secrets'],
] as const) {
	test.serial(
		`probes answer before all ${unknown} are known, and nothing is read or written until then`,
		async t => {
			const { stage, team, controller } = await startInTheMiddle(t, profile);
			const { status, text } = await controller.probe('/readyz');
			t.is(status, 503);
			t.true(text.endsWith(`the watch of ${unknown} is not synced\n`), text);
			t.deepEqual(await controller.probe('/livez'), { status: 200, text: 'ok\n' });
			t.is(stage.secretsManager.calls.length, 0);
			t.is(stage.world.secrets(team).length, 0);
			await stage.clock.runUntil(async () => (await controller.probe('/readyz')).status === 200);
			await stage.clock.runUntil(() => stage.world.secrets(team).length === 3);
		},
	);

	test.serial(`a stop before all ${unknown} are known is no failure, and whoever waits is told`, async t => {
		const { stage, controller } = await startInTheMiddle(t, profile);
		t.is(await stage.stop(controller), undefined);
		await t.throwsAsync(controller.ready(), { code: 'ABORTED' });
		t.is(controller.log.count({ level: 'error' }) + controller.log.count({ level: 'fatal' }), 0);
	});
}

for (const [profile, message] of [
	['write-only', 'the admission guard could not be proven yet'],
	['self-heal', 'the watch broke off'],
] as const) {
	test.serial(
		`a process that comes before its API server waits for it, alive but not ready (${profile})`,
		async t => {
			const stage = await startStage(t, { profile, embedded: true });
			const team = await stage.namespace('team');
			await stage.ask(team, 'web');
			await stage.api.faults.refuseConnections();
			const controller = await startBuilt(t, stage);
			await controller.log.waitFor({ level: 'warn', message });
			t.is((await controller.probe('/readyz')).status, 503);
			t.is((await controller.probe('/livez')).status, 200);
			await stage.api.faults.acceptConnections();
			await stage.event(team, 'web', 'SecretSyncSuccess');
			t.deepEqual(await controller.probe('/readyz'), { status: 200, text: 'ok\n' });
			t.true(controller.running);
		},
	);
}

test.serial(
	'the bundle says its version, every fault of its configuration, and where it looked for a cluster',
	async t => {
		const version = runBuilt(t, ['--version']);
		t.deepEqual(await version.exited, { code: 0, signal: null });
		t.regex(version.log.text.join('\n'), /^\d+\.\d+\.\d+/);
		const faulty = runBuilt(t, ['--leader-elct', '--zap-log-level=loud', '--config=/does/not/exist']);
		const homeless = runBuilt(t, [], { HOME: '/does/not/exist' });
		for (const [controller, code, words] of [
			[faulty, 'CONFIG_INVALID', ['--leader-elct', 'loud', '/does/not/exist']],
			[homeless, 'KUBERNETES_CONFIG_INVALID', ['--kubeconfig', 'KUBECONFIG', '/does/not/exist/.kube/config']],
		] as const) {
			t.deepEqual(await controller.exited, { code: 1, signal: null });
			const all = controller.log.text.join('\n');
			const fatal = controller.log.filter({ level: 'fatal' });
			t.is(fatal.length, 1, all);
			t.is(fatal[0]!.error?.code, code);
			t.is(controller.stderr, '');
			for (const word of words) {
				t.true(fatal[0]!.error?.message?.includes(word), all);
			}
		}
	},
);

test.serial('a port that is taken ends it with a code, and the other port is free again', async t => {
	const stage = await startStage(t, { embedded: true });
	const listen = async (port = 0) => {
		const server = createServer().listen(port, '127.0.0.1');
		await once(server, 'listening');
		const { port: actual } = server.address() as AddressInfo;
		return { address: `127.0.0.1:${actual}`, port: actual, close: () => void server.close() };
	};
	const taken = await listen();
	t.teardown(taken.close);
	for (const [name, other] of [
		['metrics', 'health-probe'],
		['health-probe', 'metrics'],
	]) {
		const free = await listen();
		free.close();
		const argv = [`--${name}-bind-address=${taken.address}`, `--${other}-bind-address=${free.address}`];
		const controller = await stage.start({ argv, wait: false });
		t.like(await controller.ended, { code: 'CONFIG_INVALID' });
		const again = await listen(free.port);
		again.close();
	}
});
