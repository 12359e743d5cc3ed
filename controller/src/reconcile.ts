// The whole product in one function: key -> who asks -> may they -> read -> desired Secret -> write -> tell.
import { desiredSecret } from './desired-secret.ts';
import { JasmError } from './errors.ts';
import type { SecretWriter } from './kubernetes/secret-writer.ts';
import type { Outages } from './outages.ts';
import { payloadToValues } from './payload.ts';
import { decide, type Policy } from './policy.ts';
import { sameRequest } from './requesters.ts';
import type { Request, Requester, Requests } from './requests.ts';
import type { Clock } from './runtime/clock.ts';
import type { ReconcileContext, Result } from './runtime/controller.ts';
import { Limiter } from './runtime/limiter.ts';
import { type Key, refOf } from './runtime/object-ref.ts';
import type { Reading, SecretReader } from './secret-reader.ts';
import type { History } from './sync-history.ts';
import { Teller } from './tell.ts';

export type ReconcileDependencies = {
	readonly requests: Requests;
	readonly policy: Policy;
	readonly reader: Pick<SecretReader, 'read'>;
	/** Refuses a path that the provider's own rules do not allow, before anything is called. */
	readonly validatePath: (provider: string, reference: { path: string; version?: string }) => void;
	/** Milliseconds until this key may be read; 0 takes one read from the allowance of its namespace. */
	readonly allowance: (key: Key) => number;
	readonly writer: SecretWriter;
	readonly history: History;
	/** Of providers, by their name, and of the API server. */
	readonly outages: Pick<Outages, 'started' | 'failed' | 'answered'>;
	/** Profile self-heal: the live Secret where an earlier run served this request already. */
	readonly recall?: (key: Key, request: Request) => { readonly resourceVersion: string } | undefined;
	readonly teller: Teller;
	readonly clock: Clock;
	/** A read serves the pods that appeared at most this many milliseconds after it began. */
	readonly joinWindowMs: number;
};

export type Reconcile = (key: Key, context: ReconcileContext) => Promise<Result>;

/** Among the names of dependencies; no provider has an empty one. */
const API_SERVER = '';

/** A value this large (bytes) is held several times over on its way: few of them are under way at once. */
const LARGE_BYTES = 65_536;
const LARGE_AT_ONCE = 4;

/** Level-based: what happened before only decides what need not happen again. Idempotent. */
export function createReconcile(dependencies: ReconcileDependencies): Reconcile {
	const {
		requests,
		policy,
		reader,
		validatePath,
		allowance,
		writer,
		history,
		outages,
		recall,
		teller,
		clock,
	} = dependencies;

	const large = new Limiter({ concurrency: LARGE_AT_ONCE });

	async function sync(key: Key, request: Request, signal: AbortSignal): Promise<void> {
		const { sync } = request.winner;
		const reading = await reader.read(sync.provider, sync, signal);
		outages.answered(sync.provider);
		const put = () => write(key, request, reading, signal);
		await (reading.value.size > LARGE_BYTES ? large.run(put, signal) : put());
	}

	async function write(key: Key, { winner }: Request, reading: Reading, signal: AbortSignal): Promise<void> {
		const { sync } = winner;
		const { namespace } = refOf(key);
		// The world moved on while the provider answered: what changed has put the key back into the queue.
		const present = requests.of(key);
		if (!present || !sameRequest(present.winner.sync, sync)) {
			return;
		}

		const values = payloadToValues(reading.value, sync);
		const stale = history.isStale(key);
		const manifest = desiredSecret({ namespace, sync, values, version: reading.value.version });
		const before = history.resourceVersionOf(key);
		const likelyExists = before !== undefined || isOld(present, clock);
		const sentAt = clock.monotonic();
		const written = await writer.write(manifest, { likelyExists, signal });
		outages.answered(API_SERVER);
		const { resourceVersion } = written;
		const { spec } = sync;
		history.written(key, { spec, readAt: reading.startedAt, resourceVersion, sentAt, corrects: stale });
		const satisfied = servedBy(present, reading);
		if (stale) {
			teller.corrected(key, present);
		}

		// Those who were served before did not wait for this.
		const waited = satisfied.filter(requester => !Teller.satisfied(requester)).map(({ pod }) => pod.seenAt);
		teller.synced(key, present, satisfied, {
			verb: written.verb,
			changed: resourceVersion !== before,
			version: reading.value.version,
			keys: values.size,
			durationMs: clock.monotonic() - Math.min(...waited, reading.startedAt),
		});
	}

	/** Pure, and before everything else: who may not read causes no call and learns nothing. */
	function authorise(key: Key, { sync }: Requester): void {
		const { namespace } = refOf(key);
		validatePath(sync.provider, sync);
		const decision = decide(policy, { namespace, provider: sync.provider, path: sync.path });
		if (!decision.allowed) {
			throw new JasmError(decision.message, { code: decision.code });
		}
	}

	/** Milliseconds until this Secret is to be read; Infinity where everybody who asks was served. */
	function waitMs(key: Key, request: Request): number {
		const { winner, requesters } = request;
		if (!history.knows(key)) {
			const live = recall?.(key, request);
			if (live !== undefined) {
				history.recalled(key, winner.sync.spec, live.resourceVersion);
			}
		}

		const unserved = requesters.some(
			requester => sameRequest(requester.sync, winner.sync) && !Teller.satisfied(requester),
		);
		const due = history.waitMs(key, winner.sync.spec, clock.monotonic(), unserved);
		return due === 0 ? allowance(key) : due;
	}

	/** The requesters of the winning spec that this reading is fresh for. */
	function servedBy({ winner, requesters }: Request, { startedAt }: Reading): Requester[] {
		return requesters.filter(
			({ pod, sync }) =>
				sameRequest(sync, winner.sync) && pod.seenAt <= startedAt + dependencies.joinWindowMs,
		);
	}

	/** Who had no answer waits for the end of that; who was told to stay away for a while does not. */
	function awaitAnswer(key: Key, { winner }: Request, error: JasmError, askedAt: number): void {
		if (error.retryAfterMs === undefined) {
			if (error.code === 'PROVIDER_UNAVAILABLE') {
				outages.failed(winner.sync.provider, key, askedAt);
			} else if (error.code === 'KUBERNETES_UNAVAILABLE') {
				outages.failed(API_SERVER, key, askedAt);
			}
		}
	}

	return async (key, { signal, attempt }) => {
		outages.started(key);
		const request = requests.of(key);
		if (request === undefined) {
			history.forget(key);
			return undefined;
		}

		const { winner, losers } = request;
		if (losers.length > 0) {
			teller.conflict(key, request);
		}

		let readAt: number | undefined;
		try {
			authorise(key, winner);
			const requeueAfterMs = waitMs(key, request);
			if (requeueAfterMs !== 0) {
				return requeueAfterMs === Number.POSITIVE_INFINITY ? undefined : { requeueAfterMs };
			}

			readAt = clock.monotonic();
			await sync(key, request, signal);
			return undefined;
		} catch (error) {
			const coded = toJasmError(error);
			// Stopped from outside: that says nothing about the secret.
			if (!signal.aborted && coded.code !== 'ABORTED') {
				if (readAt !== undefined) {
					if (coded.retry !== 'fast' || coded.retryAfterMs !== undefined) {
						history.failed(key, winner.sync.spec, readAt, coded.retryAfterMs);
					}

					awaitAnswer(key, request, coded, readAt);
				}

				teller.failed(key, request, coded, attempt);
			}

			throw coded;
		}
	};
}

/** A pod older than a minute was there before us: its Secret is likely there too. */
const isOld = ({ winner }: Request, clock: Clock): boolean => clock.now() - winner.pod.createdAt > 60_000;

/** What is not a coded error is a bug of ours: only its name goes on, its message may quote a payload. */
function toJasmError(error: unknown): JasmError {
	return error instanceof JasmError
		? error
		: new JasmError('syncing a secret met an unexpected error', { code: 'INTERNAL', cause: error });
}
