// Faults on demand: what tests switch on to see how a client copes.

import { type StatusDetails, StatusError, tooOldForWatch } from '../objects/status.ts';
import type { Exchange } from './exchange.ts';
import type { LoggedRequest, RequestMatch } from './request-log.ts';
import { matches } from './request-log.ts';

/** An answer instead of the real one; a Status with `reason`, or `body` as it is. */
export type FaultAnswer = {
	readonly status: number;
	readonly reason?: string;
	readonly message?: string;
	/** Sent as `Retry-After` and in the Status. */
	readonly retryAfterSeconds?: number;
	readonly details?: StatusDetails;
	readonly headers?: Readonly<Record<string, string>>;
	/** Verbatim body in place of a Status. */
	readonly body?: string;
};

/** What happens to a request that matches. Several may be combined, e.g. a delay and an answer. */
export type Fault = {
	/** Waits before anything else happens. */
	readonly delayMs?: number;
	/** The request is read, and never answered. */
	readonly hang?: boolean;
	/** The connection is reset: `before` the request is carried out, or `after`, in place of its answer. */
	readonly drop?: 'before' | 'after';
	/** The connection is reset after this many bytes of the answer's body. */
	readonly cutAfterBytes?: number;
	readonly answer?: FaultAnswer;
};

/** A fault in force. */
export type FaultRule = {
	/** How many requests it has met. */
	readonly hits: number;
	/** Ends the fault. */
	remove(): void;
};

/** WatchList as a server from 1.34 on has it, as one from 1.27 on without the gate, or as an older one. */
export type WatchListSupport = 'on' | 'off' | 'unknown';

/** Answers for `Fault.answer` in the shapes of the real server. */
export const answers = {
	/** 429 with this `Retry-After`. */
	tooManyRequests: (retryAfterSeconds: number): FaultAnswer => ({
		status: 429,
		reason: 'TooManyRequests',
		message: 'The apiserver is shutting down, please try again later.',
		retryAfterSeconds,
	}),
	expired: { status: 410, reason: 'Expired', message: tooOldForWatch().message },
	internalError: { status: 500, reason: 'InternalError', message: 'Internal error occurred: injected' },
	unavailable: {
		status: 503,
		reason: 'ServiceUnavailable',
		message: 'the server is currently unable to handle the request',
	},
	versionTooLarge: {
		status: 504,
		reason: 'Timeout',
		message: 'Timeout: Too large resource version: 2, current: 1',
		retryAfterSeconds: 1,
		details: { causes: [{ reason: 'ResourceVersionTooLarge', message: 'Too large resource version' }] },
	},
	unauthorized: { status: 401, reason: 'Unauthorized', message: 'Unauthorized' },
} as const satisfies Record<string, FaultAnswer | ((seconds: number) => FaultAnswer)>;

/** The Status of a fault's answer. */
export const statusOf = (answer: FaultAnswer): StatusError => {
	const { status, reason, message = 'injected', details, retryAfterSeconds } = answer;
	const all = { ...details, ...(retryAfterSeconds === undefined ? {} : { retryAfterSeconds }) };
	return new StatusError(status, reason, message, Object.keys(all).length > 0 ? all : undefined);
};

/** The open watches of a server, as faults see them. */
export type OpenWatch = {
	readonly request: LoggedRequest;
	stall(): void;
	resume(): void;
	end(): void;
	/** Sends a line as it is: a malformed one, an ERROR event. */
	inject(line: string): void;
	/** Resets the connection once this many further bytes were sent. */
	cut(bytes: number): void;
};

/** What the server lends to faults that reach beyond single requests. */
export type FaultTarget = {
	openWatches(): Iterable<OpenWatch>;
	resetConnections(): void;
	goAway(): void;
	stopListening(): Promise<void>;
	startListening(): Promise<void>;
	/** Serves a new certificate under a new authority from the next connection on; returns the authority's PEM. */
	replaceCertificate(): string;
	forgetHistory(): void;
	revokeTokens(token?: string): void;
};

type Rule = { match: RequestMatch; fault: Fault; left: number; hits: number };

/** The switchboard. `clear` takes back everything that stays in effect; what is already cut stays cut. */
export class Faults {
	watchList: WatchListSupport;
	/** Pretty-prints every answer that is not a stream. */
	prettyPrint = false;
	readonly #target: FaultTarget;
	readonly #initialWatchList: WatchListSupport;
	readonly #rules = new Set<Rule>();
	/** New watches start stalled while one of these matches. */
	readonly #stalls = new Set<RequestMatch>();

	constructor(target: FaultTarget, watchList: WatchListSupport) {
		this.#target = target;
		this.watchList = watchList;
		this.#initialWatchList = watchList;
	}

	/** Applies a fault to the next `times` requests that match (default 1; `Infinity` until removed). */
	inject(match: RequestMatch, fault: Fault, times = 1): FaultRule {
		const rule: Rule = { match, fault, left: times, hits: 0 };
		this.#rules.add(rule);
		return {
			get hits() {
				return rule.hits;
			},
			remove: () => this.#rules.delete(rule),
		};
	}

	/** For the server: the fault of a request, counted. */
	take(request: LoggedRequest): Fault | undefined {
		for (const rule of this.#rules) {
			if (!matches(request, rule.match)) continue;
			rule.hits++;
			if (--rule.left <= 0) this.#rules.delete(rule);
			return rule.fault;
		}
		return undefined;
	}

	/** For the server: whether a new watch starts silent. */
	stalls(exchange: Exchange): boolean {
		return [...this.#stalls].some(match => matches(exchange.entry, match));
	}

	#watches(match: RequestMatch): OpenWatch[] {
		return [...this.#target.openWatches()].filter(watch => matches(watch.request, match));
	}

	/** Watches that match, the present and the coming, stay open and silent until `resumeWatches` or `clear`. */
	stallWatches(match: RequestMatch = {}): void {
		this.#stalls.add(match);
		for (const watch of this.#watches(match)) watch.stall();
	}

	/** Stalled watches catch up. */
	resumeWatches(): void {
		this.#stalls.clear();
		for (const watch of this.#watches({})) watch.resume();
	}

	/** Ends watches cleanly, as a timeout of the server does. */
	endWatches(match: RequestMatch = {}): void {
		for (const watch of this.#watches(match)) watch.end();
	}

	/** Sends an ERROR event with a Status on open watches and ends them. */
	failWatches(answer: FaultAnswer, match: RequestMatch = {}): void {
		for (const watch of this.#watches(match)) {
			watch.inject(`${JSON.stringify({ type: 'ERROR', object: statusOf(answer).body })}\n`);
			watch.end();
		}
	}

	/** Sends text as it is on open watches. */
	injectLine(line: string, match: RequestMatch = {}): void {
		for (const watch of this.#watches(match)) watch.inject(line);
	}

	/** Resets the connections of open watches once they have sent this many further bytes: mid-line, mid-chunk. */
	cutWatches(bytes: number, match: RequestMatch = {}): void {
		for (const watch of this.#watches(match)) watch.cut(bytes);
	}

	/** Resets every connection now. */
	dropConnections(): void {
		this.#target.resetConnections();
	}

	/** Every HTTP/2 session says GOAWAY, finishes its streams and closes. */
	goAway(): void {
		this.#target.goAway();
	}

	/** Resets every connection and refuses new ones until `acceptConnections`. */
	async refuseConnections(): Promise<void> {
		await this.#target.stopListening();
	}

	/** Listens again, on the same port. */
	async acceptConnections(): Promise<void> {
		await this.#target.startListening();
	}

	/** A new authority and certificate for all connections to come; returns the authority as PEM. */
	changeCertificate(): string {
		return this.#target.replaceCertificate();
	}

	/** Every resourceVersion before now is expired: watches from it get 410, page tokens too. */
	expireHistory(): void {
		this.#target.forgetHistory();
	}

	/** Makes a token, or every ServiceAccount token, unknown. */
	revokeTokens(token?: string): void {
		this.#target.revokeTokens(token);
	}

	/** Takes back rules, stalls and switches. */
	clear(): void {
		this.#rules.clear();
		this.prettyPrint = false;
		this.watchList = this.#initialWatchList;
		this.resumeWatches();
	}
}
