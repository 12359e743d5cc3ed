// Reads the ServiceAccount token that the kubelet keeps fresh, and sees to it that it is meant for its receiver.
import { readFile } from 'node:fs/promises';
import { ProviderFailure } from './failure.ts';

const auth = (text: string) => new ProviderFailure(text, { code: 'PROVIDER_AUTH' });

/**
 * A token whose one audience is `audience`: whoever received one for the API server could act as JASM.
 *
 * @throws ProviderFailure PROVIDER_AUTH
 */
export async function readIdentityToken(path: string, audience: string): Promise<string> {
	const token = await readCredentialFile(path, 'the token file');
	const audiences: unknown[] = [claimsOf(token)?.['aud']].flat();
	if (audiences.length !== 1 || audiences[0] !== audience) {
		throw auth(`signing in needs a token for the audience "${audience}" alone: project one into the pod`);
	}

	return token;
}

/** The text of a file that holds one credential. Read at each sign-in: files like these are replaced. */
export async function readCredentialFile(path: string, what: string): Promise<string> {
	let text: string;
	try {
		text = (await readFile(path, 'utf8')).trim();
	} catch {
		throw auth(`signing in lacks ${what}, which cannot be read`);
	}

	// It becomes a header or a form field.
	if (!/^[\x21-\x7e]{1,16384}$/.test(text)) {
		throw auth(`signing in lacks ${what}, which is empty or holds more than one credential`);
	}

	return text;
}

/** Not verified here: that is the receiver's business. */
function claimsOf(token: string): Record<string, unknown> | undefined {
	try {
		return Object(JSON.parse(Buffer.from(token.split('.')[1] ?? '', 'base64url').toString()));
	} catch {
		// The parser's message would quote the token.
		return undefined;
	}
}
