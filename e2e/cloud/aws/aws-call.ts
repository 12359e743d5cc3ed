// What a request to AWS asks for, without any value of a secret or a token in it; pure.
import { createHash } from 'node:crypto';

export type Claims = Readonly<Record<string, unknown>>;

/** A request, as far as it can be recognised. */
export type AwsCall = {
	/** Such as `secretsmanager`, `sts`, `s3`, `iam`. */
	readonly service: string;
	/** Such as `GetSecretValue`. */
	readonly action: string;
	/** Access key of the signature; undefined on an unsigned request. */
	readonly accessKeyId: string | undefined;
	readonly region: string | undefined;
	/** Names, versions, durations, claims: facts that identify what was asked for. */
	readonly facts: Readonly<Record<string, string>>;
};

export type AwsRequest = {
	readonly method: string;
	readonly path: string;
	readonly headers: Readonly<Record<string, string | string[] | undefined>>;
	readonly body: string;
};

/** Parameters of a request that are facts; every other one may hold a value. */
const FACTS = [
	'SecretId',
	'QueueUrl',
	'VersionId',
	'VersionStage',
	'RoleArn',
	'RoleSessionName',
	'DurationSeconds',
	'Policy',
	'Name',
];
const CLAIMS = ['iss', 'sub', 'aud', 'exp', 'iat'];

export function awsCall({ headers, body }: AwsRequest): AwsCall {
	const signature = String(headers.authorization ?? '');
	const [, accessKeyId, region, scope] = /Credential=([^/]+)\/\d+\/([^/]+)\/([^/]+)\//.exec(signature) ?? [];
	const [target, action] = String(headers['x-amz-target'] ?? '').split('.');
	if (action !== undefined && target !== undefined) {
		return { service: scope ?? target, action, accessKeyId, region, facts: pick(parse(body)) };
	}
	const form = Object.fromEntries(new URLSearchParams(body));
	if (form.Action !== undefined) {
		const unsigned = form.Action.startsWith('AssumeRole') ? 'sts' : 'unknown';
		const facts = { ...pick(form), ...tokenFacts(form.WebIdentityToken) };
		return { service: scope ?? unsigned, action: form.Action, accessKeyId, region, facts };
	}
	return { service: scope ?? 'unknown', action: 'unknown', accessKeyId, region, facts: {} };
}

/** The token of an AssumeRoleWithWebIdentity; kept out of the recorded call. */
export function webIdentityToken({ body }: AwsRequest): string {
	return new URLSearchParams(body).get('WebIdentityToken') ?? '';
}

/** The claims of a token, not verified; undefined if the text is no token. */
export function claimsOf(token: string): Claims | undefined {
	const claims = parse(Buffer.from(token.split('.')[1] ?? '', 'base64url').toString());
	return Object.keys(claims).length > 0 ? claims : undefined;
}

function tokenFacts(token: string | undefined): Record<string, string> {
	const claims = token === undefined ? undefined : claimsOf(token);
	if (token === undefined || claims === undefined) return {};
	const facts = CLAIMS.filter(claim => claims[claim] !== undefined).map(claim => [
		`token.${claim}`,
		[claims[claim]].flat().map(String).join(' '),
	]);
	const print = createHash('sha256').update(token).digest('hex').slice(0, 12);
	return { ...Object.fromEntries(facts), 'token.fingerprint': print };
}

function pick(parameters: Readonly<Record<string, unknown>>): Record<string, string> {
	return Object.fromEntries(
		FACTS.filter(name => parameters[name] !== undefined).map(name => [name, String(parameters[name])]),
	);
}

function parse(text: string): Record<string, unknown> {
	try {
		const value: unknown = JSON.parse(text);
		return typeof value === 'object' && value !== null ? (value as Record<string, unknown>) : {};
	} catch {
		return {};
	}
}
