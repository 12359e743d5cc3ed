// Reads the body of an answer within bounds: memory is asked for before bytes are kept, and an excess ends the read.
import type { IncomingMessage } from 'node:http';
import type { Room } from '../provider.ts';
import { CallError } from './call-error.ts';
import { ProviderFailure } from './failure.ts';

/** The largest body that is read: twice what a Secret holds, as JSON can need two characters for one. */
export const MAX_BODY_BYTES = 2_097_152;

/** For a read whose memory is not counted. */
export const UNCOUNTED: Room = { reserve() {} };

/**
 * For a body whose length was not announced, memory is asked for in these steps: a store that sends chunks would
 * otherwise need room for the largest body before each small one.
 */
const STEPS = [16_384, 65_536, 262_144, MAX_BODY_BYTES] as const;

/**
 * The whole body. Rejects with what `room` throws, with CallError, or with the error of the connection; the caller
 * then has to end the connection. Without a room the memory is not counted.
 *
 * @throws ProviderFailure SECRET_TOO_LARGE where the body of a success is larger than the largest that is read
 */
export function readBody(response: IncomingMessage, room?: Room): Promise<Buffer> {
	const { promise, resolve, reject } = Promise.withResolvers<Buffer>();
	const body = new Body(response, room);
	response.on('error', reject);
	response.on('close', () => reject(Object.assign(new Error('closed'), { code: 'ECONNRESET' })));
	try {
		body.begin();
	} catch (error) {
		reject(error);
		return promise;
	}

	response.on('data', (chunk: Buffer) => {
		try {
			body.add(chunk);
		} catch (error) {
			response.pause();
			reject(error);
		}
	});
	response.on('end', () => resolve(body.end()));
	return promise;
}

class Body {
	readonly #response: IncomingMessage;
	readonly #room: Room | undefined;
	/** The whole body, where its length was announced. */
	#target: Buffer | undefined;
	#chunks: Buffer[] = [];
	#size = 0;
	#reserved = 0;

	constructor(response: IncomingMessage, room: Room | undefined) {
		this.#response = response;
		this.#room = room;
	}

	begin(): void {
		const { headers } = this.#response;
		// No compressed answer is asked for: its size in memory would be unknown.
		if (!/^(identity)?$/i.test(headers['content-encoding'] ?? '')) {
			throw new CallError('ANSWER_ENCODED');
		}

		const length = Number(headers['content-length']);
		if (length > MAX_BODY_BYTES) {
			throw this.#excess(`${length} bytes`);
		}

		this.#reserve(length > 0 ? length : STEPS[0]);
		if (length > STEPS[0]) {
			this.#target = Buffer.allocUnsafeSlow(length);
		}
	}

	add(chunk: Buffer): void {
		const size = this.#size + chunk.length;
		if (size > this.#reserved) {
			const step = STEPS.find(bytes => bytes >= size);
			if (step === undefined) {
				throw this.#excess(`more than ${MAX_BODY_BYTES} bytes`);
			}

			this.#reserve(step);
		}

		if (this.#target === undefined) {
			this.#chunks.push(chunk);
		} else {
			chunk.copy(this.#target, this.#size);
		}

		this.#size = size;
	}

	end(): Buffer {
		this.#reserve(this.#size);
		const [first, ...more] = this.#chunks;
		const body =
			this.#target ?? (first !== undefined && more.length === 0 ? first : Buffer.concat(this.#chunks));
		this.#chunks = [];
		this.#target = undefined;
		return body;
	}

	#reserve(bytes: number): void {
		this.#room?.reserve(bytes);
		this.#reserved = bytes;
	}

	#excess(size: string): Error {
		const { statusCode = 0 } = this.#response;
		return this.#room !== undefined && statusCode < 400
			? new ProviderFailure(`the answer has ${size}, at most ${MAX_BODY_BYTES} are read`, {
					code: 'SECRET_TOO_LARGE',
				})
			: new CallError('ANSWER_TOO_LARGE');
	}
}
