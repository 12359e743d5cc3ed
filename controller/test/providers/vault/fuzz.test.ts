// Whatever Vault, its sign-in or a file gives, the report has a code, a retry and no value, and is no defect of JASM.
import test, { type ExecutionContext } from 'ava';
import fc from 'fast-check';
import { createProviders } from '../../../src/providers/registry.ts';
import { toJasmError } from '../../../src/providers/shared/failure.ts';
import { transportFailure } from '../../../src/providers/vault/errors.ts';
import { systemClock } from '../../../src/runtime/clock.ts';
import { checked, type Written } from '../../helpers/provider-config.ts';
import { folder } from '../../helpers/servers/aws.ts';
import { startFuzzed } from '../../helpers/servers/fuzzed-server.ts';
import { identityToken } from '../../helpers/servers/tokens.ts';
import { answers, BAD_FILES, checkReads, checkReport, fileWith, madeUp, thrown } from '../shared/fuzz.ts';

async function opened(t: ExecutionContext, fields: Written) {
	const registry = createProviders(
		{ vault: checked({ kind: 'vault', timeoutMs: 10_000, ...fields }) },
		{ env: {}, clock: systemClock, warn: () => {} },
	);
	t.teardown(() => registry.close());
	const provider = await registry.get('vault');
	return (path: string) => provider.read({ path }, new AbortController().signal);
}

for (const kvVersion of [1, 2] as const) {
	test(`KV ${kvVersion}: an answer of any status, headers and bytes ends in a coded report`, async t => {
		const cases = madeUp(t, answers, 300);
		const { url } = await startFuzzed(t, request => cases[Number(/case-(\d+)/.exec(request.url)?.[1] ?? 0)]!);
		const read = await opened(t, {
			address: url,
			allowInsecure: true,
			kvVersion,
			credentials: 'token',
			tokenFile: fileWith(t, 'root'),
		});
		await checkReads(t, cases, index => read(`case-${index}`));
	});
}

for (const credentials of ['jwt', 'kubernetes', 'approle'] as const) {
	test(`${credentials}: any answer to signing in ends in a coded report`, async t => {
		const cases = madeUp(t, answers, 100);
		const { url } = await startFuzzed(t, request => cases[Number(/case-(\d+)/.exec(request.url)?.[1] ?? 0)]!);
		const own =
			credentials === 'approle'
				? { roleId: 'role', secretIdFile: fileWith(t, 'secret-id') }
				: { role: 'jasm', tokenFile: fileWith(t, identityToken('vault')) };
		await checkReads(t, cases, async index => {
			const read = await opened(t, {
				address: url,
				allowInsecure: true,
				credentials,
				authMount: `case-${index}`,
				...own,
			});
			return read('db');
		});
	});
}

test('any error of a client or of Node ends in a coded report', t => {
	fc.assert(
		fc.property(thrown, error => {
			checkReport(t, toJasmError('reading', transportFailure(error)), error);
		}),
		{ numRuns: 1_000 },
	);
});

for (const [what, content] of Object.entries(BAD_FILES)) {
	test(`a file that is ${what}, in any field, ends in a coded report that keeps its bytes`, async t => {
		const path = content === undefined ? '/nowhere/file' : fileWith(t, content);
		const { url, ca } = await startFuzzed(t, () => ({ status: 404, headers: {}, body: '{"errors":[]}' }), {
			tls: true,
		});
		const good = {
			address: url,
			caFile: fileWith(t, ca),
			role: 'jasm',
			tokenFile: fileWith(t, identityToken('vault')),
		};
		const cases: Written[] = [
			{ ...good, caFile: path },
			{ ...good, tokenFile: path },
			{ ...good, tokenFile: folder(t) },
			{ ...good, proxy: 'http://127.0.0.1:1', proxyCredentialsFile: path },
			{ address: url, caFile: good.caFile, credentials: 'token', tokenFile: path },
			{ address: url, caFile: good.caFile, credentials: 'approle', roleId: 'r', secretIdFile: path },
		];
		await checkReads(t, cases, async index => (await opened(t, cases[index]!))('db'));
	});
}
