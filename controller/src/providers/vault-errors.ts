// Refusals of Vault as coded failures: by status and by what its answers are known to say; fixed texts.
import { asRecord } from '../source-json.ts';
import { identifier, ProviderFailure, retryAfterOf } from './failure.ts';
import { CallError } from './https-call.ts';
import type { VaultAnswer } from './vault-client.ts';

/** What a GET that gave no secret means. */
export function readFailure(answer: VaultAnswer): ProviderFailure {
	const { status } = answer;
	const details = detailsOf(answer);
	const errors = errorsOf(answer);
	switch (status) {
		case 400:
			// Only Vault itself knows that the request is wrong; a proxy in between does not.
			return errors === undefined
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
	return refused && errorsOf(answer) !== undefined
		? new ProviderFailure(`signing in by ${credentials} was refused: ${HINTS.get(credentials)}`, {
				code: 'PROVIDER_AUTH',
				details: detailsOf(answer),
			})
		: outage(answer);
}

const HINTS: ReadonlyMap<string, string> = new Map([
	['kubernetes', 'check the role, its audience and the ServiceAccounts that it is bound to'],
	['jwt', 'check the role, its bound_audiences and bound_subject, and the keys of the issuer'],
	['approle', 'check role id and secret id'],
]);

/** The token itself was refused, rather than what it may do. Older servers do not say so. */
export const saysInvalidToken = (answer: VaultAnswer): boolean =>
	errorsOf(answer)?.some(text => text.includes('invalid token')) ?? false;

export function transportFailure(error: unknown): ProviderFailure {
	if (!(error instanceof CallError)) {
		return new ProviderFailure('an unexpected error', {
			code: 'INTERNAL',
			details: identifier('error', Object(error).name),
		});
	}

	const details = identifier('errno', error.errno);
	if (error.untrusted) {
		return new ProviderFailure("Vault's certificate is not trusted for its address: check caFile", {
			code: 'PROVIDER_UNAVAILABLE',
			details,
		});
	}

	return new ProviderFailure('no usable answer from Vault', { code: 'PROVIDER_UNAVAILABLE', details });
}

export const redirectFailure = (status: number): ProviderFailure =>
	misconfigured('Vault redirects to a host that is not among redirectHosts, or too often', { status });

export const garbage = (answer: VaultAnswer): ProviderFailure =>
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
	if (Array.isArray(warnings) && String(warnings[0]).startsWith('Invalid path for a versioned')) {
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
	const retryAfterMs = retryAfterOf(answer.retryAfter);
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
	return Array.isArray(errors) ? errors.map(String) : undefined;
}

const detailsOf = ({ status, json }: VaultAnswer) => ({
	status,
	...identifier('requestId', json?.['request_id']),
});
