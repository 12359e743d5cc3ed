// Why signing in to AWS failed, cause by cause, with fixed texts: no account, no role and no path of a file.
import type { JasmError } from '../../errors.ts';
import { CallError, failureOf, isRefusal, type Service } from '../shared/call-error.ts';
import { ProviderFailure } from '../shared/failure.ts';
import { type AwsError, awsErrorOf, codeOf } from './errors.ts';
import type { AwsSettings } from './settings.ts';

type Credentials = AwsSettings['credentials'];

const STS: Service = { name: 'STS', host: 'region (or stsEndpoint)' };

/** What signing in failed with: whatever is neither throttling nor an outage is a matter of identity. */
export function signInFailure(credentials: Credentials, error: unknown): ProviderFailure | JasmError {
	if (isRefusal(error)) {
		return error;
	}

	const aws = awsErrorOf(error);
	const { details, retryAfterMs } = aws;
	const local = localFailure(credentials, aws);
	if (local !== undefined) {
		return new ProviderFailure(local.text, { code: local.code, details });
	}

	const code = codeOf(aws);
	if (code === undefined || error instanceof CallError) {
		const failure = failureOf(error, STS, details);
		const text = `signing in by ${credentials} failed: ${failure.message}`;
		return new ProviderFailure(text, { code: failure.code, details: failure.details });
	}

	if (code === 'PROVIDER_THROTTLED' || code === 'PROVIDER_UNAVAILABLE') {
		const what = code === 'PROVIDER_THROTTLED' ? 'is throttled' : 'got no usable answer';
		return new ProviderFailure(`signing in by ${credentials} ${what}`, { code, details, retryAfterMs });
	}

	return new ProviderFailure(refusedText(credentials, aws), { code: 'PROVIDER_AUTH', details });
}

type Local = { readonly code: 'PROVIDER_AUTH' | 'PROVIDER_UNAVAILABLE'; readonly text: string };

/** What the node itself, or the files of a profile, failed with: AWS was not asked. */
function localFailure(credentials: Credentials, { name, message, status }: AwsError): Local | undefined {
	const provider = /ProviderError$|FallbackError$/.test(name);
	// The SDK takes fields out of whatever JSON the agent answers, of `null` as well.
	const unread = name === 'SyntaxError' || (credentials === 'container' && name === 'TypeError');
	if (status !== 0 || !(provider || unread)) {
		return undefined;
	}

	switch (credentials) {
		case 'container':
			return provider && AGENT_REFUSES.test(message)
				? { code: 'PROVIDER_AUTH', text: refusedBy.container }
				: { code: 'PROVIDER_UNAVAILABLE', text: AGENT_SILENT };
		case 'instance':
			return METADATA_REFUSES.test(message)
				? { code: 'PROVIDER_AUTH', text: refusedBy.instance }
				: { code: 'PROVIDER_UNAVAILABLE', text: METADATA_SILENT };
		default:
			return { code: 'PROVIDER_AUTH', text: refusedBy[credentials] };
	}
}

/** The SDK wraps whatever the agent's connection failed with; only an answer of 4xx and wrong settings are refusals. */
const AGENT_REFUSES = /^(Server responded with status: 4|URL not accepted|Authorization token|No HTTP)/;
const AGENT_SILENT =
	'signing in by container got no usable answer from the agent on the node: check that the agent runs, and that ' +
	'network policies allow its address';

/** Everything else is a connection that failed, a silent service, or a session that it did not begin. */
const METADATA_REFUSES = /^(Error response received|Invalid response received)/;
const METADATA_SILENT =
	"signing in by instance got no usable answer from the node's metadata service: check that it is on, that its hop " +
	'limit is at least 2, and that network policies allow its address';

const refusedBy: Readonly<Record<Credentials, string>> = {
	'web-identity': 'signing in by web-identity was refused (sts:AssumeRoleWithWebIdentity)',
	container: 'signing in by container was refused: the agent on the node gave no credentials',
	instance: 'signing in by instance was refused: the node has no instance role',
	profile: 'signing in by profile was refused: the profile is missing, incomplete or its session is over',
	environment: 'signing in by environment was refused',
};

function refusedText(credentials: Credentials, error: AwsError): string {
	return credentials === 'web-identity'
		? `${refusedBy['web-identity']}: ${causeOf(error)}`
		: refusedBy[credentials];
}

/** STS has one name for several causes, which only its message tells apart. */
function causeOf({ name, message }: AwsError): string {
	if (/^ExpiredToken/.test(name) || /token expired/i.test(message)) {
		return 'the token has expired, check the clock of the node and that the kubelet renews the file of tokenFile';
	}

	if (/^AccessDenied/.test(name)) {
		return 'the role does not exist or does not trust the token, check roleArn and the subject and audience in its trust policy';
	}

	if (/^InvalidIdentityToken/.test(name)) {
		const [, cause] = INVALID_TOKEN.find(([pattern]) => pattern.test(message)) ?? [];
		return cause ?? 'the token is not valid, check tokenFile and the issuer of the cluster';
	}

	return name.startsWith('RegionDisabled')
		? 'STS is not active for the account in this region, check region'
		: 'the token or the role is not accepted, check tokenFile, roleArn and the trust policy of the role (issuer, subject and audience)';
}

const INVALID_TOKEN = [
	[
		/audience/i,
		'the token is for another audience, check the client ids of the identity provider and tokenFile',
	],
	[
		/No OpenIDConnect provider/i,
		'the account has no identity provider for the issuer of the token, create it or check the account in roleArn',
	],
	[
		/verification key|identity provider/i,
		"AWS cannot fetch the issuer's keys, check that the address of the issuer is public and serves the keys of the cluster",
	],
] as const;
