// One sign-in for all reads of a provider: shared while it runs, kept for most of its life, dropped when refused.
import type { Clock } from '../../runtime/clock.ts';
import { beforeDeadline } from './deadline.ts';
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

export type TokenCacheOptions<T> = {
	readonly clock: Clock;
	/** Of one sign-in, in milliseconds; shorter than a read's, so that the error says what hung. */
	readonly deadlineMs: number;
	/** Fails with ProviderFailure. */
	readonly signIn: (signal: AbortSignal) => Promise<SignIn<T>>;
};

/** The part of its life that a session is used for. */
const USED = 0.8;

/** A sign-in that does not end holds up every read, so it ends before they do. */
export const silentSignIn = (deadlineMs: number): ProviderFailure =>
	new ProviderFailure(`signing in got no answer within ${deadlineMs} ms`, { code: 'PROVIDER_UNAVAILABLE' });

export class TokenCache<T> {
	readonly #options: TokenCacheOptions<T>;
	readonly #closing = new AbortController();
	#current: SignedIn<T> | undefined;
	#pending: Promise<SignedIn<T>> | undefined;

	constructor(options: TokenCacheOptions<T>) {
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
	drop(tokenCache: SignedIn<T>): void {
		if (this.#current === tokenCache) {
			this.#current = undefined;
		}
	}

	/** Ends a running sign-in and forgets the session. Returns the session, so that the caller can revoke it. */
	close(): SignedIn<T> | undefined {
		const { current } = this;
		this.#closing.abort();
		this.#current = undefined;
		return current;
	}

	async #signIn(): Promise<SignedIn<T>> {
		const { clock, deadlineMs, signIn } = this.#options;
		const { signal: closing } = this.#closing;
		const { value, lifeMs } = await beforeDeadline(
			{ clock, deadlineMs, late: () => silentSignIn(deadlineMs), signals: [closing] },
			signIn,
		);
		const since = clock.monotonic();
		const tokenCache = { value, since, until: since + USED * lifeMs };
		if (!closing.aborted) {
			this.#current = tokenCache;
		}

		return tokenCache;
	}
}
