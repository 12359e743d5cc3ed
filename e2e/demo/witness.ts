// Watches the embedded API server from inside: when was a pod created, a Secret written, a pod told.
import type { ApiServer, KubeObject } from '@jasm/controller/testing';

const PATIENCE_MS = 20_000;

type Seen = { readonly kind: string; readonly object: KubeObject; readonly at: number };

export class Witness {
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

	/** Resolves when the pod was told. */
	async event(namespace: string, pod: string, reason: string): Promise<void> {
		await this.#wait(`Event ${reason} on pod ${namespace}/${pod}`, 'Event', event => {
			const subject = (event['regarding'] ?? event['involvedObject']) as { name?: string } | undefined;
			return event.metadata.namespace === namespace && event['reason'] === reason && subject?.name === pod;
		});
	}

	/** Requests that wrote this Secret. */
	writesOf(namespace: string, name: string): number {
		// A create carries its name in the body alone.
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
		return new Promise((resolve, reject) => {
			const timer = setTimeout(() => {
				this.#waiting.delete(check);
				reject(new Error(`waited ${PATIENCE_MS / 1000} s for ${what}`));
			}, PATIENCE_MS);
			const check = () => {
				const found = this.#find(kind, matches);
				if (found !== undefined) {
					clearTimeout(timer);
					this.#waiting.delete(check);
					resolve(found);
				}
			};
			this.#waiting.add(check);
			check();
		});
	}
}
