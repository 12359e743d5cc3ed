// Bearer tokens from files: several are valid at once, so that one can be replaced while the other is in use.
import { createHash, timingSafeEqual } from 'node:crypto';
import type { IncomingHttpHeaders } from 'node:http';

/** A shorter token could be guessed. */
const MIN_CHARACTERS = 32;
/** What a header can carry after `Bearer `. */
const TOKEN = /^[\x21-\x7e]+$/;

const digestOf = (token: string): Buffer => createHash('sha256').update(token).digest();

/** What is wrong with the content of a token's file, or undefined; reads on after the name of the file. */
export function tokenFault(content: string | undefined): string | undefined {
	const token = content?.trim();
	if (token === undefined) {
		return 'cannot be read';
	}

	return token.length < MIN_CHARACTERS
		? `has less than ${MIN_CHARACTERS} characters`
		: TOKEN.test(token)
			? undefined
			: 'holds other characters than letters, digits and punctuation';
}

/** Keeps digests only: they have one length, so that a comparison takes the same time whatever was sent. */
export class BearerTokens {
	readonly #digests: readonly Buffer[];

	/** Contents with a fault are no tokens. */
	constructor(contents: readonly (string | undefined)[]) {
		this.#digests = contents
			.filter(content => tokenFault(content) === undefined)
			.map(content => digestOf(content!.trim()));
	}

	accepts(token: string): boolean {
		const digest = digestOf(token);
		// Every one is compared, whichever is equal.
		return this.#digests.reduce((found, each) => timingSafeEqual(each, digest) || found, false);
	}
}

/** The token of a request; undefined where it has none. */
export const bearerIn = ({ authorization = '' }: IncomingHttpHeaders): string | undefined =>
	/^Bearer +(?<token>[\x21-\x7e]+) *$/i.exec(authorization)?.groups?.['token'];
