// The watch side of the simulated API server: lists and streams as bytes, cut, delayed and refused at random.
import type { WatchRequest, WatchSink, WatchTransport } from '../../src/kubernetes/watch/transport.ts';
import type { Clock, Timer } from '../../src/runtime/clock.ts';
import type { Random } from './random.ts';
import type { Collection, HistoryEntry, Meta, SimulatedCluster } from './simulated-cluster.ts';
import { isManaged, line, partial, statusBody } from './wire-text.ts';

export type StreamOptions = {
	readonly cluster: SimulatedCluster;
	readonly clock: Clock;
	readonly random: Random;
	readonly hasWatchList: boolean;
	/** Chance of each kind of fault, asked each time. */
	readonly faults: () => number;
};

/** Opens streams, and can cut them all and refuse new ones for a while. */
export class SimulatedTransport implements WatchTransport {
	readonly #options: StreamOptions;
	readonly #streams = new Set<Stream>();
	/** What lists of several pages still have to give, by the token of the next page. */
	readonly #pages = new Map<string, ListPages>();
	#darkUntil = 0;

	constructor(options: StreamOptions) {
		this.#options = options;
	}

	open(request: WatchRequest, sink: WatchSink, signal: AbortSignal): void {
		const onEnd = () => this.#streams.delete(stream);
		const stream: Stream = new Stream({ ...this.#options, pages: this.#pages, onEnd }, request, sink, signal);
		this.#streams.add(stream);
		stream.begin(() => this.#options.clock.monotonic() < this.#darkUntil);
	}

	blackout(ms: number): void {
		this.#darkUntil = this.#options.clock.monotonic() + ms;
		for (const stream of [...this.#streams]) {
			stream.cut();
		}
	}
}

/** A list is of the moment at which its first page was asked for. */
type ListPages = { readonly version: number; readonly left: readonly Meta[] };

type Surroundings = StreamOptions & {
	readonly pages: Map<string, ListPages>;
	readonly onEnd: () => void;
};

class Stream {
	readonly #options: Surroundings;
	readonly #sink: WatchSink;
	readonly #signal: AbortSignal;
	readonly #collection: Collection;
	readonly #query: URLSearchParams;
	readonly #timers = new Set<Timer>();
	#buffer = '';
	#pumping = false;
	#ended = false;
	#unsubscribe = () => {};

	constructor(options: Surroundings, request: WatchRequest, sink: WatchSink, signal: AbortSignal) {
		this.#options = options;
		this.#sink = sink;
		this.#signal = signal;
		const url = new URL(request.path, 'https://server');
		this.#collection = url.pathname.endsWith('/pods') ? 'pods' : 'secrets';
		this.#query = url.searchParams;
	}

	begin(isDark: () => boolean): void {
		this.#signal.addEventListener('abort', () => this.#end(), { once: true });
		this.#after(this.#options.random.between(1, 50), () => (isDark() ? this.cut() : this.#answer()));
	}

	#answer(): void {
		const { random, faults, cluster, hasWatchList } = this.#options;
		const from = this.#query.get('resourceVersion');
		if (random.chance(faults())) {
			this.#end(Object.assign(new Error('connect'), { code: 'ECONNREFUSED' }));
			return;
		}

		if (random.chance(faults())) {
			const [code, reason] = random.pick([
				[429, 'TooManyRequests'],
				[500, 'InternalError'],
				[403, 'Forbidden'],
			] as const);
			this.#refuse(statusBody(code, reason), { 'retry-after': '2' });
			return;
		}

		if (this.#query.get('watch') !== '1') {
			this.#list();
			return;
		}

		if (this.#query.has('sendInitialEvents') && !hasWatchList) {
			this.#refuse(
				statusBody(
					422,
					'Invalid',
					'resourceVersionMatch: Forbidden: resourceVersionMatch is forbidden for watch',
				),
			);
			return;
		}

		this.#sink.onHeaders(200, { 'content-type': 'application/json' });
		if (from !== null && Number(from) < cluster.forgotten) {
			this.#send(line('ERROR', statusBody(410, 'Expired')));
			this.#end();
			return;
		}

		this.#stream(from);
	}

	#stream(from: string | null): void {
		const { cluster, random, faults } = this.#options;
		if (from === null) {
			for (const { meta } of this.#selected()) {
				this.#send(line('ADDED', partial(meta)));
			}

			this.#bookmark({ 'k8s.io/initial-events-end': 'true' });
		} else {
			for (const entry of cluster.history) {
				if (entry.version > Number(from)) {
					this.#deliver(entry);
				}
			}
		}

		this.#unsubscribe = cluster.onChange(entry => this.#deliver(entry));
		const beat = () => {
			this.#bookmark();
			this.#after(60_000, beat);
		};
		this.#after(60_000, beat);
		this.#after(Number(this.#query.get('timeoutSeconds')) * 1_000, () => this.#end());
		if (random.chance(faults() * 3)) {
			this.#after(random.between(1, 30_000), () => this.cut());
		}
	}

	/** In pages of a few items. */
	#list(): void {
		const { cluster, random, pages } = this.#options;
		const token = this.#query.get('continue');
		const found = token === null ? undefined : pages.get(token);
		const { version, left } = found ?? {
			version: cluster.version,
			left: this.#selected().map(({ meta }) => structuredClone(meta)),
		};
		if ((token !== null && found === undefined) || version < cluster.forgotten) {
			this.#refuse(statusBody(410, 'Expired'));
			return;
		}

		const size = random.between(1, 5);
		const rest = left.slice(size);
		const next = `${pages.size + 1}`;
		if (rest.length > 0) {
			pages.set(next, { version, left: rest });
		}

		this.#sink.onHeaders(200, { 'content-type': 'application/json' });
		this.#send(
			JSON.stringify({
				kind: 'PartialObjectMetadataList',
				apiVersion: 'meta.k8s.io/v1',
				metadata: { resourceVersion: String(version), ...(rest.length > 0 && { continue: next }) },
				items: left.slice(0, size).map(partial),
			}),
		);
		this.#flush();
		this.#end();
	}

	#selected() {
		const { cluster } = this.#options;
		return this.#collection === 'pods'
			? cluster.livePods
			: cluster.all('secrets').filter(({ meta }) => isManaged(meta));
	}

	#deliver({ collection, type, meta }: HistoryEntry): void {
		if (collection !== this.#collection) {
			return;
		}

		if (collection === 'pods' || isManaged(meta)) {
			this.#send(line(type, partial(meta)));
		}
	}

	#bookmark(annotations?: Record<string, string>): void {
		const resourceVersion = String(this.#options.cluster.version);
		this.#send(
			line('BOOKMARK', {
				kind: 'PartialObjectMetadata',
				apiVersion: 'meta.k8s.io/v1',
				metadata: { resourceVersion, creationTimestamp: null, ...(annotations && { annotations }) },
			}),
		);
	}

	#refuse(body: object, headers: Record<string, string> = {}): void {
		this.#sink.onHeaders((body as { code: number }).code, { 'content-type': 'application/json', ...headers });
		this.#give(Buffer.from(JSON.stringify(body)));
		this.#end();
	}

	/** Bytes leave a little later, in pieces that heed no line. */
	#send(text: string): void {
		this.#buffer += text;
		if (!this.#pumping) {
			this.#pumping = true;
			this.#after(this.#options.random.between(0, 20), () => {
				this.#pumping = false;
				this.#flush();
			});
		}
	}

	#flush(): void {
		const bytes = Buffer.from(this.#buffer);
		this.#buffer = '';
		for (let at = 0; at < bytes.length && !this.#ended; ) {
			const next = Math.min(bytes.length, at + this.#options.random.between(1, 4_000));
			this.#give(bytes.subarray(at, next));
			at = next;
		}
	}

	/** What the sink throws ends the stream with that error. */
	#give(bytes: Buffer): void {
		try {
			this.#sink.onChunk(bytes);
		} catch (error) {
			this.#end(error as Error);
		}
	}

	/** The connection breaks, perhaps in the middle of a line. */
	cut(): void {
		const { random } = this.#options;
		const bytes = Buffer.from(this.#buffer);
		this.#buffer = '';
		if (bytes.length > 0) {
			this.#give(bytes.subarray(0, random.between(0, bytes.length)));
		}

		this.#end(random.chance(0.5) ? Object.assign(new Error('read'), { code: 'ECONNRESET' }) : undefined);
	}

	#after(ms: number, callback: () => void): void {
		const timer = this.#options.clock.schedule(ms, () => {
			this.#timers.delete(timer);
			if (!this.#ended) {
				callback();
			}
		});
		this.#timers.add(timer);
	}

	#end(error?: Error): void {
		if (this.#ended) {
			return;
		}

		// A server that closes cleanly has sent what it had.
		if (error === undefined && !this.#signal.aborted) {
			this.#flush();
		}

		this.#ended = true;
		this.#unsubscribe();
		for (const timer of this.#timers) {
			timer.cancel();
		}

		this.#options.onEnd();
		this.#sink.onEnd(error);
	}
}
