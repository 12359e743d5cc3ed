// A stage on which canaries fly: replicas at every level of the log, pods that ask for every case, what they are told.
import type { SecretProvider } from '../../../src/providers/provider.ts';
import { eventually } from '../clocks/eventually.ts';
import type { Replica } from '../environment/replica.ts';
import { PROVIDER, type TestEnvironment } from '../environment/test-environment.ts';
import type { CanaryCase } from './cases.ts';
import type { Canaries } from './values.ts';

export const OWN_PROVIDER = 'embedded';
/** What --zap-log-level makes trace, debug, info, error and fatal. */
export const LEVELS = ['2', 'debug', 'info', 'error', 'panic'] as const;

const policyFor = (environment: TestEnvironment, providers: readonly string[]) =>
	providers.map(provider => ({ namespaces: [`*-${environment.cluster.id}`], provider, paths: ['/prod/**'] }));

/** A replica whose own credentials are canaries too. */
export async function startReplica(
	environment: TestEnvironment,
	canaries: Canaries,
	level: string,
	providers: Readonly<Record<string, SecretProvider>> = {},
): Promise<Replica> {
	const token = await environment.cluster.createToken();
	canaries.add(`the token of the replica at level ${level}`, token);
	return environment.start({
		kubeconfig: environment.cluster.kubeconfigFor(token),
		env: { AWS_SECRET_ACCESS_KEY: canaries.text(`the AWS key of the replica at level ${level}`) },
		argv: [`--zap-log-level=${level}`],
		providers,
		config: { policy: policyFor(environment, [PROVIDER, ...Object.keys(providers)]) },
	});
}

export type Asked = CanaryCase & { readonly pod: string; readonly namespace: string };

/** A namespace, a source and the faults for each case; the pods come later. */
export async function prepare(environment: TestEnvironment, cases: readonly CanaryCase[]): Promise<Asked[]> {
	const asked: Asked[] = [];
	for (const [index, { payload, source, api }] of cases.entries()) {
		const pod = `p${index}`;
		const namespace = await environment.namespace(pod);
		environment.secretsManager.put(`/prod/${pod}`, payload);
		if (source !== undefined) {
			environment.secretsManager.inject(source, { when: ({ name }) => name === `/prod/${pod}` });
		}

		if (api !== undefined) {
			const times = api.answer === undefined ? 1 : Number.POSITIVE_INFINITY;
			environment.api.faults.inject(
				{ verb: ['create', 'update'], resource: 'secrets', namespace },
				api,
				times,
			);
		}

		asked.push({ ...cases[index]!, pod, namespace });
	}

	return asked;
}

/** What an embedding program brings along: answers each path in its own bad way. */
export const providerOf = (cases: readonly CanaryCase[]): SecretProvider => ({
	read({ path }) {
		const { provider, payload } = cases[Number(path.replace('/prod/p', ''))]!;
		return provider!((payload as { password: string }).password) as never;
	},
});

/** Resolves when each replica has told each pod of its failure, and some replica of its success. */
export function everyOutcome(
	environment: TestEnvironment,
	asked: readonly Asked[],
	replicas: number,
): Promise<true> {
	const missing = () => {
		const told = Map.groupBy(environment.world.events(''), ({ pod }) => pod);
		return asked.filter(({ pod, reason }) => {
			const all = (told.get(pod) ?? []).filter(event => reason === undefined || event.reason === reason);
			const instances = new Set(all.map(({ instance }) => instance));
			return instances.size < (reason === undefined || reason === 'SecretSyncSuccess' ? 1 : replicas);
		});
	};
	// Counting is cheap, and this is asked after every change.
	const enough = () => environment.api.list('Event').length >= asked.length;
	return eventually(
		environment.world.subscribe,
		() => (enough() && missing().length === 0 ? true : undefined),
		{
			what: 'an Event of every outcome',
			seen: () => [
				missing().map(({ pod, reason }) => [pod, reason]),
				environment.world.events(missing()[0]!.namespace),
			],
		},
	);
}

/** The watch of Secrets in profile self-heal ends in both ways in which a server could quote one. */
export async function breakWatches(
	environment: TestEnvironment,
	replicas: readonly Replica[],
	value: string,
): Promise<void> {
	const { faults } = environment.api;
	const { log } = replicas[0]!;
	const secrets = { resource: 'secrets' };
	const broken = { level: 'warn', message: 'the watch broke off', resource: 'secrets' };
	faults.failWatches({ status: 500, reason: value, message: `decoding ${value}` }, secrets);
	await log.waitFor(broken);
	await environment.api.requests.waitFor({ ...secrets, verb: 'watch' }, { count: 2 * replicas.length });
	faults.injectLine(`{"type":"MODIFIED","object":{"data":{"password":"${value}"}} ${value}\n`, secrets);
	await log.waitFor(broken, 2);
}
