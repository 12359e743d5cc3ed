// Unary requests: one deadline, one resend after a lost connection, one token refresh after a 401.
import type { Clock } from '../../runtime/clock.ts';
import type { ClusterConfig } from '../auth/cluster-config.ts';
import { EncodedJson } from '../encoded-json.ts';
import { KubernetesError } from '../errors.ts';
import type { Answer, Attempt } from '../status.ts';
import { ConnectionLostError, DeadlineError, type WireRequest, type WireResponse } from './connection.ts';
import type { ConnectionPool } from './connection-pool.ts';

export type RestRequest = Attempt & {
	readonly verb: 'get' | 'create' | 'update' | 'patch';
	/** Path and query, without the cluster's base path. */
	readonly path: string;
	readonly accept?: string;
	/** Sent as JSON; an EncodedJson is sent as it is. */
	readonly body?: unknown;
	/** Default: `application/json`. */
	readonly contentType?: string;
	readonly signal?: AbortSignal;
};

export type RequestFacts = {
	readonly verb: string;
	readonly resource: string;
	/** 0: there was no response. */
	readonly status: number;
	readonly durationMs: number;
};

export type RestOptions = {
	readonly pool: Pick<ConnectionPool, 'request' | 'recycle'>;
	readonly cluster: ClusterConfig;
	readonly clock: Clock;
	readonly random: () => number;
	readonly userAgent: string;
	/** For one request, resend and refresh included. */
	readonly deadlineMs?: number;
	/** Called after every request. */
	readonly onRequest?: (facts: RequestFacts) => void;
};

export type Rest = {
	/**
	 * Resolves with any response, a refusal too. Rejects with code `unavailable` if there is none in time, and
	 * with `aborted` if the signal aborts.
	 */
	request(request: RestRequest): Promise<Answer>;
};

const DEADLINE_MS = 10_000;
const METHODS = { get: 'GET', create: 'POST', update: 'PUT', patch: 'PATCH' } as const;

export function createRest(options: RestOptions): Rest {
	const { pool, cluster, clock, random, userAgent, deadlineMs = DEADLINE_MS, onRequest } = options;
	const { credentials, basePath } = cluster;

	async function send(request: RestRequest, body: WireRequest['body'], signal: AbortSignal): Promise<Answer> {
		const authorization = await credentials.authorization();
		const wire = {
			method: METHODS[request.verb],
			path: basePath + request.path,
			headers: {
				accept: request.accept ?? 'application/json',
				'user-agent': userAgent,
				...(authorization !== undefined && { authorization }),
				...credentials.impersonation?.(),
				...(body !== undefined && { 'content-type': request.contentType ?? 'application/json' }),
			},
			...(body !== undefined && { body }),
		};
		try {
			return answerOf(await pool.request(wire, signal));
		} catch (error) {
			if (!(error instanceof ConnectionLostError)) throw error;
			return answerOf(await pool.request(wire, signal));
		}
	}

	async function exchange(request: RestRequest, signal: AbortSignal): Promise<Answer> {
		const body = encode(request.body);
		const answer = await send(request, body, signal);
		if (answer.status !== 401) return answer;
		credentials.invalidate();
		// A client certificate belongs to the connection, so a new one needs a new connection.
		pool.recycle();
		// A server whose clock is behind refuses a fresh token for a moment.
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

function encode(body: unknown): WireRequest['body'] {
	if (body instanceof EncodedJson) return body.pieces();
	return body === undefined ? undefined : JSON.stringify(body);
}

function answerOf({ status, headers, body }: WireResponse): Answer {
	try {
		return { status, headers, body: JSON.parse(body.toString('utf8')) };
	} catch {
		return { status, headers, body: undefined };
	}
}

const aborted = ({ doing }: Attempt) => new KubernetesError({ code: 'aborted', doing, why: 'aborted' });

/** The code of the cause goes to the details only, so that the message repeats identically. */
function unavailable({ doing }: Attempt, error: unknown, deadlineMs: number): KubernetesError {
	const failed = (why: string, cause: string) =>
		new KubernetesError({ code: 'unavailable', doing, why, details: { error: cause } });
	const { code, message } = error as NodeJS.ErrnoException;
	if (error instanceof KubernetesError) return failed('the credentials for it cannot be read', message);
	if (error instanceof DeadlineError) return failed(`no answer within ${deadlineMs} ms`, message);
	return failed('the API server cannot be reached', code ?? message);
}
