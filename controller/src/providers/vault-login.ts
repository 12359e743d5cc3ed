// Signs in to Vault: exactly the configured way, with credentials read anew each time.
import { asRecord, isRawNumber } from '../source-json.ts';
import { ProviderFailure } from './failure.ts';
import { readCredentialFile, readIdentityToken } from './identity-token.ts';
import type { SignIn } from './session.ts';
import type { VaultClient } from './vault-client.ts';
import type { VaultSettings } from './vault-config.ts';
import { garbage, signInFailure } from './vault-errors.ts';

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
	const { credentials, authMount, authNamespace, tokenFile } = settings;
	if (credentials === 'token') {
		return { value: await readCredentialFile(tokenFile, 'the token file'), lifeMs: FROM_FILE_MS };
	}

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
		throw garbage(answer);
	}

	return { value: token, lifeMs: seconds > 0 ? seconds * 1_000 : ENDLESS_MS };
}

async function loginBody(settings: VaultSettings): Promise<object> {
	const { credentials, role, roleId, secretIdFile, tokenFile, audience } = settings;
	if (credentials === 'approle') {
		return {
			role_id: required(roleId, 'roleId'),
			secret_id: await readCredentialFile(required(secretIdFile, 'secretIdFile'), 'the secret id'),
		};
	}

	return { role: required(role, 'role'), jwt: await readIdentityToken(tokenFile, audience) };
}

function required(value: string | undefined, field: string): string {
	if (value === undefined) {
		throw new ProviderFailure(`signing in lacks ${field}`, { code: 'PROVIDER_AUTH' });
	}

	return value;
}
