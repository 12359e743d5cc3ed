// One sign-in for all reads of a provider: shared while it runs, kept for most of its life, dropped when refused.
import type { Clock } from '../runtime/clock.ts';
import { ProviderFailure } from './failure.ts';

export type SignIn<T> = {
	readonly value: T;
	/** How long the other side accepts it, in milliseconds. */
	readonly lifeMs: number;
};

export type SignedIn<T> = {
	readonly value: T;
	/** Monotonic milliseconds. */
	readonly since: number;
	readonly until: number;
};

export type SessionOptions<T> = {
	readonly clock: Clock;
	/** Of one sign-in, in milliseconds; shorter than a read's, so that the error says what hung. */
	readonly deadlineMs: number;
	/** Fails with ProviderFailure. */
	readonly signIn: (signal: AbortSignal) => Promise<SignIn<T>>;
};

/** The part of its life that a session is used for. */
const USED = 0.8;

export class Session<T> {
	readonly #options: SessionOptions<T>;
	readonly #closing = new AbortController();
	#current: SignedIn<T> | undefined;
	#pending: Promise<SignedIn<T>> | undefined;

	constructor(options: SessionOptions<T>) {
		this.#options = options;
	}

	/** The session in force, unless its time is over. */
	get current(): SignedIn<T> | undefined {
		const current = this.#current;
		return current !== undefined && this.#options.clock.monotonic() < current.until ? current : undefined;
	}

	/** The session in force, or a new one; no reader's cancellation ends a sign-in that others may share. */
	async get(): Promise<SignedIn<T>> {
		if (this.current !== undefined) {
			return this.current;
		}

		this.#pending ??= this.#signIn().finally(() => {
			this.#pending = undefined;
		});
		return this.#pending;
	}

	/** Forgets this session if it is still the one in force. */
	drop(session: SignedIn<T>): void {
		if (this.#current === session) {
			this.#current = undefined;
		}
	}

	/** Ends a sign-in that runs and forgets the session, which is returned for whoever can revoke it. */
	close(): SignedIn<T> | undefined {
		const { current } = this;
		this.#closing.abort();
		this.#current = undefined;
		return current;
	}

	async #signIn(): Promise<SignedIn<T>> {
		const { clock, deadlineMs, signIn } = this.#options;
		const timeout = new AbortController();
		const { promise: late, reject } = Promise.withResolvers<never>();
		const timer = clock.schedule(deadlineMs, () => {
			reject(
				new ProviderFailure(`signing in got no answer within ${deadlineMs} ms`, {
					code: 'PROVIDER_UNAVAILABLE',
				}),
			);
			timeout.abort();
		});
		try {
			const { signal: closing } = this.#closing;
			const signal = AbortSignal.any([timeout.signal, closing]);
			const { value, lifeMs } = await Promise.race([signIn(signal), late]);
			const since = clock.monotonic();
			const session = { value, since, until: since + USED * lifeMs };
			if (!closing.aborted) {
				this.#current = session;
			}

			return session;
		} finally {
			timer.cancel();
		}
	}
}
