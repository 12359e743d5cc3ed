// Refusals of Key Vault and of Entra as coded failures: by status and error code, with fixed texts.
import { JasmError } from '../errors.ts';
import { type Facts, identifier, ProviderFailure, retryAfterOf } from './failure.ts';
import { CallError, type HttpAnswer } from './https-call.ts';

/** What of the SDK's errors may be looked at; message, request and response can quote a value. */
type SdkError = {
	readonly name?: unknown;
	readonly message?: unknown;
	readonly statusCode?: unknown;
	readonly code?: unknown;
	readonly details?: { readonly error?: { readonly innerError?: { readonly code?: unknown } } };
	readonly response?: { readonly headers?: { get(name: string): string | undefined } };
};

/** What a read that gave no secret failed with. */
export function readFailure(error: unknown): ProviderFailure | JasmError {
	if (error instanceof ProviderFailure || error instanceof JasmError) {
		return error;
	}

	if (error instanceof CallError) {
		return transportFailure(error, 'Key Vault');
	}

	const { name, message, statusCode, code, details, response } = Object(error) as SdkError;
	if (typeof statusCode !== 'number') {
		return typeof message === 'string' && /^The challenge /.test(message)
			? new ProviderFailure('the vault asks for a token of another resource: check vaultUrl', {
					code: 'PROVIDER_AUTH',
				})
			: new ProviderFailure('an unexpected error', { code: 'INTERNAL', details: identifier('error', name) });
	}

	return refusal({
		status: statusCode,
		code: text(code),
		reason: text(details?.error?.innerError?.code),
		requestId: response?.headers?.get('x-ms-request-id'),
		retryAfter: response?.headers?.get('retry-after'),
	});
}

const text = (value: unknown) => (typeof value === 'string' ? value : '');

type Refusal = {
	readonly status: number;
	readonly code: string;
	/** The inner error, which says why something is forbidden. */
	readonly reason: string;
	readonly requestId: unknown;
	readonly retryAfter: unknown;
};

function refusal({ status, code, reason, requestId, retryAfter }: Refusal): ProviderFailure {
	const details = {
		status,
		...identifier('error', code),
		...identifier('reason', reason),
		...identifier('requestId', requestId),
	};
	const retryAfterMs = retryAfterOf(retryAfter);
	switch (status) {
		case 400:
			// Key Vault's own refusals carry a code; a proxy's do not, and prove nothing about the request.
			return code === ''
				? unusable(details)
				: new ProviderFailure('Key Vault refuses path or version as invalid', {
						code: 'PROVIDER_REQUEST_INVALID',
						details,
					});
		case 401:
			return new ProviderFailure('Key Vault does not accept the token', { code: 'PROVIDER_AUTH', details });
		case 403:
			return forbidden(reason, details);
		case 404:
			return code === 'SecretNotFound'
				? new ProviderFailure('Key Vault has no such secret or no such version of it', {
						code: 'SECRET_NOT_FOUND',
						details,
					})
				: unusable(details);
		case 429:
			return new ProviderFailure('Key Vault is throttling', {
				code: 'PROVIDER_THROTTLED',
				details,
				retryAfterMs,
			});
		default:
			return unusable(details, retryAfterMs);
	}
}

function forbidden(reason: string, details: Facts): ProviderFailure {
	if (reason === 'SecretDisabled') {
		return new ProviderFailure('the secret, or this version of it, is disabled', {
			code: 'SECRET_DISABLED',
			details,
		});
	}

	const text =
		reason === 'ForbiddenByFirewall'
			? "access denied: the vault's firewall does not let JASM in"
			: 'access denied: the identity lacks the permission to get secrets of this vault ' +
				'(role Key Vault Secrets User, or Get in an access policy)';
	return new ProviderFailure(text, { code: 'PROVIDER_DENIED', details });
}

const unusable = (details: Facts, retryAfterMs = 0) =>
	new ProviderFailure('no usable answer from Key Vault', {
		code: 'PROVIDER_UNAVAILABLE',
		details,
		retryAfterMs,
	});

/** While signing in, whatever is neither throttling nor an outage is a matter of identity. */
export function signInFailure({ status, headers, body }: HttpAnswer, hint: string): ProviderFailure {
	const { error, error_codes: codes } = jsonOf(body);
	const number = Array.isArray(codes) && Number.isSafeInteger(codes[0]) ? Number(codes[0]) : undefined;
	const details = {
		status,
		...identifier('error', error),
		...(number !== undefined && { aadsts: number }),
		...identifier('requestId', headers['x-ms-request-id']),
	};
	const retryAfterMs = retryAfterOf(headers['retry-after']);
	if (status === 429 || error === 'temporarily_unavailable') {
		return new ProviderFailure('Entra is throttling', { code: 'PROVIDER_THROTTLED', details, retryAfterMs });
	}

	return status >= 400 && status < 500 && typeof error === 'string'
		? new ProviderFailure(`signing in was refused: ${hint}`, { code: 'PROVIDER_AUTH', details })
		: new ProviderFailure('signing in got no usable answer', {
				code: 'PROVIDER_UNAVAILABLE',
				details,
				retryAfterMs,
			});
}

/** An empty object where it is none. */
export function jsonOf(body: Buffer): Readonly<Record<string, unknown>> {
	try {
		return Object(JSON.parse(body.toString()));
	} catch {
		// The parser's message would quote the body.
		return {};
	}
}

export function transportFailure(error: unknown, service: string): ProviderFailure {
	if (!(error instanceof CallError)) {
		return new ProviderFailure('an unexpected error', {
			code: 'INTERNAL',
			details: identifier('error', Object(error).name),
		});
	}

	const text = error.untrusted
		? `the certificate of ${service} is not trusted for its address: check caFile`
		: `no usable answer from ${service}`;
	return new ProviderFailure(text, {
		code: 'PROVIDER_UNAVAILABLE',
		details: identifier('errno', error.errno),
	});
}
