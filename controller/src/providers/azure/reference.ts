// Reads the path of an annotation as the name of a Key Vault secret; refuses, never normalises; pure.
import { JasmError } from '../../errors.ts';
import type { RemoteReference } from '../provider.ts';

const NAME = /^[0-9a-zA-Z-]{1,127}$/;
const VERSION = /^[0-9a-fA-F]{32}$/;

/** @throws JasmError PROVIDER_REQUEST_INVALID; its message does not repeat the path */
export function validateReference({ path, version }: RemoteReference): void {
	if (!NAME.test(path)) {
		throw invalid('the path is not the name of a Key Vault secret: 1 to 127 letters, digits and "-"');
	}

	if (version !== undefined && !VERSION.test(version)) {
		throw invalid('the version is not one of Key Vault: 32 hexadecimal digits');
	}
}

const invalid = (message: string) => new JasmError(message, { code: 'PROVIDER_REQUEST_INVALID' });
