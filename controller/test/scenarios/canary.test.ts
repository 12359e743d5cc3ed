// No value of a secret comes out anywhere but in the Secret: after every success and failure, at every level.
import { readFileSync } from 'node:fs';
import test from 'ava';
import { JasmError } from '../../src/errors.ts';
import type { SecretProvider } from '../../src/providers/provider.ts';
import { SecretValue } from '../../src/providers/secret-value.ts';
import { canaryCases, OPEN_ANSWERS } from '../helpers/canary/cases.ts';
import {
	breakWatches,
	everyOutcome,
	LEVELS,
	OWN_PROVIDER,
	prepare,
	providerOf,
	startReplica,
} from '../helpers/canary/environment.ts';
import { endpointsOf, listenToProcess, seenBy, tracesOf } from '../helpers/canary/outputs.ts';
import { Canaries } from '../helpers/canary/values.ts';
import type { Profile } from '../helpers/environment/installation.ts';
import type { Replica } from '../helpers/environment/replica.ts';
import { startStores } from '../helpers/environment/stores.ts';
import { annotation, startEnvironment } from '../helpers/environment/test-environment.ts';

test.serial(
	'the search finds what is let out on purpose, in each place where something comes out',
	async t => {
		const listening = listenToProcess(t, { swallow: true });
		const canaries = new Canaries();
		const value = canaries.text('a value');
		const environment = await startEnvironment(t, { embedded: true });
		const namespace = await environment.namespace('team');
		// A provider whose name is a value: it is a label of metrics and of the Secret.
		const leaking: SecretProvider = {
			async read({ path, version = '' }) {
				if (path === '/prod/refused') {
					throw new JasmError(`reading ${value}`, { code: 'PROVIDER_DENIED' });
				}

				return new SecretValue({ payload: Buffer.from('{"a":"b"}'), version });
			},
		};
		const replica = await startReplica(environment, canaries, 'debug', { [value]: leaking });
		for (const [pod, reason] of [
			['refused', 'SecretFetchFailed'],
			['served', 'SecretSyncSuccess'],
		] as const) {
			const fields = { provider: value, path: `/prod/${pod}`, secretName: pod };
			await environment.pod(namespace, pod, annotation(fields));
			await environment.event(namespace, pod, reason);
		}

		const { metrics } = await endpointsOf(replica);
		process.emitWarning(value);
		process.stderr.write(`${value}\n`);
		await new Promise(setImmediate);
		const broken = await environment.start({
			argv: ['--kubeconfig', `/does/not/exist/${value}`],
			wait: false,
		});
		const found = canaries.foundIn({
			...tracesOf(environment, [replica]),
			...listening(),
			metrics: metrics!,
			ended: seenBy([await broken.ended]),
			causes: seenBy([new Error('reading', { cause: new Error(value) })]),
			fields: seenBy([Object.assign(new Error('reading'), { response: { body: Buffer.from(value) } })]),
		});
		t.deepEqual(
			[...new Set(found.map(text => text.split(':', 1)[0]))],
			['causes', 'ended', 'events', 'fields', 'log', 'metrics', 'objects', 'stderr', 'warnings'],
		);
	},
);

const [TRACE] = LEVELS;

for (const [profile, levels] of [
	['write-only', LEVELS],
	['self-heal', [TRACE, 'panic']],
] as const satisfies [Profile, unknown][]) {
	test.serial(`no success and no failure lets a value out, at any level of the log (${profile})`, async t => {
		const listening = listenToProcess(t);
		const environment = await startEnvironment(t, { profile, embedded: true });
		const canaries = new Canaries();
		const cases = Object.values(canaryCases(canaries));
		const asked = await prepare(environment, cases);
		const providers = { [OWN_PROVIDER]: providerOf(cases) };
		const replicas: Replica[] = [];
		for (const level of levels) {
			replicas.push(await startReplica(environment, canaries, level, providers));
		}

		const inTheWatch = canaries.text('the watch of Secrets');
		if (profile === 'self-heal') {
			await breakWatches(environment, replicas, inTheWatch);
		}

		await Promise.all(
			asked.map(({ pod, namespace, fields, provider }) => {
				const text = {
					path: `/prod/${pod}`,
					...(provider && { provider: OWN_PROVIDER }),
					...fields,
				};
				return environment.pod(namespace, pod, annotation(text));
			}),
		);
		await everyOutcome(environment, asked, replicas.length);
		const endpoints = await Promise.all(replicas.map(endpointsOf));
		const ended = [];
		for (const replica of replicas) {
			ended.push(await environment.stop(replica));
		}

		const traces = tracesOf(environment, replicas);
		t.deepEqual(canaries.foundIn({ ...traces, ...listening(), ended: seenBy(ended) }), []);
		t.deepEqual(
			endpoints.flatMap(outlets => canaries.foundIn(outlets)),
			[],
		);
		t.true(replicas[0]!.log.count({ message: 'secret not synced' }) > 30, 'the log was looked at');
		t.true(traces['events']!.includes('a/b'), 'the name of a key is told');
		t.false(/a\/b(\n|\\n)/.test(traces['events']!), 'the name of a key is told escaped');
	});
}

test.serial(
	'Vault and Key Vault may say what they like: no value of theirs and no token comes out',
	async t => {
		const listening = listenToProcess(t);
		const { environment, vault, keyVault, config } = await startStores(t, { embedded: true });
		const canaries = new Canaries();
		for (const { tokenFile } of [vault, keyVault]) {
			canaries.add(`the token in ${tokenFile}`, readFileSync(tokenFile, 'utf8').trim());
		}

		const team = await environment.namespace('team');
		const controller = await environment.start({ config, argv: [`--zap-log-level=${TRACE}`] });
		const syncs = [];
		for (const [index, answer] of OPEN_ANSWERS.entries()) {
			const value = canaries.text(`answer ${index}`);
			const name = `p${index}`;
			vault.vault.inject(answer(value), { when: ({ path }) => path.includes(`prod/${name}`) });
			keyVault.server.inject(answer(value), { when: call => call.name === `prod-${name}` });
			syncs.push({ provider: 'vault', path: `prod/${name}`, secretName: `${name}-vault` });
			syncs.push({ provider: 'keyvault', path: `prod-${name}`, secretName: `${name}-azure` });
		}

		const served = canaries.text('a value that is served');
		await vault.put('prod/served', JSON.stringify({ password: served }));
		keyVault.server.put('prod-served', { password: served });
		syncs.push({ provider: 'vault', path: 'prod/served', secretName: 'served-vault' });
		syncs.push({ provider: 'keyvault', path: 'prod-served', secretName: 'served-azure' });
		for (const sync of syncs) {
			await environment.pod(team, sync.secretName, annotation(sync));
		}

		for (const { secretName } of syncs) {
			const reason = secretName.startsWith('served') ? 'SecretSyncSuccess' : 'SecretFetchFailed';
			await environment.event(team, secretName, reason);
		}

		for (const [index, { token }] of vault.vault.calls
			.filter(({ operation }) => operation === 'read')
			.entries()) {
			canaries.add(`the token of read ${index} of Vault`, token!);
		}

		const endpoints = await endpointsOf(controller);
		const ended = await environment.stop(controller);
		t.deepEqual(
			canaries.foundIn({
				...tracesOf(environment, [controller]),
				...listening(),
				...endpoints,
				ended: seenBy([ended]),
			}),
			[],
		);
	},
);

test.serial('output that the end of the process cuts off contains no value', async t => {
	for (const profile of ['write-only', 'self-heal'] as const) {
		const environment = await startEnvironment(t, { profile, virtualTime: true });
		const canaries = new Canaries();
		const listening = listenToProcess(t);
		const replica = await startReplica(environment, canaries, TRACE);
		const team = await environment.namespace('team');
		for (const [name, fault] of Object.entries({
			stalls: 'stall',
			hangs: 'hang',
			writes: undefined,
		} as const)) {
			const path = `/prod/${name}`;
			environment.secretsManager.put(path, { password: canaries.text(`a secret that ${name}`) });
			if (fault !== undefined) {
				environment.secretsManager.inject(fault, { when: call => call.name === path });
			}

			await environment.pod(team, name, annotation({ path, secretName: name }));
		}

		environment.api.faults.inject({ verb: 'create', resource: 'secrets', namespace: team }, { hang: true });
		await environment.api.requests.waitFor(
			{ verb: 'create', resource: 'secrets', namespace: team },
			{ received: true },
		);
		await environment.secretsManager.waitForCall(({ name }) => name === '/prod/hangs');
		const ended = await environment.stop(replica);
		const outlets = { ...tracesOf(environment, [replica]), ...listening(), ended: seenBy([ended]) };
		t.deepEqual(canaries.foundIn(outlets), []);
		t.is(ended, undefined);
		t.is(environment.world.secrets(team).length, 0, 'nothing was done before the end');
	}
});

test.serial('what an embedding program gets hold of holds no value', async t => {
	const environment = await startEnvironment(t, { embedded: true });
	const canaries = new Canaries();
	const value = canaries.text('a secret');
	const token = canaries.add('a token', await environment.cluster.createToken());
	const replicas = [];
	// A kubeconfig that no parser takes, with the token right where it fails.
	replicas.push(await environment.start({ kubeconfig: `users: [{user: {token: ${token}\n`, wait: false }));
	for (const answer of [
		{ status: 422, reason: 'Invalid', message: `Secret "jasm-sentinel" is invalid: ${value}` },
		{ status: 400, reason: value, message: `admission webhook "w" denied the request: ${value}` },
		{ status: 201, body: JSON.stringify({ data: { password: value } }) },
	]) {
		environment.api.faults.inject({ verb: 'update', resource: 'secrets' }, { answer });
		const replica = await environment.start({
			kubeconfig: environment.cluster.kubeconfigFor(token),
			wait: false,
		});
		await Promise.race([replica.ended, replica.ready().catch(() => {})]);
		replicas.push(replica);
	}

	const seen = [];
	for (const replica of replicas) {
		seen.push([await environment.stop(replica), await replica.ready().then(Object, Object), replica]);
	}

	t.deepEqual(
		seen.map(([ended]) => (ended as Partial<JasmError> | undefined)?.code),
		['KUBERNETES_CONFIG_INVALID', 'GUARD_MISSING', 'GUARD_MISSING', undefined],
	);
	t.deepEqual(canaries.foundIn({ ...tracesOf(environment, replicas), errors: seenBy(seen.flat()) }), []);
});

for (const [title, accident] of Object.entries({
	'an unhandled rejection': 'Promise.reject(error)',
	'an uncaught exception that is no Error': 'queueMicrotask(() => { throw value; })',
})) {
	test.serial(`a crash by ${title} lets no value out`, async t => {
		const environment = await startEnvironment(t, { embedded: true });
		const canaries = new Canaries();
		const value = canaries.text('a secret');
		const controller = await environment.startProcess({
			argv: [`--zap-log-level=${TRACE}`],
			preload: `process.on('SIGUSR2', () => {
				const value = ${JSON.stringify(value)};
				const error = new SyntaxError(value + ' is not valid JSON\\n    at ' + value, { cause: value });
				${accident};
			});`,
		});
		await controller.log.waitFor({ message: 'starting' });
		controller.signal('SIGUSR2');
		t.is((await controller.exited).code, 1);
		t.is(controller.log.count({ level: 'fatal', code: 'INTERNAL' }), 1);
		t.deepEqual(canaries.foundIn({ log: controller.log.text.join('\n'), stderr: controller.stderr }), []);
	});
}
