// JSON that is bytes already, so that a large body is encoded once and never copied on its way to the wire.

/** A body smaller than this is sent as one piece: one copy costs less than three writes. */
const JOINED_BYTES = 65_536;

/** A JSON text in UTF-8, in pieces. Printing it shows none of its bytes. */
export class EncodedJson {
	readonly #pieces: readonly Buffer[];

	constructor(pieces: readonly Buffer[]) {
		this.#pieces = pieces;
	}

	get size(): number {
		return this.#pieces.reduce((sum, { length }) => sum + length, 0);
	}

	/** The text as one piece if it is small, else the pieces as they are. */
	pieces(): readonly Buffer[] {
		return this.size < JOINED_BYTES ? [Buffer.concat(this.#pieces)] : this.#pieces;
	}

	/** The JSON object of `fields` with this value as one more field. */
	within(fields: object, name: string): EncodedJson {
		const head = `${JSON.stringify(fields).slice(0, -1)},${JSON.stringify(name)}:`;
		return new EncodedJson([Buffer.from(head), ...this.#pieces, Buffer.from('}')]);
	}

	toJSON(): unknown {
		return JSON.parse(Buffer.concat(this.#pieces).toString());
	}
}
