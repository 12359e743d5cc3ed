// Judges a web identity as AWS STS does: the issuer's public keys, its registration, the role's trust policy.
import { createPublicKey, type JsonWebKey, verify } from 'node:crypto';
import { claimsOf } from './aws-call.ts';
import { evaluate, type PolicyDocument } from './policy-evaluation.ts';

/** What AWS knows about issuers and roles. */
export type Registry = {
	/** Audiences registered for an issuer host, with the provider's ARN; undefined if it is not registered. */
	readonly provider: (host: string) => Promise<{ arn: string; audiences: readonly string[] } | undefined>;
	/** A public document, fetched without credentials; undefined if it is not public. */
	readonly document: (url: string) => Promise<string | undefined>;
	/** Trust policy of a role; undefined if there is no such role. */
	readonly trust: (roleArn: string) => Promise<PolicyDocument | undefined>;
};

/** A key of an issuer's published set. */
export type PublicKey = JsonWebKey & { readonly kid?: string };

/** An AWS error code and what AWS would say. */
export type Refusal = {
	readonly code: 'InvalidIdentityToken' | 'ExpiredTokenException' | 'AccessDenied';
	readonly message: string;
};

/** Undefined if the token may take the role. `now` in milliseconds. */
export async function checkWebIdentity(
	token: string,
	roleArn: string,
	registry: Registry,
	now: number,
): Promise<Refusal | undefined> {
	const invalid = (message: string): Refusal => ({ code: 'InvalidIdentityToken', message });
	const claims = claimsOf(token);
	const issuer = claims?.iss;
	if (claims === undefined || typeof issuer !== 'string')
		return invalid('The ID Token provided is not a valid JWT');
	const host = issuer.replace(/^https:\/\//, '');
	const provider = await registry.provider(host);
	if (provider === undefined) return invalid(`No OpenIDConnect provider found in your account for ${issuer}`);
	const audiences = [claims.aud].flat().map(String);
	if (!audiences.some(audience => provider.audiences.includes(audience)))
		return invalid('Incorrect token audience');
	if (!(await signedBy(issuer, token, registry))) {
		return invalid("Couldn't retrieve verification key from your identity provider");
	}
	if (Number(claims.exp) * 1000 <= now) {
		return {
			code: 'ExpiredTokenException',
			message: 'Token expired: current date/time must be before the expiration',
		};
	}
	const trust = await registry.trust(roleArn);
	const verdict =
		trust === undefined
			? 'implicit-deny'
			: evaluate([trust], {
					action: 'sts:AssumeRoleWithWebIdentity',
					principal: { type: 'Federated', id: provider.arn },
					context: { [`${host}:aud`]: audiences[0] ?? '', [`${host}:sub`]: String(claims.sub) },
				});
	return verdict === 'allowed'
		? undefined
		: { code: 'AccessDenied', message: 'Not authorized to perform sts:AssumeRoleWithWebIdentity' };
}

async function signedBy(issuer: string, token: string, registry: Registry): Promise<boolean> {
	const discovery = await registry.document(`${issuer}/.well-known/openid-configuration`);
	const { issuer: named, jwks_uri: keysAt } = JSON.parse(discovery ?? '{}') as {
		issuer?: string;
		jwks_uri?: string;
	};
	if (named !== issuer || keysAt === undefined) return false;
	const { keys = [] } = JSON.parse((await registry.document(keysAt)) ?? '{}') as {
		keys?: PublicKey[];
	};
	return isSigned(token, keys);
}

/** Whether one of these keys signed the token. */
export function isSigned(token: string, keys: readonly PublicKey[]): boolean {
	const [head = '', body = '', signature = ''] = token.split('.');
	const { kid, alg } = JSON.parse(Buffer.from(head, 'base64url').toString()) as {
		kid?: string;
		alg?: string;
	};
	const key = keys.find(candidate => candidate.kid === kid);
	if (key === undefined || alg !== 'RS256') return false;
	return verify(
		'RSA-SHA256',
		Buffer.from(`${head}.${body}`),
		createPublicKey({ key, format: 'jwk' }),
		Buffer.from(signature, 'base64url'),
	);
}
