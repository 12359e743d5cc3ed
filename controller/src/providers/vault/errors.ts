// Refusals of Vault as coded failures: by status and by what its answers are known to say; fixed texts.

import type { JasmError } from '../../errors.ts';
import { parseRetryAfter } from '../../runtime/backoff.ts';
import { asRecord } from '../../util/source-json.ts';
import { failureOf } from '../shared/call-error.ts';
import { identifier, ProviderFailure } from '../shared/failure.ts';

export type VaultAnswer = {
	readonly status: number;
	/** The body, where it is a JSON object; numbers keep their source text. */
	readonly json: Readonly<Record<string, unknown>> | undefined;
	readonly retryAfter: string | undefined;
};

/** What a GET that gave no secret means. */
export function readFailure(answer: VaultAnswer): ProviderFailure {
	const { status } = answer;
	const details = detailsOf(answer);
	const errors = errorsOf(answer);
	switch (status) {
		case 400:
			// Only Vault itself knows that the request is wrong; a proxy in between does not. While a KV engine is
			// upgraded to version 2, and after each start of OpenBao, it answers 400 to every request for a moment.
			return errors === undefined || errors.some(text => /upgrading|resume service/i.test(text))
				? outage(answer)
				: new ProviderFailure('Vault refuses path or version as invalid', {
						code: 'PROVIDER_REQUEST_INVALID',
						details,
					});
		case 403:
			return new ProviderFailure(
				"permission denied: the secret is missing, or the policies of JASM's role lack read on it",
				{ code: 'PROVIDER_DENIED', details },
			);
		case 404:
			return missing(answer, errors);
		case 405:
			return misconfigured('what is mounted there cannot be read: it is no KV secrets engine', details);
		default:
			return outage(answer);
	}
}

/** While signing in, whatever is neither throttling nor an outage is a matter of identity. */
export function signInFailure(answer: VaultAnswer, credentials: string): ProviderFailure {
	const refused = answer.status >= 400 && answer.status < 500 && answer.status !== 429;
	const errors = errorsOf(answer);
	const [, cause] = CAUSES.find(([pattern]) => errors?.some(text => pattern.test(text))) ?? [];
	return refused && errors !== undefined
		? new ProviderFailure(`signing in by ${credentials} was refused: ${cause ?? HINTS.get(credentials)}`, {
				code: 'PROVIDER_AUTH',
				details: detailsOf(answer),
			})
		: outage(answer);
}

/** What a person can check, by Vault's words for the cause. */
const CAUSES = [
	[/token is expired/, 'the token has expired, check the clock of the node and tokenFile'],
	[/invalid audience/, 'the token is for another audience, check audience and that of the role'],
	[/invalid issuer/, 'the token is of another issuer, check the configuration of the auth method'],
	[
		/invalid subject|not authorized/,
		"the role is not bound to the ServiceAccount of JASM's pod, check the role and what it is bound to",
	],
	[/invalid role name|role ".*" could not be found/, 'there is no such role, check role and authMount'],
] as const;

const HINTS: ReadonlyMap<string, string> = new Map([
	['kubernetes', 'check the role, its audience and the ServiceAccounts that it is bound to'],
	['jwt', 'check the role, its bound_audiences and bound_subject, and the keys of the issuer'],
	['approle', 'check role id and secret id'],
]);

/** The token itself was refused, rather than what it may do. Older servers do not say so. */
export const saysInvalidToken = (answer: VaultAnswer): boolean =>
	errorsOf(answer)?.some(text => text.includes('invalid token')) ?? false;

export const transportFailure = (error: unknown): ProviderFailure | JasmError =>
	failureOf(error, { name: 'Vault', host: 'address' });

export const redirectFailure = (status: number): ProviderFailure =>
	misconfigured('Vault redirects to a host that is not among redirectHosts, or too often', { status });

export const malformedResponse = (answer: VaultAnswer): ProviderFailure =>
	new ProviderFailure('the answer is not one of Vault', {
		code: 'PROVIDER_UNAVAILABLE',
		details: detailsOf(answer),
	});

/** Absence is what Vault's own words prove; a 404 of anybody else proves nothing. */
function missing(answer: VaultAnswer, errors: readonly string[] | undefined): ProviderFailure {
	const details = detailsOf(answer);
	if (errors?.length === 0) {
		return new ProviderFailure('Vault has no such secret or no such version of it', {
			code: 'SECRET_NOT_FOUND',
			details,
		});
	}

	if (errors?.some(text => text.startsWith('no handler for route'))) {
		return misconfigured('there is no secrets engine at the mount', details);
	}

	const { warnings } = answer.json ?? {};
	if (Array.isArray(warnings) && textsOf(warnings)[0]?.startsWith('Invalid path for a versioned')) {
		return misconfigured('the secrets engine at the mount is KV version 2', details);
	}

	const metadata = asRecord(asRecord(answer.json?.['data'])?.['metadata']);
	if (metadata === undefined) {
		return outage(answer);
	}

	const what = metadata['destroyed'] === true ? 'destroyed' : 'deleted';
	return new ProviderFailure(`this version of the secret was ${what}`, { code: 'SECRET_DELETED', details });
}

function outage(answer: VaultAnswer): ProviderFailure {
	const details = detailsOf(answer);
	const retryAfterMs = parseRetryAfter(answer.retryAfter);
	if (answer.status === 429) {
		return new ProviderFailure('Vault is throttling', { code: 'PROVIDER_THROTTLED', details, retryAfterMs });
	}

	const sealed = errorsOf(answer)?.some(text => text.includes('Vault is sealed')) ?? false;
	return new ProviderFailure(sealed ? 'Vault is sealed' : 'no usable answer from Vault', {
		code: 'PROVIDER_UNAVAILABLE',
		details,
		retryAfterMs,
	});
}

const misconfigured = (text: string, details: ProviderFailure['details']) =>
	new ProviderFailure(text, { code: 'PROVIDER_MISCONFIGURED', details });

/** Vault's error texts, which only this file compares; undefined where the answer is not one of Vault. */
function errorsOf({ json }: VaultAnswer): readonly string[] | undefined {
	const errors = json?.['errors'];
	return Array.isArray(errors) ? textsOf(errors) : undefined;
}

/** Anything else in a list has no text of Vault; it may not even have a text. */
const textsOf = (list: readonly unknown[]): string[] =>
	list.map(item => (typeof item === 'string' ? item : ''));

const detailsOf = ({ status, json }: VaultAnswer) => ({
	status,
	...identifier('requestId', json?.['request_id']),
});
