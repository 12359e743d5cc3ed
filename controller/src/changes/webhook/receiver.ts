// Answers one request to the webhook: who sends it, is there room, what does it say; then the notices are taken.
import type { IncomingHttpHeaders, IncomingMessage } from 'node:http';
import type { Logger } from '../../observability/logger.ts';
import type { Metrics } from '../../observability/metrics.ts';
import type { Clock } from '../../runtime/clock.ts';
import { TokenBucket } from '../../runtime/limiter.ts';
import type { ChangeIntake, Origin } from '../change-intake.ts';
import { MAX_BODY_BYTES } from '../notice.ts';
import type { Authentication } from './authentication.ts';
import { readEvents } from './body.ts';
import { type Claim, TakenIds } from './hmac.ts';

export type Answer = {
	readonly status: number;
	readonly headers?: Readonly<Record<string, string>>;
	readonly json?: object;
};

export type ReceiverOptions = {
	readonly origin: Origin;
	readonly intake: Pick<ChangeIntake, 'take'>;
	readonly authentication: Pick<Authentication, 'senderOf' | 'signed'>;
	readonly isLeading: () => boolean;
	readonly clock: Clock;
	readonly logger: Logger;
	readonly metrics: Metrics;
};

export const PATH = '/v1/changes';
/** Of Event Grid, which asks before it sends CloudEvents. */
const GRID = 'eventgrid.azure.net';
/** Notices whose Secrets are not settled yet; beyond, senders have to wait. */
export const MOST_IN_HAND = 1_000;
const STANDBY_SECONDS = 5;
const LONGEST_WAIT_SECONDS = 60;

export class Receiver {
	readonly #options: ReceiverOptions;
	readonly #requests: TokenBucket;
	/** For requests without proof of their sender, which take nothing from the others. */
	readonly #strangers: TokenBucket;
	readonly #taken: TakenIds;
	#inHand = 0;
	/** When refused requests were last logged as a warning. */
	#warnedAt = Number.NEGATIVE_INFINITY;

	constructor(options: ReceiverOptions) {
		this.#options = options;
		const bucket = { clock: options.clock, capacity: 100, refillPerSecond: 20 };
		this.#requests = new TokenBucket(bucket);
		this.#strangers = new TokenBucket(bucket);
		this.#taken = new TakenIds(options.clock);
	}

	get inHand(): number {
		return this.#inHand;
	}

	/** Undefined where the sender went away. */
	async answer(request: IncomingMessage): Promise<Answer | undefined> {
		const { method, url = '' } = request;
		if (url.split('?', 1)[0] !== PATH) {
			return this.#stranger({ status: 404 });
		}

		if (method === 'OPTIONS') {
			return this.#stranger(this.#permission(request));
		}

		if (method !== 'POST') {
			return this.#stranger({ status: 405, headers: { allow: 'POST, OPTIONS' } });
		}

		const sender = await this.#options.authentication.senderOf(request);
		if (sender === undefined) {
			return this.#stranger(UNKNOWN);
		}

		if (sender === 'limited') {
			return this.#stranger(later(429, STANDBY_SECONDS));
		}

		return sender === 'known' ? this.#ofKnown(request) : this.#ofClaim(request, sender);
	}

	/** The sender is proven by headers or connection. */
	async #ofKnown(request: IncomingMessage): Promise<Answer | undefined> {
		const refused = this.#turn() ?? refusedByHead(request.headers);
		if (refused !== undefined) {
			return refused.status >= 429 ? refused : this.#refused(refused.status);
		}

		const body = await bodyOf(request);
		return body instanceof Uint8Array ? this.#take(request.headers, body) : body && this.#refused(413);
	}

	/** The sender is proven by the body, which is read for it. */
	async #ofClaim(request: IncomingMessage, claim: Claim): Promise<Answer | undefined> {
		const refused = refusedByHead(request.headers);
		const body = refused === undefined ? await bodyOf(request) : undefined;
		if (refused !== undefined || body === 'too large') {
			return this.#stranger(refused ?? { status: 413 });
		}

		if (body === undefined) {
			return undefined;
		}

		const { authentication, metrics, origin } = this.#options;
		if (!authentication.signed(claim, body)) {
			return this.#stranger(UNKNOWN);
		}

		const turn = this.#turn();
		if (turn !== undefined) {
			return turn;
		}

		if (this.#taken.has(claim.id)) {
			// The sender may have missed the first answer. Nothing is done a second time.
			metrics.changeNotices.inc({ source: origin.source, outcome: 'replayed' });
			return { status: 202 };
		}

		if (this.#taken.full) {
			return later(429, LONGEST_WAIT_SECONDS);
		}

		const answer = this.#take(request.headers, body);
		if (answer.status === 202) {
			this.#taken.add(claim.id);
		}

		return answer;
	}

	/** Undefined where a request of a proven sender may go on. */
	#turn(): Answer | undefined {
		const waitMs = this.#requests.take();
		if (waitMs > 0) {
			return tooMany(waitMs);
		}

		return this.#options.isLeading() ? undefined : STANDBY;
	}

	#take(headers: IncomingHttpHeaders, bytes: Uint8Array): Answer {
		const { intake, origin, metrics, isLeading, clock } = this.#options;
		const body = readEvents(headers, bytes, clock.now());
		if (body.kind === 'refused') {
			return this.#refused(body.status);
		}

		if (body.kind === 'validation') {
			return { status: 200, json: { validationResponse: body.code } };
		}

		const notices = body.events.flatMap(each => (each.kind === 'notices' ? each.notices : []));
		if (this.#inHand + notices.length > MOST_IN_HAND) {
			return later(429, STANDBY_SECONDS);
		}

		// The lease may be gone since the headers came.
		if (!isLeading()) {
			return STANDBY;
		}

		const { source } = origin;
		for (const event of body.events) {
			if (event.kind === 'foreign' || event.notices.length === 0) {
				metrics.changeNotices.inc({ source, outcome: event.kind === 'foreign' ? 'foreign' : 'unmatched' });
			}
		}

		for (const notice of notices) {
			this.#inHand++;
			void intake.take(notice, origin).finally(() => this.#inHand--);
		}

		// The same whether a pod asks for it or not: an answer must not tell which secrets are in use.
		return { status: 202 };
	}

	/** For CloudEvents, Event Grid asks once whether it may send. This admits no sender: each event comes with its proof. */
	#permission({ headers }: IncomingMessage): Answer {
		return headers['webhook-request-origin'] === GRID
			? { status: 200, headers: { 'webhook-allowed-origin': GRID, 'webhook-allowed-rate': '*' } }
			: { status: 403 };
	}

	/** An answer to a request without proof of its sender. */
	#stranger(answer: Answer): Answer {
		const waitMs = this.#strangers.take();
		if (answer.status === 401) {
			this.#warn('a request with change notices proved nothing about its sender: refused');
		}

		return waitMs === 0 ? answer : tooMany(waitMs);
	}

	/** Nothing of the request is logged: others wrote it. */
	#refused(status: number): Answer {
		const { metrics, origin } = this.#options;
		metrics.changeNotices.inc({ source: origin.source, outcome: 'malformed' });
		this.#warn(`a request holds no change notices: answered with ${status}`);
		return { status };
	}

	/** One warning a minute is enough for a person. */
	#warn(message: string): void {
		const { clock, logger, origin } = this.#options;
		const now = clock.monotonic();
		const loud = now - this.#warnedAt >= 60_000;
		this.#warnedAt = loud ? now : this.#warnedAt;
		logger[loud ? 'warn' : 'debug']({ source: origin.source }, message);
	}
}

const UNKNOWN: Answer = { status: 401, headers: { 'www-authenticate': 'Bearer' } };

function refusedByHead(headers: IncomingHttpHeaders): Answer | undefined {
	if (Number(headers['content-length'] ?? 0) > MAX_BODY_BYTES) {
		return { status: 413 };
	}

	return /^(identity)?$/i.test(headers['content-encoding'] ?? '') ? undefined : { status: 415 };
}

const later = (status: number, seconds: number): Answer => ({
	status,
	headers: { 'retry-after': String(seconds) },
});

/** The connection ends with it: a Service chooses for each connection, and a retry on this one would meet this replica. */
const STANDBY: Answer = {
	status: 503,
	headers: { 'retry-after': String(STANDBY_SECONDS), connection: 'close' },
};

const tooMany = (waitMs: number): Answer =>
	later(429, Math.min(Math.ceil(waitMs / 1_000), LONGEST_WAIT_SECONDS));

/** Undefined where the sender went away, or was too slow: the server ends that. */
function bodyOf(request: IncomingMessage): Promise<Buffer | 'too large' | undefined> {
	const { promise, resolve } = Promise.withResolvers<Buffer | 'too large' | undefined>();
	const chunks: Buffer[] = [];
	let size = 0;
	request.on('data', (chunk: Buffer) => {
		size += chunk.length;
		if (size > MAX_BODY_BYTES) {
			chunks.length = 0;
			resolve('too large');
		} else {
			chunks.push(chunk);
		}
	});
	request.on('end', () => resolve(Buffer.concat(chunks)));
	request.on('error', () => resolve(undefined));
	request.on('close', () => resolve(undefined));
	return promise;
}
