// The whole product in one function: key -> who asks -> may they -> read -> desired Secret -> write -> tell.
import { desiredSecret } from './desired-secret.ts';
import { JasmError } from './errors.ts';
import type { SecretWriter } from './kubernetes/secret-writer.ts';
import { payloadToValues } from './payload.ts';
import { decide, type Policy } from './policy.ts';
import type { Request, Requester, Requests } from './requests.ts';
import type { Clock } from './runtime/clock.ts';
import type { ReconcileContext, Result } from './runtime/controller.ts';
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
	/** Milliseconds until this namespace may read again; 0 takes one read from its allowance. */
	readonly allowance: (namespace: string) => number;
	readonly writer: SecretWriter;
	readonly history: History;
	/** Profile self-heal: the live Secret where an earlier run served this request already. */
	readonly recall?: (key: Key, request: Request) => { readonly resourceVersion: string } | undefined;
	readonly teller: Teller;
	readonly clock: Clock;
	/** A read serves the pods that appeared at most this many milliseconds after it began. */
	readonly joinWindowMs: number;
};

export type Reconcile = (key: Key, context: ReconcileContext) => Promise<Result>;

/** Level-based: what happened before only decides what need not happen again. Idempotent. */
export function createReconcile(dependencies: ReconcileDependencies): Reconcile {
	const { requests, policy, reader, validatePath, allowance, writer, history, teller, clock } = dependencies;

	async function sync(key: Key, request: Request, signal: AbortSignal): Promise<void> {
		const { sync } = request.winner;
		const { namespace } = refOf(key);
		const reading = await reader.read(sync.provider, sync, signal);
		// The world moved on while the provider answered: what changed has put the key back into the queue.
		const present = requests.of(key);
		if (present?.winner.sync.spec !== sync.spec) {
			return;
		}

		const values = payloadToValues(reading.value, sync);
		const manifest = desiredSecret({ namespace, sync, values, version: reading.value.version });
		const before = history.resourceVersionOf(key);
		const likelyExists = before !== undefined || isOld(present, clock);
		const sentAt = clock.monotonic();
		const written = await writer.write(manifest, { likelyExists, signal });
		const { resourceVersion } = written;
		history.written(key, { spec: sync.spec, readAt: reading.startedAt, resourceVersion, sentAt });
		const satisfied = servedBy(present, reading);
		teller.synced(key, present, satisfied, {
			verb: written.verb,
			changed: resourceVersion !== before,
			version: reading.value.version,
			keys: values.size,
			durationMs: clock.monotonic() - Math.min(...satisfied.map(({ pod }) => pod.seenAt), reading.startedAt),
		});
	}

	/** The requesters of the winning spec that this reading is fresh for. */
	function servedBy({ winner, requesters }: Request, { startedAt }: Reading): Requester[] {
		return requesters.filter(
			({ pod, sync }) =>
				sync.spec === winner.sync.spec && pod.seenAt <= startedAt + dependencies.joinWindowMs,
		);
	}

	return async (key, { signal, attempt }) => {
		const request = requests.of(key);
		if (request === undefined) {
			history.forget(key);
			return undefined;
		}

		const { winner, requesters, losers } = request;
		if (losers.length > 0) {
			teller.conflict(key, request);
		}

		if (!history.knows(key)) {
			const live = dependencies.recall?.(key, request);
			if (live !== undefined) {
				history.recalled(key, winner.sync.spec, live.resourceVersion);
			}
		}

		const unserved = requesters.some(
			requester => requester.sync.spec === winner.sync.spec && !Teller.satisfied(requester),
		);
		const requeueAfterMs = history.waitMs(key, winner.sync.spec, clock.monotonic(), unserved);
		if (requeueAfterMs !== 0) {
			return requeueAfterMs === Number.POSITIVE_INFINITY ? undefined : { requeueAfterMs };
		}

		let readAt: number | undefined;
		try {
			const { provider, path } = winner.sync;
			const { namespace } = refOf(key);
			validatePath(provider, winner.sync);
			const decision = decide(policy, { namespace, provider, path });
			if (!decision.allowed) {
				throw new JasmError(decision.message, { code: decision.code });
			}

			const waitMs = allowance(namespace);
			if (waitMs > 0) {
				return { requeueAfterMs: waitMs };
			}

			readAt = clock.monotonic();
			await sync(key, request, signal);
			return undefined;
		} catch (error) {
			const coded = toJasmError(error);
			if (readAt !== undefined && coded.retry !== 'fast') {
				history.failed(key, winner.sync.spec, readAt);
			}

			if (coded.code !== 'ABORTED') {
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
