// Reads the path of an annotation as a path below a KV mount of Vault; refuses, never normalises; pure.
import { JasmError } from '../../errors.ts';
import type { RemoteReference } from '../provider.ts';

/** What of a provider's settings decides where a path leads. */
export type VaultScope = { readonly mount: string; readonly kvVersion: 1 | 2 };

/** Each segment is percent-encoded, so that every other character is part of its name and nothing else. */
const SEGMENT = /^[^\p{C}\p{Zl}\p{Zp}]+$/u;
const MAX_LENGTH = 512;
const VERSION = /^[1-9]\d{0,9}$/;

/** @throws JasmError PROVIDER_REQUEST_INVALID; its message does not repeat the path */
export function validateReference(reference: RemoteReference, scope: VaultScope): void {
	apiPath(reference, scope);
}

/**
 * The path below /v1/ that reads the reference. It always begins with the operator's mount, and no segment of
 * the annotation can leave it.
 *
 * @throws JasmError PROVIDER_REQUEST_INVALID
 */
export function apiPath({ path, version }: RemoteReference, { mount, kvVersion }: VaultScope): string {
	if (path.startsWith('/')) {
		throw invalid('the path begins with "/": in Vault paths are relative to the mount');
	}

	const segments = path.split('/');
	if (path.length > MAX_LENGTH || segments.some(segment => !isSegment(segment))) {
		throw invalid(
			'the path has an empty segment, a segment "." or "..", a control or an invisible character, or more than ' +
				`${MAX_LENGTH} characters`,
		);
	}

	const encoded = [mount, ...(kvVersion === 2 ? ['data'] : [])].concat(segments.map(encodeURIComponent));
	return encoded.join('/') + query(version, kvVersion);
}

const isSegment = (segment: string): boolean => SEGMENT.test(segment) && segment !== '.' && segment !== '..';

function query(version: string | undefined, kvVersion: 1 | 2): string {
	if (version === undefined) {
		return '';
	}

	if (kvVersion === 1) {
		throw invalid('a version is asked for, but KV version 1 of Vault keeps none');
	}

	if (!VERSION.test(version)) {
		throw invalid('the version is not a number of a version of Vault');
	}

	return `?version=${version}`;
}

const invalid = (message: string) => new JasmError(message, { code: 'PROVIDER_REQUEST_INVALID' });
