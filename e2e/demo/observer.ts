// Watches the embedded API server from inside: when a pod was created, a Secret written, an Event reported.
import type { ApiServer, KubeObject } from '@jasm/controller/testing';

const PATIENCE_MS = 20_000;

type Seen = { readonly kind: string; readonly object: KubeObject; readonly at: number };

export class Observer {
	readonly #api: ApiServer;
	readonly #seen: Seen[] = [];
	readonly #waiting = new Set<() => void>();

	constructor(api: ApiServer) {
		this.#api = api;
		api.onChange((kind, { type, object }) => {
			if (type === 'ADDED') {
				this.#seen.push({ kind, object: object.object, at: performance.now() });
				for (const check of this.#waiting) {
					check();
				}
			}
		});
	}

	/** Milliseconds of `performance.now()`. */
	createdAt(namespace: string, pod: string): number {
		return this.#find('Pod', ({ metadata }) => metadata.namespace === namespace && metadata.name === pod)!.at;
	}

	/** Resolves with the milliseconds from `since` to the Secret's creation. */
	async secret(namespace: string, name: string, since: number): Promise<number> {
		const { at } = await this.#wait(
			`Secret ${namespace}/${name}`,
			'Secret',
			({ metadata }) => metadata.namespace === namespace && metadata.name === name,
		);
		return at - since;
	}

	/** Resolves with the milliseconds from `since` until the Secret has this value. */
	async value(namespace: string, name: string, [key, value]: readonly [string, string], since: number) {
		const wanted = Buffer.from(value).toString('base64');
		await this.#until(
			`Secret ${namespace}/${name} with a new ${key}`,
			() =>
				this.#api
					.list('Secret', namespace)
					.some(
						({ metadata, ...secret }) =>
							metadata.name === name && (secret['data'] as Record<string, string>)[key] === wanted,
					) || undefined,
			check => this.#api.onChange(kind => kind === 'Secret' && check()),
		);
		return performance.now() - since;
	}

	/** Resolves when that many pods of the namespace, with names that begin like this, run. */
	async running(namespace: string, prefix: string, count: number): Promise<void> {
		await this.#until(
			`${count} running pods ${namespace}/${prefix}*`,
			() => this.runningPods(namespace).filter(name => name.startsWith(prefix)).length >= count || undefined,
			check => this.#api.onChange(kind => kind === 'Pod' && check()),
		);
	}

	/**
	 * Resolves when this pod exists without a scheduling gate, with the data that the Secret has at that very moment.
	 * Call it before the pod is created.
	 */
	async ungated(
		namespace: string,
		pod: string,
		secret: string,
	): Promise<{ readonly at: number; readonly data: Readonly<Record<string, string>> }> {
		const api = this.#api;
		return this.#until(
			`pod ${namespace}/${pod} without a gate`,
			() => {
				const found = api.find('Pod', namespace, pod);
				if (found === undefined || gatesOf(found['spec']).length > 0) {
					return undefined;
				}

				const data = (api.find('Secret', namespace, secret)?.['data'] ?? {}) as Record<string, string>;
				return { at: performance.now(), data };
			},
			check => api.onChange(kind => kind === 'Pod' && check()),
		);
	}

	/**
	 * The value of each pod whose name begins like this, as the Secret has it at the moment at which nothing holds the
	 * pod back any more. Grows as pods come.
	 */
	startsOf(
		namespace: string,
		prefix: string,
		[secret, key]: readonly [string, string],
	): ReadonlyMap<string, string> {
		const starts = new Map<string, string>();
		this.#api.onChange((kind, { object: { object } }) => {
			const { name = '' } = object.metadata;
			const ours = kind === 'Pod' && object.metadata.namespace === namespace && name.startsWith(prefix);
			if (ours && !starts.has(name) && gatesOf(object['spec']).length === 0) {
				const data = this.#api.find('Secret', namespace, secret)?.['data'] as
					| Record<string, string>
					| undefined;
				starts.set(name, atob(data?.[key] ?? ''));
			}
		});
		return starts;
	}

	/** Resolves with the names of the pods once that many run, none of which is one of `before`. */
	async replaced(namespace: string, prefix: string, before: readonly string[]): Promise<readonly string[]> {
		return this.#until(
			`${before.length} new pods ${namespace}/${prefix}*`,
			() => {
				const present = this.runningPods(namespace).filter(name => name.startsWith(prefix));
				return present.length === before.length && !present.some(name => before.includes(name))
					? present
					: undefined;
			},
			check => this.#api.onChange(kind => kind === 'Pod' && check()),
		);
	}

	/** Names of the pods of a namespace that run. */
	runningPods(namespace: string): readonly string[] {
		return this.#api
			.list('Pod', namespace)
			.filter(({ status }) => phaseOf(status) === 'Running')
			.map(({ metadata: { name = '' } }) => name);
	}

	/** Names of the pods whose start the kubelet refused at least once. */
	refused(namespace: string): readonly string[] {
		return this.#api
			.list('Event', namespace)
			.filter(({ reason, reportingComponent }) => reason === 'Failed' && reportingComponent === 'kubelet')
			.map(event => (event['involvedObject'] as { name: string }).name);
	}

	/** Resolves when JASM reported this reason on the pod. */
	async event(namespace: string, pod: string, reason: string): Promise<void> {
		await this.#wait(`Event ${reason} on pod ${namespace}/${pod}`, 'Event', event => {
			const subject = (event['regarding'] ?? event['involvedObject']) as { name?: string } | undefined;
			return event.metadata.namespace === namespace && event['reason'] === reason && subject?.name === pod;
		});
	}

	/** Requests that wrote this Secret. */
	writesOf(namespace: string, name: string): number {
		// A create carries its name only in the body.
		return (
			this.#api.requests.count(
				({ resource, verb, namespace: where, name: what, status = 0 }) =>
					resource === 'secrets' &&
					where === namespace &&
					status < 300 &&
					(verb === 'update' ? what === name : false),
			) +
			this.#seen.filter(
				({ kind, object }) =>
					kind === 'Secret' && object.metadata.namespace === namespace && object.metadata.name === name,
			).length
		);
	}

	noneWritten(namespace: string, name: string): boolean {
		return this.writesOf(namespace, name) === 0;
	}

	#find(kind: string, matches: (object: KubeObject) => boolean): Seen | undefined {
		return this.#seen.find(seen => seen.kind === kind && matches(seen.object));
	}

	#wait(what: string, kind: string, matches: (object: KubeObject) => boolean): Promise<Seen> {
		return this.#until(
			what,
			() => this.#find(kind, matches),
			check => {
				this.#waiting.add(check);
				return () => this.#waiting.delete(check);
			},
		);
	}

	/** Resolves with what `look` finds, now or at a later call of the function that `subscribe` gets. */
	#until<T>(
		what: string,
		look: () => T | undefined,
		subscribe: (check: () => void) => () => void,
	): Promise<T> {
		return new Promise((resolve, reject) => {
			const timer = setTimeout(() => {
				unsubscribe();
				reject(new Error(`waited ${PATIENCE_MS / 1000} s for ${what}`));
			}, PATIENCE_MS);
			const check = () => {
				const found = look();
				if (found !== undefined) {
					clearTimeout(timer);
					unsubscribe();
					resolve(found);
				}
			};
			const unsubscribe = subscribe(check);
			check();
		});
	}
}

const gatesOf = (spec: unknown): readonly unknown[] =>
	(spec as { schedulingGates?: unknown[] }).schedulingGates ?? [];
const phaseOf = (status: unknown): unknown => (status as { phase?: string } | undefined)?.phase;
