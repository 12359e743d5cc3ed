// Where the proofs of identity come from: tokens, certificates and CAs, read anew as they rotate.
import { readFile } from 'node:fs/promises';
import { JasmError } from '../errors.ts';
import type { Clock } from '../runtime/clock.ts';

/** What a new TLS connection to the API server needs. */
export type TlsMaterial = {
	readonly ca?: string | Buffer;
	readonly cert?: string | Buffer;
	readonly key?: string | Buffer;
	readonly passphrase?: string;
	readonly rejectUnauthorized?: boolean;
	/** Name to ask for and to verify instead of the host. */
	readonly servername?: string;
};

export type Credentials = {
	/** Read anew for every connection: CAs and certificates rotate. Rejects with KUBERNETES_CONFIG_INVALID. */
	tls(): Promise<TlsMaterial>;
	/** Value of the Authorization header; undefined where a certificate is the identity. */
	authorization(): Promise<string | undefined>;
	/** After a 401: what is cached is dropped, the next `authorization()` reads. */
	invalidate(): void;
};

const CACHE_MS = 60_000;
const LEEWAY_MS = 10_000;

type AuthorizationCacheOptions = {
	readonly read: () => Promise<string | undefined>;
	readonly clock: Clock;
};

/** One read serves everybody who asks meanwhile, and for at most a minute after. */
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

	/** Rejects only when there is no older value to go on with. */
	get(): Promise<string | undefined> {
		if (this.#clock.monotonic() - this.#readAt < CACHE_MS - LEEWAY_MS) return Promise.resolve(this.#value);
		this.#reading ??= this.#refresh().finally(() => {
			this.#reading = undefined;
		});
		return this.#reading;
	}

	/** The old value stays as the last resort for a read that fails. */
	invalidate(): void {
		this.#readAt = Number.NEGATIVE_INFINITY;
	}

	async #refresh(): Promise<string | undefined> {
		try {
			// The time of the request, not of the answer: a file swapped in between is read again in time.
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
	new JasmError(`reading "${file}": ${why}`, { code: 'KUBERNETES_CONFIG_INVALID' });
