// No value of a secret comes out anywhere but in the Secret: after every success and failure, at every level.
import test, { type ExecutionContext } from 'ava';
import { JasmError } from '../../src/errors.ts';
import type { SecretProvider } from '../../src/providers/provider.ts';
import { Canaries } from '../helpers/canaries.ts';
import { type CanaryCase, canaryCases } from '../helpers/canary-cases.ts';
import { eventually } from '../helpers/eventually.ts';
import type { Profile } from '../helpers/installation.ts';
import { endpointsOf, listenToProcess, seenBy, tracesOf } from '../helpers/outlets.ts';
import type { Replica, ReplicaOptions } from '../helpers/replica.ts';
import { annotation, PROVIDER, type Stage, startStage } from '../helpers/stage.ts';

const OWN_PROVIDER = 'embedded';
/** What --zap-log-level makes trace, debug, info, error and fatal. */
const LEVELS = ['2', 'debug', 'info', 'error', 'panic'];

const policyFor = (stage: Stage) =>
	[PROVIDER, OWN_PROVIDER].map(provider => ({
		namespaces: [`*-${stage.cluster.id}`],
		provider,
		paths: ['/prod/**'],
	}));

/** A replica whose own credentials are canaries too. */
async function startReplica(
	stage: Stage,
	canaries: Canaries,
	level: string,
	providers: ReplicaOptions['providers'] = {},
): Promise<Replica> {
	const token = await stage.cluster.createToken();
	canaries.add(`the token of the replica at level ${level}`, token);
	return stage.start({
		kubeconfig: stage.cluster.kubeconfigFor(token),
		env: { AWS_SECRET_ACCESS_KEY: canaries.text(`the AWS key of the replica at level ${level}`) },
		argv: [`--zap-log-level=${level}`],
		providers,
		config: { policy: policyFor(stage) },
	});
}

type Asked = CanaryCase & { readonly pod: string; readonly namespace: string };

/** A namespace, a source and the faults for each case; the pods come later. */
async function prepare(stage: Stage, cases: readonly CanaryCase[]): Promise<Asked[]> {
	const asked: Asked[] = [];
	for (const [index, { payload, source, api }] of cases.entries()) {
		const pod = `p${index}`;
		const namespace = await stage.namespace(pod);
		stage.secretsManager.put(`/prod/${pod}`, payload);
		if (source !== undefined) {
			stage.secretsManager.inject(source, { when: ({ name }) => name === `/prod/${pod}` });
		}

		if (api !== undefined) {
			const times = api.answer === undefined ? 1 : Number.POSITIVE_INFINITY;
			stage.api.faults.inject({ verb: ['create', 'update'], resource: 'secrets', namespace }, api, times);
		}

		asked.push({ ...cases[index]!, pod, namespace });
	}

	return asked;
}

/** What an embedding program brings along: answers each path in its own bad way. */
const providerOf = (cases: readonly CanaryCase[]): SecretProvider => ({
	read({ path }) {
		const { provider, payload } = cases[Number(path.replace('/prod/p', ''))]!;
		return provider!((payload as { password: string }).password) as never;
	},
});

/** Resolves when each replica has told each pod of its failure, and some replica of its success. */
function everyOutcome(stage: Stage, asked: readonly Asked[], replicas: number): Promise<true> {
	const missing = () => {
		const told = Map.groupBy(stage.api.list('Event'), event =>
			String((event['regarding'] as { name: string } | undefined)?.name),
		);
		return asked.filter(({ pod, reason }) => {
			const all = (told.get(pod) ?? []).filter(event => reason === undefined || event['reason'] === reason);
			const instances = new Set(all.map(event => event['reportingInstance']));
			return instances.size < (reason === undefined || reason === 'SecretSyncSuccess' ? 1 : replicas);
		});
	};
	return eventually(stage.world.subscribe, () => (missing().length === 0 ? true : undefined), {
		what: 'an Event of every outcome',
		seen: () => [
			missing().map(({ pod, reason }) => [pod, reason]),
			stage.world.events(missing()[0]!.namespace),
		],
	});
}

for (const profile of ['write-only', 'self-heal'] as const satisfies Profile[]) {
	test.serial(
		`no success and no failure lets a value out, at any level of the log (${profile})`,
		async t => {
			const process = listenToProcess(t);
			const stage = await startStage(t, { profile, embedded: true });
			const canaries = new Canaries();
			const cases = Object.values(canaryCases(canaries));
			const asked = await prepare(stage, cases);
			const providers = { [OWN_PROVIDER]: providerOf(cases) };
			const replicas: Replica[] = [];
			for (const level of LEVELS) {
				replicas.push(await startReplica(stage, canaries, level, providers));
			}

			const inTheWatch = canaries.text('the watch of Secrets');
			if (profile === 'self-heal') {
				await breakWatches(stage, replicas[0]!, inTheWatch);
			}

			await Promise.all(
				asked.map(({ pod, namespace, fields, provider }) => {
					const text = {
						path: `/prod/${pod}`,
						...(provider && { provider: OWN_PROVIDER }),
						...fields,
					};
					return stage.pod(namespace, pod, annotation(text));
				}),
			);
			await everyOutcome(stage, asked, replicas.length);
			const endpoints = await Promise.all(replicas.map(endpointsOf));
			const ended = [];
			for (const replica of replicas) {
				ended.push(await stage.stop(replica));
			}

			const outlets = { ...tracesOf(stage, replicas), ...process(), ended: seenBy(ended) };
			t.deepEqual(canaries.foundIn(outlets), []);
			t.deepEqual(endpoints.flatMap(outlets => canaries.foundIn(outlets)), []);
			t.true(replicas[0]!.log.count({ message: 'secret not synced' }) > 30, 'the log was looked at');
			t.true(outlets.events.includes('a/b'), 'the name of a key is told');
			t.false(/a\/b(\n|\\n)/.test(outlets.events), 'the name of a key is told escaped');
		},
	);
}
