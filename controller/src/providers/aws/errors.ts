// Refusals of Secrets Manager as coded failures: by name and status, with fixed texts; the only reader of AWS's messages.
import type { ErrorCode, JasmError } from '../../errors.ts';
import { parseRetryAfter } from '../../runtime/backoff.ts';
import { CallError, failureOf, isRefusal, type Service } from '../shared/call-error.ts';
import { type Facts, identifier, ProviderFailure } from '../shared/failure.ts';

const SECRETS_MANAGER: Service = { name: 'Secrets Manager', host: 'region (or endpoint)' };

/** What of an SDK error may be looked at: its message, response and headers can quote a payload. */
export type AwsError = {
	readonly name: string;
	readonly message: string;
	readonly errno: string;
	/** 0 where there was no answer. */
	readonly status: number;
	readonly retryAfterMs: number | undefined;
	/** For the log. */
	readonly details: Facts;
};

/** By name without "Exception" or "Error": services and their front doors spell them both ways. */
const CODES: ReadonlyMap<string, ErrorCode> = new Map([
	['ResourceNotFound', 'SECRET_NOT_FOUND'],
	['AccessDenied', 'PROVIDER_DENIED'],
	['InvalidParameter', 'PROVIDER_REQUEST_INVALID'],
	['InvalidRequest', 'PROVIDER_REQUEST_INVALID'],
	['Validation', 'PROVIDER_REQUEST_INVALID'],
	['DecryptionFailure', 'PROVIDER_DECRYPTION_FAILED'],
	['Throttling', 'PROVIDER_THROTTLED'],
	['ThrottledException', 'PROVIDER_THROTTLED'],
	['RequestThrottled', 'PROVIDER_THROTTLED'],
	['RequestLimitExceeded', 'PROVIDER_THROTTLED'],
	['TooManyRequests', 'PROVIDER_THROTTLED'],
	['SlowDown', 'PROVIDER_THROTTLED'],
	['ExpiredToken', 'PROVIDER_AUTH'],
	['IncompleteSignature', 'PROVIDER_AUTH'],
	['InvalidClientTokenId', 'PROVIDER_AUTH'],
	['InvalidIdentityToken', 'PROVIDER_AUTH'],
	['InvalidSignature', 'PROVIDER_AUTH'],
	['MissingAuthenticationToken', 'PROVIDER_AUTH'],
	['RequestExpired', 'PROVIDER_AUTH'],
	['SignatureDoesNotMatch', 'PROVIDER_AUTH'],
	['UnrecognizedClient', 'PROVIDER_AUTH'],
	['IDPCommunication', 'PROVIDER_UNAVAILABLE'],
	['Timeout', 'PROVIDER_UNAVAILABLE'],
] as const);

const TEXTS: Readonly<Partial<Record<ErrorCode, string>>> = {
	SECRET_NOT_FOUND: 'Secrets Manager has no such secret or no such version of it',
	SECRET_DELETED: 'the secret is marked for deletion',
	PROVIDER_DENIED:
		'access denied: the secret is missing, or the role lacks secretsmanager:GetSecretValue on it ' +
		'(and kms:Decrypt where a customer managed key encrypts it)',
	PROVIDER_DECRYPTION_FAILED:
		'the value cannot be decrypted: the role lacks kms:Decrypt on its key, or the key is disabled',
	PROVIDER_AUTH: 'Secrets Manager does not accept the credentials',
	PROVIDER_THROTTLED: 'Secrets Manager is throttling',
	PROVIDER_UNAVAILABLE: 'no usable answer from Secrets Manager',
	PROVIDER_REQUEST_INVALID: 'Secrets Manager refuses path or version as invalid',
};

const ENDPOINT_DENIED =
	'access denied by the policy of the VPC endpoint, not by the policies of the role: allow ' +
	'secretsmanager:GetSecretValue in the endpoint policy';

const CLOCK_WRONG =
	"Secrets Manager does not accept the credentials at this time: check the node's clock, and whether the session is over";

/** What a read that gave no secret failed with. */
export function readFailure(error: unknown): ProviderFailure | JasmError {
	const aws = awsErrorOf(error);
	const code = codeOf(aws);
	if (code === undefined || isRefusal(error) || error instanceof CallError) {
		return failureOf(error, SECRETS_MANAGER, aws.details);
	}

	const { message, name, details, retryAfterMs } = aws;
	return new ProviderFailure(textOf(code, name, message), { code, details, retryAfterMs });
}

function textOf(code: ErrorCode, name: string, message: string): string {
	if (code === 'PROVIDER_DENIED' && /VPC endpoint polic/i.test(message)) {
		return ENDPOINT_DENIED;
	}

	const clock =
		/^(RequestExpired|RequestTimeTooSkewed|ExpiredToken)/.test(name) ||
		/Signature (not yet current|expired)/i.test(message);
	return code === 'PROVIDER_AUTH' && clock
		? CLOCK_WRONG
		: (TEXTS[code] ?? 'no usable answer from Secrets Manager');
}

export function awsErrorOf(error: unknown): AwsError {
	const { name, message, code: errno, $metadata: metadata, $response: response } = Object(error) as SdkError;
	const { httpStatusCode, requestId, attempts } = metadata ?? {};
	const status = typeof httpStatusCode === 'number' ? httpStatusCode : 0;
	const header = response?.headers?.['retry-after'];
	return {
		name: text(name),
		message: text(message),
		errno: text(errno),
		status,
		retryAfterMs: parseRetryAfter(text(header)),
		details: {
			...identifier('error', name),
			...identifier('errno', errno),
			...identifier('requestId', requestId),
			...(status > 0 && { status }),
			...(typeof attempts === 'number' && { attempts }),
		},
	};
}

type SdkError = {
	readonly name?: unknown;
	readonly message?: unknown;
	readonly code?: unknown;
	readonly $metadata?: {
		readonly httpStatusCode?: unknown;
		readonly requestId?: unknown;
		readonly attempts?: unknown;
	};
	readonly $response?: { readonly headers?: Readonly<Record<string, unknown>> };
};

const text = (value: unknown) => (typeof value === 'string' ? value : '');

/** Undefined where neither name nor status says anything: then nothing is proven, absence least of all. */
export function codeOf({ name, message, status }: AwsError): ErrorCode | undefined {
	const code = CODES.get(name.replace(/(Exception|Error)$/, ''));
	if (code === 'PROVIDER_DENIED' && /\bkms\b/i.test(message)) {
		return 'PROVIDER_DECRYPTION_FAILED';
	}

	if (code === 'PROVIDER_REQUEST_INVALID' && /^InvalidRequest/.test(name) && /delet/i.test(message)) {
		return 'SECRET_DELETED';
	}

	if (code !== undefined) {
		return code;
	}

	switch (status) {
		case 0:
			return undefined;
		case 401:
			return 'PROVIDER_AUTH';
		case 403:
			return 'PROVIDER_DENIED';
		case 429:
			return 'PROVIDER_THROTTLED';
		default:
			// A proxy answers 404 as well.
			return 'PROVIDER_UNAVAILABLE';
	}
}
