// Signs in to Vault: exactly the configured way, with credentials read again each time.
import { asRecord, isRawNumber } from '../../util/source-json.ts';
import { readCredentialFile, readIdentityToken } from '../shared/identity-token.ts';
import type { SignIn } from '../shared/token-cache.ts';
import type { VaultClient } from './client.ts';
import { malformedResponse, signInFailure } from './errors.ts';
import type { VaultSettings } from './settings.ts';

/** A day: for tokens that never end, so that a new policy of theirs takes effect some time. */
const ENDLESS_MS = 86_400_000;
/** A token from a file may be replaced there at any time. */
const FROM_FILE_MS = 60_000;

/** Fails with ProviderFailure. */
export async function signIn(
	client: VaultClient,
	settings: VaultSettings,
	signal: AbortSignal,
): Promise<SignIn<string>> {
	if (settings.credentials === 'token') {
		return { value: await readCredentialFile(settings.tokenFile, 'tokenFile'), lifeMs: FROM_FILE_MS };
	}

	const { credentials, authMount, authNamespace } = settings;
	const answer = await client.send(
		{
			method: 'POST',
			path: `auth/${authMount}/login`,
			namespace: authNamespace,
			body: await loginBody(settings),
		},
		signal,
	);
	if (answer.status !== 200) {
		throw signInFailure(answer, credentials);
	}

	const auth = asRecord(answer.json?.['auth']);
	const token = auth?.['client_token'];
	const seconds = isRawNumber(auth?.['lease_duration']) ? Number(auth['lease_duration'].rawJSON) : 0;
	if (typeof token !== 'string' || !/^[\x21-\x7e]{1,16384}$/.test(token)) {
		throw malformedResponse(answer);
	}

	return { value: token, lifeMs: seconds > 0 ? seconds * 1_000 : ENDLESS_MS };
}

async function loginBody(settings: Exclude<VaultSettings, { credentials: 'token' }>): Promise<object> {
	if (settings.credentials === 'approle') {
		const { roleId, secretIdFile } = settings;
		return { role_id: roleId, secret_id: await readCredentialFile(secretIdFile, 'secretIdFile') };
	}

	const { role, tokenFile, audience } = settings;
	return { role, jwt: await readIdentityToken(tokenFile, audience) };
}
