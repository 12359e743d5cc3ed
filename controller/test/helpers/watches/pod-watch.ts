// Annotated pods watched over the wire: a ListWatch alone, or with the watcher and the store on top.
import type { ExecutionContext } from 'ava';
import type { ClusterConfig } from '../../../src/kubernetes/auth/cluster-config.ts';
import { needleOf } from '../../../src/kubernetes/watch/line-scanner.ts';
import { createListWatch, type ListWatchOptions } from '../../../src/kubernetes/watch/list-watch.ts';
import { createWatchTransport } from '../../../src/kubernetes/watch/transport.ts';
import type { Clock } from '../../../src/runtime/clock.ts';
import type { StreamEnd, StreamMessage } from '../../../src/runtime/watch/list-watch.ts';
import { Store } from '../../../src/runtime/watch/store.ts';
import { Watcher } from '../../../src/runtime/watch/watcher.ts';
import type { ApiServer } from '../../../testing/index.ts';
import { ANNOTATION } from './watch-lines.ts';
import { clusterOf, hasty } from './wired.ts';

export type PodRecord = { readonly uid: string; readonly name: string; readonly annotation: string };

type Options = {
	readonly clock?: Clock;
	readonly cluster?: ClusterConfig;
	readonly listWatch?: Partial<ListWatchOptions<PodRecord>>;
};

export function podListWatch(server: ApiServer, isTracked: (uid: string) => boolean, options: Options = {}) {
	const { clock = hasty, cluster = clusterOf(server) } = options;
	return createListWatch<PodRecord>({
		transport: createWatchTransport({ cluster, clock, userAgent: 'jasm/0.0.0' }),
		path: '/api/v1/pods',
		resource: 'pods',
		fieldSelector: 'status.phase!=Succeeded,status.phase!=Failed',
		needle: needleOf(ANNOTATION),
		toRecord: ({ uid, name, annotations }) => {
			const annotation = annotations?.[ANNOTATION];
			return annotation === undefined ? undefined : { uid, name, annotation };
		},
		isTracked,
		clock,
		random: () => 0.5,
		...options.listWatch,
	});
}

/** One stream: its messages as they come, and its end. */
export function openStream(t: ExecutionContext, server: ApiServer, from?: string, options: Options = {}) {
	const abort = new AbortController();
	t.teardown(() => abort.abort());
	const tracked = new Set<string>();
	const messages: StreamMessage<PodRecord>[] = [];
	const listWatch = podListWatch(server, uid => tracked.has(uid), options);
	const open = (resourceVersion?: string): Promise<StreamEnd> =>
		listWatch.open(
			resourceVersion,
			message => {
				messages.push(message);
				if (message.type === 'apply') tracked.add(message.record.uid);
				if (message.type === 'delete') tracked.delete(message.uid);
			},
			abort.signal,
		);
	return { messages, ended: open(from), reopen: open, abort, listWatch };
}

/** The watcher and its store until the test ends. */
export function watching(t: ExecutionContext, server: ApiServer, options: Options = {}) {
	const { clock = hasty } = options;
	const abort = new AbortController();
	t.teardown(() => abort.abort());
	const changes: string[] = [];
	const ends: StreamEnd[] = [];
	let lists = 0;
	const store = new Store<PodRecord>({
		equals: (a, b) => a.annotation === b.annotation,
		onChange: ({ before, after }) => {
			changes.push(after === undefined ? `-${before?.name}` : `+${after.name}=${after.annotation}`);
		},
	});
	const watcher = new Watcher({
		listWatch: podListWatch(server, uid => store.has(uid), options),
		sink(event) {
			if (event.type === 'init') lists++;
			store.apply(event);
		},
		clock,
		random: () => 0.5,
		onTransition: ({ end }) => end !== undefined && ends.push(end),
	});
	const done = watcher.run(abort.signal);
	const names = () => [...store.values()].map(({ name, annotation }) => `${name}=${annotation}`).sort();
	return { store, watcher, changes, ends, names, done, abort, lists: () => lists };
}

/** Creates an annotated pod, or one that is none of our business. */
export function createPod(server: ApiServer, name: string, annotation?: string) {
	return server.create({
		kind: 'Pod',
		metadata: {
			name,
			namespace: 'default',
			...(annotation !== undefined && { annotations: { [ANNOTATION]: annotation } }),
		},
		spec: { containers: [{ name: 'main', image: 'x' }] },
	});
}

export const annotate = (server: ApiServer, name: string, annotation: string | undefined) =>
	server.update('Pod', 'default', name, pod => {
		const { [ANNOTATION]: _, ...others } = pod.metadata.annotations ?? {};
		pod.metadata.annotations = annotation === undefined ? others : { ...others, [ANNOTATION]: annotation };
	});
