// What people, controllers, the provider and the network may do next, at random.
import { ANNOTATION_KEY } from '../../src/requests/annotation.ts';
import { GATE, START_KEY } from '../../src/requests/start-annotation.ts';
import type { VirtualClock } from '../helpers/clocks/virtual-clock.ts';
import type { Random } from './random.ts';
import type { SimulatedCluster, StoredObject } from './simulated-cluster.ts';
import type { Source } from './source.ts';

const NAMESPACES = ['team-a', 'team-b'] as const;
const SECRETS = ['db', 'api', 'tls'] as const;
const STARTS = [
	'after-sync',
	'after-sync',
	'after-sync',
	'after-sync, 5s',
	'after-sync, 60s',
	'at-once',
] as const;
const PATHS = ['/prod/team-a/one', '/prod/team-b/one', '/shared/two', '/shared/three'] as const;

type Surroundings = {
	readonly cluster: SimulatedCluster;
	readonly source: Source;
	readonly clock: VirtualClock;
	readonly random: Random;
	/** No stream to the API server works for this many milliseconds. */
	readonly blackout: (ms: number) => void;
};

export type Action = () => void;

export function randomActions({ cluster, source, clock, random, blackout }: Surroundings): Action[] {
	let pods = 0;
	const one = (secretName: string, path: string = random.pick(PATHS)) => {
		const keys = random.chance(0.3) ? ', keys: {renamed: second}' : '';
		return `{provider: simulated, path: ${path}, secretName: ${secretName}${keys}}`;
	};
	const annotation = () =>
		random.pick([
			() => one(random.pick(SECRETS)),
			() => one(random.pick(SECRETS)),
			() => `[${one('db')}, ${one('api')}]`,
			() => 'provider: simulated\npath: /shared/two\n',
		])();
	/** Admission keeps annotation and gate together: a pod that waits has both. */
	const createPod = (
		namespace: string,
		text: string | undefined,
		{ start, name = `pod-${++pods}` }: { readonly start?: string | undefined; readonly name?: string } = {},
	) =>
		cluster.create(
			'pods',
			{
				name,
				namespace,
				...(text !== undefined && {
					annotations: { [ANNOTATION_KEY]: text, ...(start !== undefined && { [START_KEY]: start }) },
				}),
			},
			start?.startsWith('after-sync')
				? { gates: random.chance(0.2) ? ['example.com/quota', GATE] : [GATE] }
				: {},
		);
	const withPod = (act: (pod: StoredObject) => void) => () => {
		const live = cluster.livePods;
		if (live.length > 0) {
			act(random.pick(live));
		}
	};
	const withWaitingPod = (act: (pod: StoredObject) => void) => () => {
		const waiting = cluster.livePods.filter(({ gates }) => gates?.includes(GATE));
		if (waiting.length > 0) {
			act(random.pick(waiting));
		}
	};
	const withSecret = (act: (secret: StoredObject) => void) => () => {
		const secrets = cluster.all('secrets');
		if (secrets.length > 0) {
			const secret = random.pick(secrets);
			cluster.handled(secret);
			act(secret);
		}
	};
	/** A finalizer holds the deletion for a while. */
	const deleteSecret = (secret: StoredObject) => {
		cluster.remove('secrets', secret);
		clock.schedule(random.between(0, 60_000), () => cluster.release(secret));
	};
	return [
		() => createPod(random.pick(NAMESPACES), annotation()),
		() => createPod(random.pick(NAMESPACES), annotation()),
		() => createPod(random.pick(NAMESPACES), annotation()),
		() => createPod(random.pick(NAMESPACES), undefined),
		() => {
			const [namespace, text] = [random.pick(NAMESPACES), annotation()];
			for (let i = random.between(2, 20); i > 0; i--) {
				createPod(namespace, text);
			}
		},
		// Pods with the same creation time that ask for one Secret in different ways.
		() => {
			const [namespace, secretName] = [random.pick(NAMESPACES), random.pick(SECRETS)];
			for (let i = random.between(2, 4); i > 0; i--) {
				createPod(namespace, one(secretName));
			}
		},
		// A rotation, and a pod that must see it, while the value from before may still be on its way.
		() => {
			const [namespace, path] = [random.pick(NAMESPACES), random.pick(['/shared/two', '/shared/three'])];
			const text = `{provider: simulated, path: ${path}, secretName: db}`;
			createPod(namespace, text);
			clock.schedule(random.between(100, 1_500), () => {
				source.put(path);
				clock.schedule(random.between(0, 600), () => createPod(namespace, text));
			});
		},
		withPod(pod => cluster.remove('pods', pod)),
		// A pod that waits runs nothing, so it does not end.
		withPod(pod => {
			if (!pod.gates?.includes(GATE)) {
				cluster.finish(pod);
			}
		}),
		() => createPod(random.pick(NAMESPACES), annotation(), { start: random.pick(STARTS) }),
		() => createPod(random.pick(NAMESPACES), annotation(), { start: random.pick(STARTS) }),
		// A rollout after a rotation: pods that wait, one after the other.
		() => {
			const [namespace, path] = [random.pick(NAMESPACES), random.pick(['/shared/two', '/shared/three'])];
			const text = `{provider: simulated, path: ${path}, secretName: db}`;
			createPod(namespace, text, { start: random.pick(STARTS) });
			clock.schedule(random.between(0, 1_500), () => {
				source.put(path);
				for (let i = random.between(1, 6); i > 0; i--) {
					clock.schedule(random.between(0, 1_000), () =>
						createPod(namespace, text, { start: random.pick(STARTS) }),
					);
				}
			});
		},
		// A StatefulSet replaces its pod under the same name.
		withWaitingPod(({ meta }) => {
			const { name, namespace, annotations = {} } = meta;
			const old = cluster.get('pods', meta)!;
			cluster.remove('pods', old);
			createPod(namespace, annotations[ANNOTATION_KEY], { start: random.pick(STARTS), name });
		}),
		// A person edits a pod that waits, frees it, or removes its gate.
		withWaitingPod(pod => cluster.annotate(pod, annotation())),
		withWaitingPod(pod => cluster.annotateStart(pod, random.pick([...STARTS, 'after-snyc', undefined]))),
		withWaitingPod(pod =>
			cluster.update('pods', pod, changed => {
				changed.gates = changed.gates!.filter(gate => gate !== GATE);
			}),
		),
		// A start annotation on a pod that runs or waits.
		withPod(pod => cluster.annotateStart(pod, random.pick(STARTS))),
		withPod(pod => cluster.annotate(pod, annotation())),
		// The request of a waiting pod is corrected, not taken away.
		withPod(pod => {
			if (!pod.gates?.includes(GATE)) {
				cluster.annotate(pod, undefined);
			}
		}),
		// A status change: nothing that matters.
		withPod(pod =>
			cluster.update('pods', pod, ({ meta }) => {
				meta.labels = { touched: String(cluster.version) };
			}),
		),
		() => source.put(random.pick(PATHS)),
		() => source.put(random.pick(PATHS)),
		() => source.put(random.pick(PATHS)),
		() => source.remove(random.pick(PATHS)),
		() => {
			const ref = { namespace: random.pick(NAMESPACES), name: random.pick(SECRETS) };
			if (!cluster.get('secrets', ref)) {
				cluster.create('secrets', ref, { data: { foreign: 'untouched' } });
			}
		},
		withSecret(deleteSecret),
		withSecret(secret => editByHand(cluster, secret)),
		// A deletion that a finalizer holds for a while, and pods that ask meanwhile.
		withSecret(secret => {
			hold(cluster, secret);
			deleteSecret(secret);
			if (random.chance(0.7)) {
				createPod(secret.meta.namespace, one(secret.meta.name));
			}
		}),
		// A finalizer on a Secret that lives on.
		withSecret(secret => hold(cluster, secret)),
		() => {
			blackout(random.between(0, 20_000));
			for (let i = random.between(0, 3); i > 0; i--) {
				withPod(pod => cluster.remove('pods', pod))();
			}

			if (random.chance(0.5)) {
				cluster.forget();
			}
		},
		() => cluster.forget(),
	];
}

function hold(cluster: SimulatedCluster, secret: StoredObject): void {
	if (secret.meta.deletionTimestamp === undefined) {
		cluster.update(
			'secrets',
			secret,
			({ meta }) => {
				meta.finalizers = ['example.com/keep'];
			},
			'kubectl',
		);
	}
}

export function editByHand(cluster: SimulatedCluster, secret: StoredObject): void {
	cluster.update(
		'secrets',
		secret,
		edited => {
			edited.data = { ...edited.data, edited: `by hand ${cluster.version}` };
		},
		'kubectl',
	);
}
