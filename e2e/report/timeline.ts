// Records when pods and Secrets of the tenants change, by watches, and what pods had to wait for.
import * as k8s from '@kubernetes/client-node';
import { onEnd } from '../cluster/cleanup.ts';
import type { Cluster } from '../cluster/cluster.ts';

export type PodNote = {
	/** Milliseconds since the epoch, as everywhere here. */
	readonly added: number;
	running?: number;
	ready?: number;
	/** Reasons that its containers ever waited for, such as `CreateContainerConfigError`. */
	readonly waits: Set<string>;
	restarts: number;
};

export type SecretNote = { readonly at: number; readonly version: string; readonly deleted: boolean };

/** Prefix of the tenants' namespaces. Objects of other namespaces are not recorded. */
export const TENANT_PREFIX = 'e2e-';

export class Timeline {
	/** By `namespace/name`. */
	readonly pods = new Map<string, PodNote>();
	/** By `namespace/name`, each distinct state once. */
	readonly secrets = new Map<string, SecretNote[]>();
	readonly #watch: k8s.Watch;
	#aborts: AbortController[] = [];
	#ended = false;

	constructor(cluster: Cluster) {
		this.#watch = new k8s.Watch(cluster.config);
		onEnd('timeline', () => this.stop());
	}

	start(): void {
		this.#follow('/api/v1/pods', (phase, object) => this.#notePod(phase, object as k8s.V1Pod));
		this.#follow('/api/v1/secrets', (phase, object) => this.#noteSecret(phase, object as k8s.V1Secret));
	}

	stop(): void {
		this.#ended = true;
		for (const abort of this.#aborts) abort.abort();
		this.#aborts = [];
	}

	/** When the Secret was first seen; undefined if it never was. */
	firstSeen(key: string): number | undefined {
		return this.secrets.get(key)?.find(({ deleted }) => !deleted)?.at;
	}

	/** Distinct states of the Secret since a moment: the writes that changed something. */
	changes(key: string, since = 0): number {
		return (this.secrets.get(key) ?? []).filter(({ at, deleted }) => at >= since && !deleted).length;
	}

	// A watch that ended starts again and delivers all objects again; the first record of each stays.
	#follow(path: string, note: (phase: string, object: object) => void): void {
		if (this.#ended) return;
		const again = () => void (this.#ended || setTimeout(() => this.#follow(path, note), 200));
		this.#watch
			.watch(path, {}, note, again)
			.then(abort => void this.#aborts.push(abort))
			.catch(again);
	}

	#notePod(phase: string, { metadata, status }: k8s.V1Pod): void {
		const key = keyOf(metadata);
		if (key === undefined || phase === 'DELETED') return;
		const now = Date.now();
		const note = this.pods.get(key) ?? { added: now, waits: new Set<string>(), restarts: 0 };
		this.pods.set(key, note);
		if (status?.phase === 'Running') note.running ??= now;
		if (status?.conditions?.some(({ type, status }) => type === 'Ready' && status === 'True'))
			note.ready ??= now;
		for (const { state, restartCount } of status?.containerStatuses ?? []) {
			if (state?.waiting?.reason !== undefined) note.waits.add(state.waiting.reason);
			note.restarts = Math.max(note.restarts, restartCount);
		}
	}

	#noteSecret(phase: string, { metadata }: k8s.V1Secret): void {
		const key = keyOf(metadata);
		if (key === undefined) return;
		const notes = this.secrets.get(key) ?? [];
		this.secrets.set(key, notes);
		const version = metadata?.resourceVersion ?? '';
		const deleted = phase === 'DELETED';
		if (!notes.some(note => note.version === version)) notes.push({ at: Date.now(), version, deleted });
	}
}

function keyOf(metadata: k8s.V1ObjectMeta | undefined): string | undefined {
	const { namespace = '', name = '' } = metadata ?? {};
	return namespace.startsWith(TENANT_PREFIX) ? `${namespace}/${name}` : undefined;
}
