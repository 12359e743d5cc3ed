// Where a path may lead in Vault: below the operator's mount, segment by segment, and nowhere else.
import test from 'ava';
import fc from 'fast-check';
import { JasmError } from '../../../src/errors.ts';
import { apiPath } from '../../../src/providers/vault/reference.ts';

const V2 = { mount: 'team/secret', kvVersion: 2 } as const;
const V1 = { mount: 'secret', kvVersion: 1 } as const;

function codeOf(path: string, version?: string, scope: typeof V1 | typeof V2 = V2): string {
	try {
		apiPath(version === undefined ? { path } : { path, version }, scope);
		return 'allowed';
	} catch (error) {
		return error instanceof JasmError ? error.code : String(error);
	}
}

test('paths are relative to the mount, with the area of data in version 2', t => {
	t.is(apiPath({ path: 'a/b' }, V2), 'team/secret/data/a/b');
	t.is(apiPath({ path: 'a/b', version: '12' }, V2), 'team/secret/data/a/b?version=12');
	t.is(apiPath({ path: 'a/b' }, V1), 'secret/a/b');
	t.is(apiPath({ path: 'sys/a' }, V1), 'secret/sys/a');
});

test('what means something in a URL is encoded', t => {
	t.is(apiPath({ path: 'a@b/c=d+e:f,g' }, V1), 'secret/a%40b/c%3Dd%2Be%3Af%2Cg');
});

test('nothing that could leave the mount is a path, and nothing invisible', t => {
	for (const path of ['', '/', '/a', 'a/', 'a//b', '.', '..', 'a/..', '../a', 'a/./b']) {
		t.is(codeOf(path), 'PROVIDER_REQUEST_INVALID', path);
	}

	for (const path of ['a\tb', 'a\nb', 'a\0b', 'a\u200bb']) {
		t.is(codeOf(path), 'PROVIDER_REQUEST_INVALID', path);
	}

	t.is(codeOf('x'.repeat(512)), 'allowed');
	t.is(codeOf('x'.repeat(513)), 'PROVIDER_REQUEST_INVALID');
});

test('versions are the numbers of version 2', t => {
	t.is(codeOf('a', '1'), 'allowed');
	for (const version of ['0', '-1', '1.0', '01', 'latest', '1&x=y', '', '99999999999']) {
		t.is(codeOf('a', version), 'PROVIDER_REQUEST_INVALID', version);
	}

	t.is(codeOf('a', '1', V1), 'PROVIDER_REQUEST_INVALID');
});

test('whatever is written, a URL built from it stays below the mount and says exactly the path', t => {
	const text = fc.oneof(
		fc.string({ unit: 'binary', maxLength: 40 }),
		fc.stringMatching(/^[a-z./%\\?#~@:-]{0,30}$/),
	);
	fc.assert(
		fc.property(text, path => {
			const code = codeOf(path);
			if (code !== 'allowed') {
				return code === 'PROVIDER_REQUEST_INVALID';
			}

			const url = new URL(`https://vault.example/v1/${apiPath({ path }, V2)}`);
			return (
				url.host === 'vault.example' &&
				url.search === '' &&
				url.hash === '' &&
				decodeURIComponent(url.pathname) === `/v1/team/secret/data/${path}`
			);
		}),
		{ numRuns: 2_000 },
	);
	t.pass();
});

test('a refusal does not repeat the path', t => {
	const error = t.throws(() => apiPath({ path: 'canary\npath' }, V2), { instanceOf: JasmError });
	t.false(error.message.includes('canary'));
});
