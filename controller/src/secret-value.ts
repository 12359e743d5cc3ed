// Bytes from a provider that refuse to be printed.
import { inspect } from 'node:util';

const REDACTED = '[redacted]';

export type SecretValueOptions = {
	/** The payload as the provider sent it: UTF-8 text, or raw bytes where `binary`. */
	readonly payload: Buffer;
	readonly binary?: boolean;
	/** The provider's own version id of this value. */
	readonly version: string;
};

/** One version of one secret. Printing it in any way gives `[redacted]`; only `payload()` gives the bytes. */
export class SecretValue {
	readonly #payload: Buffer;
	readonly binary: boolean;
	readonly version: string;

	constructor({ payload, binary = false, version }: SecretValueOptions) {
		this.#payload = payload;
		this.binary = binary;
		this.version = version;
	}

	payload(): Buffer {
		return this.#payload;
	}

	get size(): number {
		return this.#payload.length;
	}

	toJSON(): string {
		return REDACTED;
	}

	toString(): string {
		return REDACTED;
	}

	[inspect.custom](): string {
		return REDACTED;
	}
}
