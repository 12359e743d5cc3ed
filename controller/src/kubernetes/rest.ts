// Unary requests: a deadline, one resend on a lost connection, one refresh on 401; the rest goes up.
import { JasmError } from '../errors.ts';
import type { Clock } from '../runtime/clock.ts';
import type { ClusterConfig } from './config.ts';
import { ConnectionLostError, DeadlineError, type WireResponse } from './connection.ts';
import type { Session } from './session.ts';
import type { Answer, Attempt } from './status.ts';

export type RestRequest = Attempt & {
	readonly verb: 'get' | 'create' | 'update';
	/** Path and query, without the cluster's base path. */
	readonly path: string;
	readonly accept?: string;
	/** Sent as JSON. */
	readonly body?: unknown;
	readonly signal?: AbortSignal;
};

export type RequestFacts = {
	readonly verb: string;
	readonly resource: string;
	/** 0 where there was no answer. */
	readonly status: number;
	readonly durationMs: number;
};

export type RestOptions = {
	readonly session: Pick<Session, 'request' | 'recycle'>;
	readonly cluster: ClusterConfig;
	readonly clock: Clock;
	readonly random: () => number;
	readonly userAgent: string;
	/** For one request with all that it took. */
	readonly deadlineMs?: number;
	/** Called after every request. */
	readonly onRequest?: (facts: RequestFacts) => void;
};

export type Rest = {
	/**
	 * Any answer, also one that is no success. Rejects with KUBERNETES_UNAVAILABLE when there is none in time,
	 * with ABORTED when the signal aborts.
	 */
	request(request: RestRequest): Promise<Answer>;
};

const DEADLINE_MS = 10_000;
const METHODS = { get: 'GET', create: 'POST', update: 'PUT' } as const;

export function createRest(options: RestOptions): Rest {
	const { session, cluster, clock, random, userAgent, deadlineMs = DEADLINE_MS, onRequest } = options;
	const { credentials, basePath } = cluster;

	async function send(request: RestRequest, body: string | undefined, signal: AbortSignal): Promise<Answer> {
		const authorization = await credentials.authorization();
		const wire = {
			method: METHODS[request.verb],
			path: basePath + request.path,
			headers: {
				accept: request.accept ?? 'application/json',
				'user-agent': userAgent,
				...(authorization !== undefined && { authorization }),
				...(body !== undefined && { 'content-type': 'application/json' }),
			},
			...(body !== undefined && { body }),
		};
		try {
			return answerOf(await session.request(wire, signal));
		} catch (error) {
			if (!(error instanceof ConnectionLostError)) throw error;
			return answerOf(await session.request(wire, signal));
		}
	}

	async function exchange(request: RestRequest, signal: AbortSignal): Promise<Answer> {
		const body = request.body === undefined ? undefined : JSON.stringify(request.body);
		const answer = await send(request, body, signal);
		if (answer.status !== 401) return answer;
		credentials.invalidate();
		// A certificate may be the identity: it belongs to the connection.
		session.recycle();
		// A fresh token may be refused for moments by a server whose clock is behind.
		await clock.sleep(250 + 750 * random(), signal);
		return send(request, body, signal);
	}

	return {
		async request(request) {
			const startedAt = clock.monotonic();
			const stop = new AbortController();
			const onAbort = () => stop.abort(request.signal?.reason);
			const timer = clock.schedule(deadlineMs, () => stop.abort(new DeadlineError()));
			if (request.signal?.aborted) onAbort();
			request.signal?.addEventListener('abort', onAbort, { once: true });
			let status = 0;
			try {
				stop.signal.throwIfAborted();
				const answer = await exchange(request, stop.signal);
				status = answer.status;
				return answer;
			} catch (error) {
				throw request.signal?.aborted ? aborted(request) : unavailable(request, error, deadlineMs);
			} finally {
				timer.cancel();
				request.signal?.removeEventListener('abort', onAbort);
				const { verb, resource } = request;
				onRequest?.({ verb, resource, status, durationMs: clock.monotonic() - startedAt });
			}
		},
	};
}

function answerOf({ status, headers, body }: WireResponse): Answer {
	try {
		return { status, headers, body: JSON.parse(body.toString('utf8')) };
	} catch {
		return { status, headers, body: undefined };
	}
}

const aborted = ({ doing }: Attempt) => new JasmError(`${doing}: aborted`, { code: 'ABORTED' });

/** The cause's code goes to the log alone: the message repeats identically. */
function unavailable({ doing }: Attempt, error: unknown, deadlineMs: number): JasmError {
	const late = error instanceof DeadlineError;
	const { code, message } = error as NodeJS.ErrnoException;
	const why = late ? `no answer within ${deadlineMs} ms` : 'the API server cannot be reached';
	return new JasmError(`${doing}: ${why}`, {
		code: 'KUBERNETES_UNAVAILABLE',
		details: { error: code ?? message },
	});
}
