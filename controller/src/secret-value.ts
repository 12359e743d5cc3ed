// Bytes from a provider that refuse to be printed.
import { inspect } from 'node:util';

const REDACTED = '[redacted]';

export type SecretValueOptions = {
	/** The payload as the provider sent it: UTF-8 text, or raw bytes where `binary`. */
	readonly payload: Buffer;
	readonly binary?: boolean;
	/** What the payload consists of, by source key, where it is no JSON object but still has parts. */
	readonly parts?: ReadonlyMap<string, Buffer> | undefined;
	/** The provider's own version id of this value; empty where the provider has none. */
	readonly version: string;
};

/** One version of one secret. Printing it in any way gives `[redacted]`; only `payload()` and `parts()` give bytes. */
export class SecretValue {
	readonly #payload: Buffer;
	readonly #parts: ReadonlyMap<string, Buffer> | undefined;
	readonly binary: boolean;
	readonly version: string;

	constructor({ payload, binary = false, parts, version }: SecretValueOptions) {
		this.#payload = payload;
		this.#parts = parts;
		this.binary = binary;
		this.version = version;
	}

	payload(): Buffer {
		return this.#payload;
	}

	parts(): ReadonlyMap<string, Buffer> | undefined {
		return this.#parts;
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
