// Tokens of an OpenID Connect issuer as proof of a sender: its keys are read when they are needed, and again every hour.
import { JasmError } from '../../errors.ts';
import type { Logger } from '../../observability/logger.ts';
import { beforeDeadline } from '../../providers/shared/deadline.ts';
import { HttpsCaller, type HttpsCallerOptions } from '../../providers/shared/https-client.ts';
import { secureAddressFault } from '../../providers/shared/schema-fields.ts';
import { textAt } from '../event-fields.ts';
import { type Expected, hasClaims, type IssuerKey, isSignedBy, keysFor, readKeys, readToken } from './jwt.ts';
import { Verifications } from './verifications.ts';

export type IssuerConfig = Expected & Omit<HttpsCallerOptions['config'], 'timeoutMs'>;

export type IssuerOptions = {
	readonly config: IssuerConfig;
	readonly env: HttpsCallerOptions['env'];
	readonly clock: HttpsCallerOptions['clock'];
	readonly logger: Logger;
	/** The label of metrics and the name in the log. */
	readonly source: string;
};

const TIMEOUT_MS = 5_000;
const KEEP_MS = 3_600_000;
/**
 * For as long they stay in use while the issuer does not answer. A key that the issuer revoked meanwhile costs reads of
 * secrets that pods ask for anyway; without keys no notice arrives at all.
 */
const LONGEST_KEEP_MS = 24 * KEEP_MS;
/** Keys are asked for because of a token at most once in this time: anybody can send one with an unknown key. */
const AGAIN_MS = 60_000;
const AGAIN_AFTER_FAILURE_MS = 5_000;

export class Issuer {
	readonly #options: IssuerOptions;
	readonly #caller: HttpsCaller;
	readonly #closing = new AbortController();
	readonly #verifications: Verifications;
	#keys: readonly IssuerKey[] = [];
	#readAt = Number.NEGATIVE_INFINITY;
	#triedAt = Number.NEGATIVE_INFINITY;
	#reading: Promise<void> | undefined;

	constructor(options: IssuerOptions) {
		const { config, env, clock } = options;
		this.#options = options;
		this.#verifications = new Verifications(clock);
		this.#caller = new HttpsCaller({ config: { ...config, timeoutMs: TIMEOUT_MS }, env, clock });
	}

	/**
	 * Whether the token is signed by the issuer, in force, and of a subject that may send. `limited`: it was not looked
	 * at, because too many were sent from this address.
	 */
	async accepts(text: string, address: string): Promise<boolean | 'limited'> {
		const { config, clock } = this.#options;
		const token = readToken(text);
		// Claims first: a token that is not for JASM causes no request.
		if (token === undefined || !hasClaims(token, config, clock.now())) {
			return false;
		}

		if (keysFor(token, this.#keys).length === 0 || this.#age > KEEP_MS) {
			await this.#refresh();
		}

		if (this.#age > LONGEST_KEEP_MS) {
			this.#use([]);
		}

		if (this.#verifications.isProven(text)) {
			return true;
		}

		const keys = keysFor(token, this.#keys);
		if (keys.length > 0 && !this.#verifications.allowed(address)) {
			return 'limited';
		}

		const signed = keys.some(key => isSignedBy(token, key));
		if (signed) {
			this.#verifications.proven(text);
		}

		return signed;
	}

	close(): void {
		this.#closing.abort();
		this.#caller.close();
	}

	/** Of the keys, in milliseconds. */
	get #age(): number {
		return this.#options.clock.monotonic() - this.#readAt;
	}

	#use(keys: readonly IssuerKey[]): void {
		this.#keys = keys;
		this.#verifications.forget();
	}

	/** Never rejects: without an answer the keys of before stay in use. */
	async #refresh(): Promise<void> {
		const { clock, logger, source, config } = this.#options;
		if (this.#reading === undefined && clock.monotonic() - this.#triedAt < AGAIN_MS) {
			return;
		}

		this.#triedAt = clock.monotonic();
		this.#reading ??= this.#read()
			.catch((error: unknown) => {
				logger.warn(
					{ source, issuer: config.issuer, error },
					'change notices: the keys of the issuer cannot be read',
				);
				this.#triedAt = clock.monotonic() - AGAIN_MS + AGAIN_AFTER_FAILURE_MS;
			})
			.finally(() => {
				this.#reading = undefined;
			});
		await this.#reading;
	}

	async #read(): Promise<void> {
		const { config, clock } = this.#options;
		const { issuer } = config;
		const late = () => failure(issuer, `no answer within ${TIMEOUT_MS} ms`);
		const bounds = { clock, deadlineMs: TIMEOUT_MS, late, signals: [this.#closing.signal] };
		const found = await beforeDeadline(bounds, async signal => {
			const about = await this.#json(`${issuer.replace(/\/$/, '')}/.well-known/openid-configuration`, signal);
			const address = textAt(about, 'jwks_uri') ?? '';
			if (textAt(about, 'issuer') !== issuer) {
				throw failure(issuer, 'its document names another issuer');
			}

			if (secureAddressFault(address.split('?', 1)[0]!) !== undefined) {
				throw failure(issuer, 'the address of its keys is not an https URL that JASM connects to');
			}

			const keys = readKeys(await this.#json(address, signal));
			if (keys === undefined) {
				throw failure(issuer, 'the document with its keys has none');
			}

			return keys;
		});
		this.#use(found);
		this.#readAt = clock.monotonic();
	}

	async #json(address: string, signal: AbortSignal): Promise<unknown> {
		const { issuer } = this.#options.config;
		const url = new URL(address);
		const call = { url, method: 'GET', headers: { accept: 'application/json' } };
		const { status, body } = await this.#caller.call(call, signal).catch((error: { code?: string }) => {
			throw failure(issuer, `no connection to ${url.host} (${error.code ?? 'unknown'})`);
		});
		if (status !== 200) {
			throw failure(issuer, `${url.host} answered with ${status}`);
		}

		try {
			return JSON.parse(body.toString());
		} catch {
			throw failure(issuer, `the answer of ${url.host} is no JSON`);
		}
	}
}

const failure = (issuer: string, why: string): JasmError =>
	new JasmError(`reading the keys of issuer "${issuer}": ${why}`, { code: 'CHANGE_SOURCE_UNAVAILABLE' });
