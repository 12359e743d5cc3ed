// Errors of AWS as coded errors: by name and status, with fixed texts; the only reader of AWS's messages.
import { type ErrorCode, JasmError } from '../errors.ts';

/** What of an SDK error may be kept: its message, response and headers can quote a payload. */
export type AwsFailure = {
	readonly code: ErrorCode;
	/** For the log line alone. */
	readonly details: Readonly<Record<string, string | number>>;
	/** From Retry-After, in milliseconds. */
	readonly retryAfterMs?: number;
};

/** The credentials could not be had; says so without an account or a role. */
export class SignInError extends Error {
	override readonly name = 'SignInError';
	readonly failure: AwsFailure;

	constructor(message: string, failure: AwsFailure) {
		super(message);
		this.failure = failure;
	}
}

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

/** Least time before a throttled read is tried again, in milliseconds. */
const THROTTLED_MS = 5_000;

/** `subject` says what was attempted. Never has a cause: SDK errors hold responses and headers. */
export function readError(subject: string, error: unknown): JasmError {
	if (error instanceof JasmError) {
		return error;
	}

	const signIn = error instanceof SignInError;
	const { code, details, retryAfterMs = 0 } = signIn ? error.failure : failureOf(error);
	const text = signIn ? error.message : (TEXTS[code] ?? 'an unexpected error');
	const waitMs = code === 'PROVIDER_THROTTLED' ? Math.max(retryAfterMs, THROTTLED_MS) : retryAfterMs;
	return new JasmError(`${subject}: ${text}`, {
		code,
		details,
		...(waitMs > 0 && { retryAfterMs: waitMs }),
	});
}

/** While signing in, whatever is neither throttling nor an outage is a matter of identity. */
export function signInError(source: string, error: unknown): SignInError {
	if (error instanceof SignInError) {
		return error;
	}

	const failure = failureOf(error);
	if (failure.code === 'PROVIDER_THROTTLED' || failure.code === 'PROVIDER_UNAVAILABLE') {
		return new SignInError(`signing in by ${source} got no usable answer`, failure);
	}

	const text = SIGN_IN_TEXTS.get(source) ?? `signing in by ${source} was refused`;
	return new SignInError(text, { ...failure, code: 'PROVIDER_AUTH' });
}

const SIGN_IN_TEXTS: ReadonlyMap<string, string> = new Map([
	[
		'web-identity',
		'signing in by web-identity was refused: the token file cannot be read, or the role does not trust its ' +
			'token (sts:AssumeRoleWithWebIdentity: issuer, subject and audience)',
	],
	['container', 'signing in by container was refused: the agent on the node gave no credentials'],
	[
		'instance',
		'signing in by instance was refused: the node has no instance role, or its metadata is closed',
	],
	['profile', 'signing in by profile was refused: the profile is missing, incomplete or its session is over'],
]);

function failureOf(error: unknown): AwsFailure {
	const { name, message, code: errno, $metadata: metadata, $response: response } = Object(error) as SdkError;
	const status = metadata?.httpStatusCode;
	const seconds = Number(response?.headers?.['retry-after']);
	return {
		code: codeOf({ name: text(name), message: text(message), errno: text(errno), status }),
		details: {
			...named('error', name),
			...named('errno', errno),
			...named('requestId', metadata?.requestId),
			...(typeof status === 'number' && { status }),
			...(typeof metadata?.attempts === 'number' && { attempts: metadata.attempts }),
		},
		...(seconds > 0 && seconds < 3_600 && { retryAfterMs: seconds * 1_000 }),
	};
}

type SdkError = {
	readonly name?: unknown;
	readonly message?: unknown;
	readonly code?: unknown;
	readonly $metadata?: {
		readonly httpStatusCode?: number;
		readonly requestId?: unknown;
		readonly attempts?: unknown;
	};
	readonly $response?: { readonly headers?: Readonly<Record<string, string>> };
};

const text = (value: unknown) => (typeof value === 'string' ? value : '');

/** What the other side chose goes into the log only where it is an identifier. */
const named = (field: string, value: unknown) =>
	/^[\w.-]{1,64}$/.test(text(value)) ? { [field]: text(value) } : {};

type Facts = {
	readonly name: string;
	readonly message: string;
	readonly errno: string;
	readonly status: number | undefined;
};

const NETWORK =
	/^(E(CONN|HOST|NET|PIPE|AI_|TIMEDOUT|PROTO)|ENOTFOUND|ERR_TLS|ERR_SSL|CERT_|UNABLE_|DEPTH_|SELF_)/;

function codeOf({ name, message, errno, status = 0 }: Facts): ErrorCode {
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
		case 401:
			return 'PROVIDER_AUTH';
		case 403:
			return 'PROVIDER_DENIED';
		case 429:
			return 'PROVIDER_THROTTLED';
		default:
			// Of everything else nothing is proven, absence least of all: a proxy answers 404 as well.
			return status > 0 || NETWORK.test(errno) || name === 'AbortError' ? 'PROVIDER_UNAVAILABLE' : 'INTERNAL';
	}
}
