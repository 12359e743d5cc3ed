// Reads the ServiceAccount token that the kubelet keeps fresh, and sees to it that it is meant for its receiver.
import { readFile } from 'node:fs/promises';
import { type Facts, identifier, ProviderFailure } from './failure.ts';

const auth = (text: string, details: Facts) => new ProviderFailure(text, { code: 'PROVIDER_AUTH', details });

/**
 * A token whose only audience is `audience`: a receiver of one for the API server could act as JASM.
 *
 * @throws ProviderFailure PROVIDER_AUTH
 */
export async function readIdentityToken(path: string, audience: string): Promise<string> {
	const token = await readCredentialFile(path, 'tokenFile');
	const audiences: unknown[] = [claimsOf(token)?.['aud']].flat();
	if (audiences.length !== 1 || audiences[0] !== audience) {
		throw auth(
			`signing in needs a token for the audience "${audience}" alone in the file of tokenFile: project one into the pod`,
			{ file: path },
		);
	}

	return token;
}

/** The text of a file that holds one credential. `field` names it. Read at each sign-in: files like these are replaced. */
export async function readCredentialFile(path: string, field: string): Promise<string> {
	let text: string;
	try {
		text = (await readFile(path, 'utf8')).trim();
	} catch (error) {
		throw unreadable(path, field, error);
	}

	// It becomes a header or a form field.
	if (!/^[\x21-\x7e]{1,16384}$/.test(text)) {
		throw auth(`signing in lacks the file of ${field}, which is empty or holds more than one credential`, {
			file: path,
		});
	}

	return text;
}

/** The path is for the log: a pod has no business with the files of JASM. */
export function unreadable(path: string, field: string, error: unknown): ProviderFailure {
	const { code } = Object(error) as { readonly code?: unknown };
	const why = WHY.get(String(code)) ?? 'cannot be read';
	return auth(`signing in lacks the file of ${field}, which ${why}`, {
		file: path,
		...identifier('errno', code),
	});
}

const WHY: ReadonlyMap<string, string> = new Map([
	['ENOENT', 'does not exist'],
	['EACCES', 'JASM may not read'],
	['EISDIR', 'is a folder'],
]);

/** Not verified here: that is the receiver's business. */
function claimsOf(token: string): Record<string, unknown> | undefined {
	try {
		return Object(JSON.parse(Buffer.from(token.split('.')[1] ?? '', 'base64url').toString()));
	} catch {
		// The parser's message would quote the token.
		return undefined;
	}
}
