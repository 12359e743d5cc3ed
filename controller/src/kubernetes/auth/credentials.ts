// Tokens, certificates and CAs, read again as they rotate.
import { readFile } from 'node:fs/promises';
import type { checkServerIdentity } from 'node:tls';
import type { Clock } from '../../runtime/clock.ts';
import { KubernetesError } from '../errors.ts';

/** What a new TLS connection to the API server needs. */
export type TlsMaterial = {
	readonly ca?: string | readonly string[];
	readonly cert?: string;
	readonly key?: string;
	readonly rejectUnauthorized?: boolean;
	/** Server name to send and to verify instead of the host; empty: none is sent. */
	readonly servername?: string;
	readonly checkServerIdentity?: typeof checkServerIdentity;
};

export type Credentials = {
	/** Read for every connection, as CAs and certificates rotate. Rejects with code `configuration`. */
	tls(): Promise<TlsMaterial>;
	/** Value of the Authorization header; undefined if a certificate is the identity. */
	authorization(): Promise<string | undefined>;
	/** Headers by which this identity acts as another user; asked after `authorization()`. */
	impersonation?(): Readonly<Record<string, readonly string[]>>;
	/** After a 401: drops the cached token, so the next `authorization()` reads. */
	invalidate(): void;
};

const CACHE_MS = 60_000;
const LEEWAY_MS = 10_000;

type AuthorizationCacheOptions = {
	readonly read: () => Promise<string | undefined>;
	readonly clock: Clock;
};

/** Callers share one read, and its result for less than a minute. */
export class AuthorizationCache {
	readonly #read: () => Promise<string | undefined>;
	readonly #clock: Clock;
	#value: string | undefined;
	#readAt = Number.NEGATIVE_INFINITY;
	#reading: Promise<string | undefined> | undefined;

	constructor({ read, clock }: AuthorizationCacheOptions) {
		this.#read = read;
		this.#clock = clock;
	}

	/** Rejects only if there is no older value. */
	get(): Promise<string | undefined> {
		if (this.#clock.monotonic() - this.#readAt < CACHE_MS - LEEWAY_MS) return Promise.resolve(this.#value);
		this.#reading ??= this.#refresh().finally(() => {
			this.#reading = undefined;
		});
		return this.#reading;
	}

	/** The old value stays as a fallback for a read that fails. */
	invalidate(): void {
		this.#readAt = Number.NEGATIVE_INFINITY;
	}

	async #refresh(): Promise<string | undefined> {
		try {
			// The time before the read: a file that is swapped during the read is read again in time.
			const startedAt = this.#clock.monotonic();
			this.#value = await this.#read();
			this.#readAt = startedAt;
		} catch (error) {
			if (this.#value === undefined) throw error;
		}
		return this.#value;
	}
}

export type ServiceAccountOptions = {
	readonly tokenFile: string;
	readonly caFile: string;
	readonly clock: Clock;
};

/** Credentials of a pod: the files that the kubelet projects and swaps atomically. */
export function serviceAccountCredentials({ tokenFile, caFile, clock }: ServiceAccountOptions): Credentials {
	const cache = new AuthorizationCache({
		clock,
		async read() {
			const token = (await read(tokenFile)).trim();
			if (token === '') throw unreadable(tokenFile, 'the file is empty');
			return `Bearer ${token}`;
		},
	});
	return {
		tls: async () => ({ ca: await read(caFile) }),
		authorization: () => cache.get(),
		invalidate: () => cache.invalidate(),
	};
}

async function read(file: string): Promise<string> {
	try {
		return await readFile(file, 'utf8');
	} catch (error) {
		throw unreadable(file, (error as NodeJS.ErrnoException).code ?? 'unknown error');
	}
}

const unreadable = (file: string, why: string) =>
	new KubernetesError({ code: 'configuration', doing: `reading "${file}"`, why });
