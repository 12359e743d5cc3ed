// Which keys of an issuer count, and that no text breaks the reader of tokens.
import test from 'ava';
import fc from 'fast-check';
import { hasClaims, isSignedBy, keysFor, readKeys, readToken } from '../../../src/changes/webhook/jwt.ts';
import { ecKey, jwkOf, rsaKey, signToken } from '../../helpers/servers/issuer.ts';

const EXPECTED = { issuer: 'https://issuer.example', audience: 'a', subjects: ['s'] };

test('only keys that sign with RS256 or ES256 count, and no short ones', t => {
	const [rsa, ec] = [rsaKey('rsa'), ecKey('ec')];
	const keys = [
		jwkOf(rsa),
		jwkOf(ec, { alg: 'ES256' }),
		jwkOf(rsaKey('short', 1_024)),
		jwkOf(ecKey('other', 'P-384')),
		jwkOf(rsa, { use: 'enc' }),
		jwkOf(rsa, { alg: 'RS512' }),
		{ kty: 'oct', k: 'AAAA', kid: 'symmetric' },
		{ kty: 'EC', crv: 'P-256', x: 'AA', y: 'AA' },
		...[{}, null, 'text', 7],
	];
	const found = readKeys({ keys });
	t.deepEqual(
		found?.map(({ id, algorithm }) => [id, algorithm]),
		[
			['rsa', 'RS256'],
			['ec', 'ES256'],
		],
	);
	for (const document of [undefined, null, [], {}, { keys: {} }]) {
		t.is(readKeys(document), undefined);
	}
});

test('a token without the id of a key is tried with every key of its algorithm', t => {
	const [first, second] = [ecKey('first'), ecKey('second')];
	const token = readToken(signToken(second, {}, { kid: undefined }))!;
	const keys = readKeys({ keys: [jwkOf(first), jwkOf(second), jwkOf(rsaKey('rsa'))] })!;
	t.deepEqual(
		keysFor(token, keys).map(key => isSignedBy(token, key)),
		[false, true],
	);
});

test('whatever the text and the claims are, reading them ends', t => {
	const part = fc.oneof(
		fc.string(),
		fc.json().map(text => Buffer.from(text).toString('base64url')),
	);
	const header = fc
		.constantFrom('RS256', 'ES256')
		.map(alg => Buffer.from(JSON.stringify({ alg })).toString('base64url'));
	const claims = fc.dictionary(
		fc.constantFrom('iss', 'aud', 'sub', 'exp', 'nbf', '__proto__'),
		fc.jsonValue(),
	);
	const body = claims.map(value => Buffer.from(JSON.stringify(value)).toString('base64url'));
	const key = readKeys({ keys: [jwkOf(ecKey('ec'))] })![0]!;
	fc.assert(
		fc.property(fc.oneof(fc.array(part), fc.tuple(header, body, part)), parts => {
			const token = readToken(parts.join('.'));
			t.false(token !== undefined && isSignedBy(token, key));
			t.false(token !== undefined && hasClaims(token, EXPECTED, 0));
		}),
		{ numRuns: 1_000 },
	);
});
