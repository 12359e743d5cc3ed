// Refusals of Key Vault and of Entra as coded failures: by status and error code, with fixed texts.
import type { JasmError } from '../../errors.ts';
import { parseRetryAfter } from '../../runtime/backoff.ts';
import { CallError, failureOf, isRefusal, type Service } from '../shared/call-error.ts';
import { type Facts, identifier, ProviderFailure } from '../shared/failure.ts';
import type { HttpAnswer } from '../shared/https-client.ts';

const KEY_VAULT: Service = { name: 'Key Vault', host: 'vaultUrl (or endpoint)' };

export const ENTRA: Service = { name: 'Entra', host: 'authorityHost' };

/** What of the SDK's errors may be looked at; message, request and response can quote a value. */
type SdkError = {
	readonly message?: unknown;
	readonly statusCode?: unknown;
	readonly code?: unknown;
	readonly details?: { readonly error?: { readonly innerError?: { readonly code?: unknown } } };
	readonly response?: { readonly headers?: { get(name: string): string | undefined } };
};

/** What a read that gave no secret failed with. */
export function readFailure(error: unknown): ProviderFailure | JasmError {
	if (isRefusal(error) || error instanceof CallError) {
		return failureOf(error, KEY_VAULT);
	}

	const { message, statusCode, code, details, response } = Object(error) as SdkError;
	if (typeof statusCode !== 'number') {
		return typeof message === 'string' && /^The challenge /.test(message)
			? new ProviderFailure('the vault asks for a token of another resource: check vaultUrl', {
					code: 'PROVIDER_AUTH',
				})
			: failureOf(error, KEY_VAULT);
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
	const retryAfterMs = parseRetryAfter(text(retryAfter));
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

/** The inner codes of a 403 that is about where a request comes from rather than about who sends it. */
const NETWORK_REASONS: ReadonlySet<string> = new Set([
	'ForbiddenByConnection',
	'ForbiddenByFirewall',
	'ForbiddenByNsp',
]);

function forbidden(reason: string, details: Facts): ProviderFailure {
	if (reason === 'SecretDisabled') {
		return new ProviderFailure('the secret, or this version of it, is disabled', {
			code: 'SECRET_DISABLED',
			details,
		});
	}

	const text = NETWORK_REASONS.has(reason)
		? 'access denied by the network rules of the vault, not for lack of a permission: let JASM in through its ' +
			'firewall, private endpoint or network security perimeter'
		: reason === 'ForbiddenByPolicy'
			? 'access denied by a policy of the vault: check the permission Get of the identity (access policy), and ' +
				'the network rules of the vault'
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

/** What a person can check, by Entra's number for the cause. */
const CAUSES: ReadonlyMap<number, string> = new Map([
	[90002, 'the tenant does not exist, check tenantId and authorityHost'],
	[700016, 'the tenant has no such application, check clientId and tenantId'],
	[700024, 'the token has expired or is not valid yet, check the clock of the node and tokenFile'],
	[700211, 'no federated credential of the client has the issuer of the token, check its issuer'],
	[700212, 'no federated credential of the client has the audience of the token, check audience'],
	[
		700213,
		"no federated credential of the client has the subject of the token, check the ServiceAccount of JASM's pod",
	],
	[7000215, 'the client secret is not valid, check AZURE_CLIENT_SECRET'],
	[7000222, 'the client secret has expired, make another one'],
]);

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
	const retryAfterMs = parseRetryAfter(headers['retry-after']);
	if (status === 429 || error === 'temporarily_unavailable') {
		return new ProviderFailure('Entra is throttling', { code: 'PROVIDER_THROTTLED', details, retryAfterMs });
	}

	return status >= 400 && status < 500 && typeof error === 'string'
		? new ProviderFailure(`signing in was refused: ${CAUSES.get(number ?? 0) ?? hint}`, {
				code: 'PROVIDER_AUTH',
				details,
			})
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
