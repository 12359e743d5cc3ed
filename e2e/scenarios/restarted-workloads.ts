// The workloads of one tenant that ask for restarts: how their owner makes them, their secrets change, and what is seen.
import { type EventBridgeClient, PutEventsCommand } from '@aws-sdk/client-eventbridge';
import { PutSecretValueCommand } from '@aws-sdk/client-secrets-manager';
import { until } from '../cluster/until.ts';
import type { Tenant } from '../users/tenant.ts';
import { eventBridge, labelUpdated } from './rotation.ts';
import { PROVIDER, type ScenarioContext } from './scenario-context.ts';

const RESTARTED_FOR = 'jasm.codnod.io/restarted-for';

/** The window of the configuration, a rollout, and a machine that is busy. */
export const ROLLOUT_MS = 240_000;

type Kind = 'Deployment' | 'StatefulSet' | 'DaemonSet';
type State = { readonly generation: number; readonly hash: string | undefined };

export const ask = (path: string, secretName: string) => ({
	provider: PROVIDER,
	path,
	secretName,
	onChange: 'restart',
});

export class RestartedWorkloads {
	readonly #context: ScenarioContext;
	readonly #tenant: Tenant;
	readonly #events: EventBridgeClient;

	constructor(context: ScenarioContext, tenant: Tenant) {
		this.#context = context;
		this.#tenant = tenant;
		this.#events = eventBridge(context);
	}

	/** A new value at the store, and the event that AWS would emit. */
	async rotate(path: string, value: string, key = 'VALUE'): Promise<void> {
		const { secrets } = this.#context.environment.account;
		const SecretString = JSON.stringify({ [key]: value });
		const { ARN = '', VersionId = '' } = await secrets.send(
			new PutSecretValueCommand({ SecretId: path, SecretString }),
		);
		await this.#events.send(new PutEventsCommand({ Entries: [labelUpdated(path, ARN, VersionId)] }));
	}

	/** By `kubectl apply`, as its owner does. */
	create(kind: Kind, name: string, request: object[], spec: object): Promise<void> {
		const labels = { workload: name };
		return this.#tenant.workload({ request: request as Record<string, unknown>[], labels }, template => ({
			apiVersion: 'apps/v1',
			kind,
			metadata: { name },
			spec: {
				selector: { matchLabels: labels },
				...(kind === 'StatefulSet' && { serviceName: 'none' }),
				...spec,
				template,
			},
		}));
	}

	async state(kind: Kind, name: string): Promise<State & { readonly available: number }> {
		const args = ['-n', this.#tenant.namespace, 'get', `${kind.toLowerCase()}/${name}`, '-o', 'json'];
		const { stdout } = await this.#context.environment.cluster.kubectl(args);
		const { metadata, spec, status } = JSON.parse(stdout);
		return {
			generation: metadata.generation,
			hash: spec.template.metadata.annotations?.[RESTARTED_FOR],
			available: status.availableReplicas ?? 0,
		};
	}

	restarted(kind: Kind, name: string): Promise<State> {
		return until(
			`the restart of ${kind} ${name}`,
			async () => {
				const state = await this.state(kind, name);
				return state.hash !== undefined && state;
			},
			{ timeoutMs: ROLLOUT_MS },
		);
	}

	/** Whether exactly so many pods run, and each was started for that hash. */
	async runsFor(name: string, hash: string | undefined, count: number): Promise<boolean> {
		const pods = await this.#tenant.pods(`workload=${name}`);
		return (
			pods.length === count &&
			pods.every(
				({ metadata, status }) =>
					status?.phase === 'Running' && metadata?.annotations?.[RESTARTED_FOR] === hash,
			)
		);
	}

	async all() {
		const { namespace } = this.#tenant;
		const { items } = await this.#context.environment.cluster.apps.listNamespacedDeployment({ namespace });
		return items.map(({ metadata, spec }) => ({
			name: metadata?.name ?? '',
			generation: metadata?.generation ?? 0,
			hash: spec?.template.metadata?.annotations?.[RESTARTED_FOR],
		}));
	}

	/** A pod whose first sync brings a new value already may be taken for one that started with it. */
	async synced(name: string): Promise<void> {
		for (const { metadata } of await this.#tenant.pods(`workload=${name}`)) {
			await this.#tenant.event(metadata?.name ?? '', 'SecretSyncSuccess');
		}
	}
}
