// A stage in virtual time whose workloads are restarted: stores tell of changes, and controllers of a cluster with a
// node replace pods when a template changes.

import { ANNOTATION_KEY } from '../../../src/requests/annotation.ts';
import { type KubeObject, startWorkloads } from '../../../testing/index.ts';
import { type ChangeEnvironment, startChangeEnvironment } from './change-environment.ts';
import type { Teardown } from './file-teardown.ts';
import type { Replica } from './replica.ts';
import { restartBinding, restartRights } from './restart-rights.ts';
import { annotation, type StartOptions, type TestEnvironmentOptions } from './test-environment.ts';

export type WorkloadKind = 'Deployment' | 'StatefulSet' | 'DaemonSet';

export const RESTARTED_FOR = 'jasm.codnod.io/restarted-for';
export const POLICY = 'jasm-restart-only';
export const SENTINEL = 'jasm-restart-sentinel';

/** A pod template that asks to be restarted for these secrets, each a Secret of its name from /prod/NAME. */
export const asking = (secrets: readonly string[], onChange = 'restart') =>
	`[${secrets.map(name => annotation({ path: `/prod/${name}`, secretName: name, onChange })).join(',')}]`;

export type WorkloadOptions = {
	readonly kind?: WorkloadKind;
	/** Text of the annotation. Default: asks to be restarted for the secret `db`. */
	readonly text?: string | undefined;
	readonly replicas?: number;
	/** Replaces fields of the workload's spec. */
	readonly spec?: object;
};

export type RestartEnvironment = ChangeEnvironment & Awaited<ReturnType<typeof startRestartEnvironment>>;

export async function startRestartEnvironment(t: Teardown, options: TestEnvironmentOptions = {}) {
	const changing = await startChangeEnvironment(t, { ...options, virtualTime: true });
	const { environment } = changing;
	const { api, clock } = environment;
	const workloads = startWorkloads(api, {
		startMs: 100,
		schedule: (ms, callback) => clock.schedule(ms, callback),
	});
	t.teardown(() => workloads.stop());
	api.apply(restartRights('jasm'));

	/** Every restart that JASM sent: the answered requests that were no dry run. */
	const restarts = (name?: string) =>
		api.requests.all.filter(
			({ verb, group, query, status, user, ...request }) =>
				verb === 'patch' &&
				group === 'apps' &&
				user === 'system:serviceaccount:jasm:jasm' &&
				!('dryRun' in query) &&
				status === 200 &&
				(name === undefined || request.name === name),
		);

	/** The live pods of a workload, each with the hash that it was started for. */
	const podsOf = (namespace: string, name: string) =>
		api
			.list('Pod', namespace)
			.filter(pod => pod.metadata.labels?.['app'] === name && !pod.metadata.deletionTimestamp)
			.map(pod => ({
				name: pod.metadata.name!,
				uid: pod.metadata.uid!,
				hash: pod.metadata.annotations?.[RESTARTED_FOR],
				running: (pod['status'] as { phase?: string } | undefined)?.phase === 'Running',
			}));

	return {
		...changing,
		api,
		clock,
		restarts,
		podsOf,

		/** A namespace in which JASM has the right to restart. */
		async namespace(name: string): Promise<string> {
			const full = await environment.namespace(name);
			api.apply([restartBinding('jasm', full)]);
			return full;
		},

		/** A replica that restarts workloads of these namespaces. */
		start(
			namespaces: readonly string[],
			settings: object = {},
			{ config, ...more }: StartOptions = {},
		): Promise<Replica> {
			// Longer than any of these tests, in virtual time.
			const token = api.createToken('jasm', 'jasm', { seconds: 30 * 86_400 });
			return environment.start({
				kubeconfig: api.kubeconfig({ token }),
				...more,
				config: { restarts: { namespaces, ...settings }, ...config },
			});
		},

		/** Puts a new value of each of these secrets into the store. */
		put(value: string, ...names: string[]): void {
			for (const name of names) environment.secretsManager.put(`/prod/${name}`, { value });
		},

		/** Creates a workload; resolves when its pods run. */
		async workload(
			namespace: string,
			name: string,
			{ kind = 'Deployment', text = asking(['db']), replicas = 1, spec }: WorkloadOptions = {},
		): Promise<void> {
			api.create(workloadNamed(namespace, name, { kind, text, replicas, spec: spec ?? {} }));
			const wanted = kind === 'DaemonSet' ? 1 : replicas;
			await clock.runUntil(() => podsOf(namespace, name).filter(({ running }) => running).length === wanted);
		},

		/** The generation of a workload: 1 until its template changes. */
		generationOf: (namespace: string, name: string, kind: WorkloadKind = 'Deployment') =>
			api.get(kind, namespace, name).metadata.generation,

		/** The hash in the template of a workload. */
		hashOf(namespace: string, name: string, kind: WorkloadKind = 'Deployment'): string | undefined {
			const { template } = api.get(kind, namespace, name)['spec'] as { template: KubeObject };
			return template.metadata.annotations?.[RESTARTED_FOR];
		},

		/** Resolves when the Secret holds the value. */
		async holds(namespace: string, secret: string, value: string): Promise<void> {
			await clock.runUntil(() => environment.world.secret(namespace, secret)?.data['value'] === value);
		},

		/** Resolves when so many pods run and each was started for the hash in the template. */
		async rolledOut(namespace: string, name: string, count: number, kind?: WorkloadKind): Promise<void> {
			await clock.runUntil(() => {
				const hash = this.hashOf(namespace, name, kind);
				const pods = podsOf(namespace, name);
				return (
					hash !== undefined && pods.length === count && pods.every(pod => pod.running && pod.hash === hash)
				);
			});
		},
	};
}

function workloadNamed(
	namespace: string,
	name: string,
	{ kind, text, replicas, spec }: { kind: WorkloadKind; text: string; replicas: number; spec: object },
): KubeObject {
	return {
		apiVersion: 'apps/v1',
		kind,
		metadata: { name, namespace },
		spec: {
			...(kind !== 'DaemonSet' && { replicas }),
			...(kind === 'StatefulSet' && { serviceName: name }),
			selector: { matchLabels: { app: name } },
			template: {
				metadata: { labels: { app: name }, annotations: { [ANNOTATION_KEY]: text } },
				spec: { containers: [{ name: 'app', image: 'app:1' }] },
			},
			...spec,
		},
	};
}
