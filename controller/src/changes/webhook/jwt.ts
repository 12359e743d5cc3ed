// Checks one signed token of an issuer by its keys: RS256 and ES256 only, with node:crypto; pure.
import { createPublicKey, type KeyObject, verify } from 'node:crypto';
import { objectAt, ownValue, textAt } from '../event-fields.ts';

export type IssuerKey = {
	readonly id: string | undefined;
	readonly algorithm: Algorithm;
	readonly key: KeyObject;
};

type Algorithm = 'RS256' | 'ES256';

export type Expected = {
	readonly issuer: string;
	readonly audience: string;
	/** What `sub`, `azp` or `appid` may be. */
	readonly subjects: readonly string[];
};

export type Token = {
	readonly algorithm: Algorithm;
	readonly keyId: string | undefined;
	readonly claims: object;
	readonly signed: string;
	readonly signature: Buffer;
};

/** Either side's clock may be wrong by so much. */
const LEEWAY_SECONDS = 60;
const MIN_RSA_BITS = 2_048;

/** Undefined where the text is no token of a kind that is accepted. Nothing of it is proven yet. */
export function readToken(text: string): Token | undefined {
	const [head, body, signature, ...more] = text.split('.');
	if (head === undefined || body === undefined || !signature || more.length > 0) {
		return undefined;
	}

	const [header, claims] = [jsonIn(head), jsonIn(body)];
	const algorithm = textAt(header, 'alg');
	// An extension that is critical is one that is not known here.
	if ((algorithm !== 'RS256' && algorithm !== 'ES256') || ownValue(header, 'crit') !== undefined || !claims) {
		return undefined;
	}

	return {
		algorithm,
		keyId: textAt(header, 'kid'),
		claims,
		signed: `${head}.${body}`,
		signature: Buffer.from(signature, 'base64url'),
	};
}

/** The keys of an issuer that can sign tokens; undefined where the document is none. */
export function readKeys(document: unknown): readonly IssuerKey[] | undefined {
	const keys = ownValue(document, 'keys');
	return Array.isArray(keys) ? keys.flatMap(each => keyIn(each) ?? []) : undefined;
}

export const keysFor = ({ algorithm, keyId }: Token, keys: readonly IssuerKey[]): readonly IssuerKey[] =>
	keys.filter(each => each.algorithm === algorithm && (keyId === undefined || each.id === keyId));

export const isSignedBy = ({ signed, signature }: Token, { key }: IssuerKey): boolean =>
	verify('sha256', Buffer.from(signed), { key, dsaEncoding: 'ieee-p1363' }, signature);

/** `now` is the wall clock in milliseconds. */
export function hasClaims({ claims }: Token, { issuer, audience, subjects }: Expected, now: number): boolean {
	const seconds = now / 1_000;
	const until = ownValue(claims, 'exp');
	const from = ownValue(claims, 'nbf') ?? 0;
	const audiences = [ownValue(claims, 'aud')].flat();
	const names = ['sub', 'azp', 'appid'].map(name => textAt(claims, name));
	return (
		textAt(claims, 'iss') === issuer &&
		audiences.includes(audience) &&
		names.some(name => name !== undefined && subjects.includes(name)) &&
		typeof until === 'number' &&
		seconds < until + LEEWAY_SECONDS &&
		typeof from === 'number' &&
		seconds >= from - LEEWAY_SECONDS
	);
}

function keyIn(jwk: unknown): IssuerKey | undefined {
	const algorithm = { RSA: 'RS256', EC: 'ES256' }[textAt(jwk, 'kty') ?? ''] as Algorithm | undefined;
	const forOther = (textAt(jwk, 'use') ?? 'sig') !== 'sig' || (textAt(jwk, 'alg') ?? algorithm) !== algorithm;
	if (algorithm === undefined || forOther) {
		return undefined;
	}

	try {
		const key = createPublicKey({ key: jwk as Record<string, string>, format: 'jwk' });
		const { modulusLength = 0, namedCurve } = key.asymmetricKeyDetails ?? {};
		const strong = algorithm === 'RS256' ? modulusLength >= MIN_RSA_BITS : namedCurve === 'prime256v1';
		return strong ? { id: textAt(jwk, 'kid'), algorithm, key } : undefined;
	} catch {
		return undefined;
	}
}

function jsonIn(part: string): object | undefined {
	try {
		return objectAt({ part: JSON.parse(Buffer.from(part, 'base64url').toString()) as unknown }, 'part');
	} catch {
		// The error is dropped: its message quotes the token.
		return undefined;
	}
}
