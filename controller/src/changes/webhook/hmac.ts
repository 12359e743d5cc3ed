// Signed requests as Standard Webhooks defines them: id, time and body under an HMAC, and each id counts once.
import { createHmac, timingSafeEqual } from 'node:crypto';
import type { IncomingHttpHeaders } from 'node:http';
import type { Clock } from '../../runtime/clock.ts';

/** What the headers of a signed request say; nothing of it is proven before its signature is. */
export type Claim = {
	readonly id: string;
	readonly timestamp: string;
	/** Each of 32 bytes. */
	readonly signatures: readonly Buffer[];
};

/** Either side's clock may be wrong by so much. */
const TOLERANCE_MS = 300_000;
/** A signature is valid for as long; afterwards its time refuses it. */
const KEEP_MS = 2 * TOLERANCE_MS;
const MAX_IDS = 10_000;
const MAX_SIGNATURES = 16;
const PREFIX = 'whsec_';
const MIN_BYTES = 24;
const BASE64 = /^[A-Za-z0-9+/]+={0,2}$/;

/** What is wrong with the content of a key's file, or undefined; reads on after the name of the file. */
export function keyFault(content: string | undefined): string | undefined {
	if (content === undefined) {
		return 'cannot be read';
	}

	const text = content.trim().replace(PREFIX, '');
	return BASE64.test(text) && Buffer.from(text, 'base64').length >= MIN_BYTES
		? undefined
		: `holds no valid key: at least ${MIN_BYTES} bytes in base64 are required, with or without "${PREFIX}" before them`;
}

export class SigningKeys {
	readonly #keys: readonly Buffer[];

	/** Contents with a fault are no keys. */
	constructor(contents: readonly (string | undefined)[]) {
		this.#keys = contents
			.filter(content => keyFault(content) === undefined)
			.map(content => Buffer.from(content!.trim().replace(PREFIX, ''), 'base64'));
	}

	/** Whether one of the signatures is by one of the keys. */
	signed({ id, timestamp, signatures }: Claim, body: Uint8Array): boolean {
		return this.#keys
			.map(key => createHmac('sha256', key).update(`${id}.${timestamp}.`).update(body).digest())
			.flatMap(expected => signatures.map(signature => timingSafeEqual(expected, signature)))
			.includes(true);
	}
}

/** Undefined where the request is not signed, or its time is another. `now` is the wall clock. */
export function claimIn(headers: IncomingHttpHeaders, now: number): Claim | undefined {
	const [id, timestamp, list] = ['webhook-id', 'webhook-timestamp', 'webhook-signature'].map(name =>
		[headers[name] ?? ''].flat().join(' '),
	) as [string, string, string];
	if (!/^[\x21-\x7e]{1,256}$/.test(id) || !/^\d{1,12}$/.test(timestamp)) {
		return undefined;
	}

	const signatures = list
		.split(' ', MAX_SIGNATURES)
		.map(text => /^v1,(?<value>[A-Za-z0-9+/]{43}=)$/.exec(text)?.groups?.['value'])
		.flatMap(value => (value === undefined ? [] : [Buffer.from(value, 'base64')]));
	const isNow = Math.abs(Number(timestamp) * 1_000 - now) <= TOLERANCE_MS;
	return isNow && signatures.length > 0 ? { id, timestamp, signatures } : undefined;
}

/** The ids of requests that were taken. */
export class TakenIds {
	readonly #clock: Clock;
	/** With the time at which each may be forgotten, oldest first. */
	readonly #until = new Map<string, number>();

	constructor(clock: Clock) {
		this.#clock = clock;
	}

	/** Whether one more would mean to forget one too early. */
	get full(): boolean {
		this.#forget();
		return this.#until.size >= MAX_IDS;
	}

	has(id: string): boolean {
		this.#forget();
		return this.#until.has(id);
	}

	add(id: string): void {
		this.#until.set(id, this.#clock.monotonic() + KEEP_MS);
	}

	#forget(): void {
		const now = this.#clock.monotonic();
		for (const [id, until] of this.#until) {
			if (until > now) {
				return;
			}

			this.#until.delete(id);
		}
	}
}
