// The value of a secret, as a provider read it; it refuses to be printed.
import { inspect } from 'node:util';

const REDACTED = '[redacted]';

/** A payload as a provider received it. */
export type SecretValueOptions = {
	/** The payload as the provider sent it: text, UTF-8 of a text, or raw bytes where `binary`. */
	readonly payload: Buffer | string;
	readonly binary?: boolean;
	/** What the payload consists of, by source key, where it is no JSON object but still has parts. */
	readonly parts?: ReadonlyMap<string, Buffer> | undefined;
	/** The provider's own version id of this value; empty where the provider has none. */
	readonly version: string;
};

/** A JSON object that is parsed already; its numbers are raw (`JSON.rawJSON`), so that they keep their source text. */
export type SecretObjectOptions = {
	readonly object: Readonly<Record<string, unknown>>;
	readonly version: string;
};

/**
 * One version of one secret. Printing it in any way gives `[redacted]`; only its methods give the value. A value can
 * have a megabyte: it is kept in the one form that it came in, and other forms are made for each call.
 *
 * @example
 * ```ts
 * import { SecretValue } from '@jasm/controller';
 *
 * const value = new SecretValue({ payload: '{"user":"app"}', version: '3' });
 * console.log(String(value)); // [redacted]
 * ```
 */
export class SecretValue {
	readonly #payload: Buffer | string | undefined;
	readonly #object: Readonly<Record<string, unknown>> | undefined;
	readonly #parts: ReadonlyMap<string, Buffer> | undefined;
	readonly binary: boolean;
	readonly version: string;

	constructor(options: SecretValueOptions | SecretObjectOptions) {
		const {
			payload,
			object,
			parts,
			binary = false,
		} = options as Partial<SecretValueOptions & SecretObjectOptions>;
		this.#payload = payload;
		this.#object = object;
		this.#parts = parts;
		this.binary = binary;
		this.version = options.version;
	}

	/** The whole payload as bytes. */
	payload(): Buffer {
		const payload = this.content();
		return typeof payload === 'string' ? Buffer.from(payload) : payload;
	}

	/** The whole payload as it is kept: bytes, or the text whose UTF-8 they are. */
	content(): Buffer | string {
		return this.#payload ?? JSON.stringify(this.#object);
	}

	/** The payload as a JSON object, where the provider has parsed it already. */
	object(): Readonly<Record<string, unknown>> | undefined {
		return this.#object;
	}

	/** The parts of a payload that is no JSON object, by source key. */
	parts(): ReadonlyMap<string, Buffer> | undefined {
		return this.#parts;
	}

	/** Bytes of the payload. */
	get size(): number {
		return Buffer.byteLength(this.content());
	}

	/** `[redacted]`. */
	toJSON(): string {
		return REDACTED;
	}

	/** `[redacted]`. */
	toString(): string {
		return REDACTED;
	}

	/** `[redacted]`. */
	[inspect.custom](): string {
		return REDACTED;
	}
}
