// The order in which the controller starts and stops, and the bundle that is shipped, seen from outside.
import { once } from 'node:events';
import { type AddressInfo, createServer } from 'node:net';
import test, { type ExecutionContext } from 'ava';
import { ANNOTATION_KEY } from '../../src/requests/annotation.ts';
import type { LoggedRequest } from '../../testing/index.ts';
import { runBuilt, startBuilt } from '../helpers/environment/built-controller.ts';
import type { Profile } from '../helpers/environment/installation.ts';
import {
	annotation,
	PROVIDER,
	startEnvironment,
	type TestEnvironment,
} from '../helpers/environment/test-environment.ts';
import { startHoldingRelay } from '../helpers/servers/holding-proxy.ts';

const LEASE = 'jasm.codnod.io';

/** Pods that were made at once, each with a secret of two members of its own. */
function seedPods(environment: TestEnvironment, namespace: string, prefix: string, count: number): string[] {
	const names = Array.from({ length: count }, (_, index) => `${prefix}-${index}`);
	for (const name of names) {
		environment.secretsManager.put(`/prod/${name}`, { name, twice: name });
	}

	environment.api.seed(
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
		const environment = await startEnvironment(t, { embedded: true });
		const relay = await startHoldingRelay(environment.secretsManager.url);
		t.teardown(() => relay.close());
		const { providers } = environment.configFile() as { providers: Record<string, object> };
		const provider = { ...providers[PROVIDER], endpoint: relay.url('http'), timeoutMs: 60_000 };
		const config = { providers: { [PROVIDER]: provider } };
		const controller = await startBuilt(t, environment, { config, argv: ['--leader-elect'] });
		await controller.leading();
		const team = await environment.namespace('team');
		const holder = () =>
			(environment.api.get('Lease', environment.cluster.home, LEASE)['spec'] as { holderIdentity: string })
				.holderIdentity;
		relay.hold();
		seedPods(environment, team, 'web', 100);
		await environment.secretsManager.waitForCall(
			() => environment.secretsManager.count('GetSecretValue') === 64,
			45_000,
		);

		controller.signal('SIGTERM');
		await controller.log.waitFor({ message: 'stopping' });
		t.deepEqual(await controller.probe('/readyz'), { status: 503, text: 'stopping\n' });
		t.is((await controller.probe('/livez')).status, 200);
		await environment.api.requests.waitFor(
			({ resource, verb, closed }) => resource === 'pods' && verb === 'watch' && closed,
		);
		t.is(environment.world.secrets(team).length, 0, 'nothing is given up');
		t.truthy(holder(), 'the Lease is kept while something runs');
		seedPods(environment, team, 'late', 1);

		relay.release();
		t.deepEqual(await controller.exited, { code: 0, signal: null });
		const secrets = environment.world.secrets(team);
		t.is(secrets.length, 64);
		t.true(secrets.every(({ name, data }) => data['name'] === name && data['twice'] === name));
		t.is(environment.secretsManager.count('GetSecretValue'), 64, 'nothing new was begun');
		const told = environment.events(team).filter(({ reason }) => reason === 'SecretSyncSuccess');
		t.deepEqual(told.map(({ pod }) => pod).sort(), secrets.map(({ name }) => name).sort());
		t.like(environment.api.requests.all.at(-1), { resource: 'leases', verb: 'update' });
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
			const environment = await startEnvironment(t, { virtualTime: true });
			const controller = await environment.start({ argv: ['--leader-elect'] });
			const team = await environment.namespace('team');
			await environment.ask(team, 'served');
			await environment.event(team, 'served', 'SecretSyncSuccess');
			const rule = environment.api.faults.inject(match, { hang: true }, Number.POSITIVE_INFINITY);
			// As many as take long to tell, two at a time.
			seedPods(environment, team, 'web', 12);
			await environment.clock.settle();
			const ended = controller.stop();
			const took = await environment.clock.runUntil(() => !controller.running, { maxMs: 60_000 });
			t.true(took <= 25_000, `${took} ms`);
			t.is(await ended, undefined);
			t.true(rule.hits > 0);
		},
	);
}

/** The requests that get no answer at first while a controller starts, by profile. */
const FIRST_LISTS = {
	'write-only': ({ resource, query }: LoggedRequest) => resource === 'pods' && 'continue' in query,
	'self-heal': ({ resource, verb }: LoggedRequest) => resource === 'secrets' && verb === 'list',
} as const;

/** A controller in the middle of its first lists: the first pods have been sent, not all is known. */
async function startInTheMiddle(t: ExecutionContext, profile: Profile) {
	const environment = await startEnvironment(t, { profile, virtualTime: true, server: { watchList: 'off' } });
	const team = await environment.namespace('team');
	seedPods(environment, team, 'asks', 3);
	const others = Array.from({ length: 600 }, (_, index) => ({
		metadata: { namespace: team, name: `other-${index}` },
	}));
	environment.api.seed('Pod', others);
	environment.api.faults.inject(FIRST_LISTS[profile], { hang: true });
	const controller = await environment.start({ wait: false });
	await environment.api.requests.waitFor(FIRST_LISTS[profile], { received: true });
	await environment.clock.settle();
	return { environment, team, controller };
}

for (const [profile, unknown] of [
	['write-only', 'pods'],
	['self-heal', 'secrets'],
] as const) {
	test.serial(
		`probes answer before all ${unknown} are known, and nothing is read or written until then`,
		async t => {
			const { environment, team, controller } = await startInTheMiddle(t, profile);
			const { status, text } = await controller.probe('/readyz');
			t.is(status, 503);
			t.true(text.endsWith(`the watch of ${unknown} is not synced\n`), text);
			t.deepEqual(await controller.probe('/livez'), { status: 200, text: 'ok\n' });
			t.is(environment.secretsManager.calls.length, 0);
			t.is(environment.world.secrets(team).length, 0);
			await environment.clock.runUntil(async () => (await controller.probe('/readyz')).status === 200);
			await environment.clock.runUntil(() => environment.world.secrets(team).length === 3);
		},
	);

	test.serial(`a stop before all ${unknown} are known is no failure, and the callers are told`, async t => {
		const { environment, controller } = await startInTheMiddle(t, profile);
		t.is(await environment.stop(controller), undefined);
		await t.throwsAsync(controller.ready(), { code: 'ABORTED' });
		t.is(controller.log.count({ level: 'error' }) + controller.log.count({ level: 'fatal' }), 0);
	});
}

for (const profile of ['write-only', 'self-heal'] as const) {
	test.serial(
		`a process that comes before its API server waits for it, alive but not ready (${profile})`,
		async t => {
			const environment = await startEnvironment(t, { profile, embedded: true });
			const team = await environment.namespace('team');
			await environment.ask(team, 'web');
			await environment.api.faults.refuseConnections();
			const controller = await startBuilt(t, environment);
			await controller.log.waitFor({ message: 'the admission guard could not be proven yet' });
			t.is((await controller.probe('/readyz')).status, 503);
			t.is((await controller.probe('/livez')).status, 200);
			await environment.api.faults.acceptConnections();
			await environment.event(team, 'web', 'SecretSyncSuccess');
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
			[faulty, 'CONFIG_INVALID', ['unknown flag --leader-elct', 'loud', '/does/not/exist']],
			[
				homeless,
				'KUBERNETES_CONFIG_INVALID',
				['neither --kubeconfig nor KUBECONFIG', '/does/not/exist/.kube/config'],
			],
		] as const) {
			t.deepEqual(await controller.exited, { code: 1, signal: null });
			const all = controller.log.text.join('\n');
			const fatal = controller.log.filter({ level: 'fatal' });
			t.is(fatal.length, 1, all);
			t.is(fatal[0]!.error?.code, code);
			t.is(controller.stderr, '');
			for (const word of words) {
				// Each fault stands in the line once.
				t.is(all.split(word).length, 2, all);
				t.true(fatal[0]!.message?.includes(word), all);
			}
		}
	},
);

test.serial('a port that is taken ends it with a code, and the other port is free again', async t => {
	const environment = await startEnvironment(t, { embedded: true });
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
		const controller = await environment.start({ argv, wait: false });
		t.like(await controller.ended, { code: 'ADDRESS_UNAVAILABLE', details: { error: 'EADDRINUSE' } });
		const again = await listen(free.port);
		again.close();
	}
});
