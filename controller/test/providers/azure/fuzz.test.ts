// Whatever Key Vault, Entra, the Azure CLI or a file gives, the report has a code, a retry and no value.
import { chmodSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import test, { type ExecutionContext } from 'ava';
import fc from 'fast-check';
import { readFailure } from '../../../src/providers/azure/errors.ts';
import { createProviders } from '../../../src/providers/registry.ts';
import { toJasmError } from '../../../src/providers/shared/failure.ts';
import { systemClock } from '../../../src/runtime/clock.ts';
import { checked, type Written } from '../../helpers/provider-config.ts';
import { folder } from '../../helpers/servers/aws.ts';
import { startFuzzed } from '../../helpers/servers/fuzzed-server.ts';
import { identityToken } from '../../helpers/servers/tokens.ts';
import {
	answers,
	BAD_FILES,
	CANARY,
	checkReads,
	checkReport,
	fileWith,
	madeUp,
	thrown,
} from '../shared/fuzz.ts';

const AUDIENCE = 'api://AzureADTokenExchange';
const TENANT = '11111111-2222-4333-8444-555555555555';
const VAULT = 'https://jasm-test.vault.azure.net';

const application = (url: string) => ({
	vaultUrl: VAULT,
	endpoint: url,
	authorityHost: url,
	tenantId: TENANT,
	clientId: '66666666-7777-4888-9999-aaaaaaaaaaaa',
});

async function opened(t: ExecutionContext, fields: Written, env = {}) {
	const registry = createProviders(
		{ azure: checked({ kind: 'azure-keyvault', timeoutMs: 10_000, ...fields }) },
		{ env, clock: systemClock, warn: () => {} },
	);
	t.teardown(() => registry.close());
	const provider = await registry.get('azure');
	return (path: string) => provider.read({ path }, new AbortController().signal);
}

const GRANTED = {
	status: 200,
	headers: { 'content-type': 'application/json' },
	body: '{"token_type":"Bearer","expires_in":3600,"access_token":"token"}',
};
const CHALLENGE = {
	status: 401,
	headers: {
		'www-authenticate': `Bearer authorization="https://login.microsoftonline.com/${TENANT}", resource="https://vault.azure.net"`,
	},
	body: '',
};

test('an answer of any status, headers and bytes ends in a coded report', async t => {
	const cases = madeUp(t, answers, 200);
	const challenged = new Set<string>();
	const { url, ca } = await startFuzzed(
		t,
		request => {
			const [, index] = /case-(\d+)/.exec(request.url) ?? [];
			if (index === undefined) {
				return GRANTED;
			}

			// The client sends its token only after a challenge.
			const first = !challenged.has(index);
			challenged.add(index);
			return first ? CHALLENGE : cases[Number(index)]!;
		},
		{ tls: true },
	);
	const read = await opened(t, {
		...application(url),
		caFile: fileWith(t, ca),
		tokenFile: fileWith(t, identityToken(AUDIENCE)),
	});
	await checkReads(t, cases, index => read(`case-${index}`));
});

test('any answer in place of the challenge ends in a coded report', async t => {
	const cases = madeUp(t, answers, 100);
	const { url, ca } = await startFuzzed(
		t,
		request => cases[Number(/case-(\d+)/.exec(request.url)?.[1] ?? -1)] ?? GRANTED,
		{ tls: true },
	);
	const read = await opened(t, {
		...application(url),
		caFile: fileWith(t, ca),
		tokenFile: fileWith(t, identityToken(AUDIENCE)),
	});
	await checkReads(t, cases, index => read(`case-${index}`));
});

for (const credentials of ['workload-identity', 'client-secret'] as const) {
	test(`${credentials}: any answer to signing in ends in a coded report`, async t => {
		const cases = madeUp(t, answers, 60);
		const { url, ca } = await startFuzzed(
			t,
			request => {
				const [, index] = /0000-0000-0000-(\d{12})/.exec(request.url) ?? [];
				return index === undefined ? CHALLENGE : cases[Number(index)]!;
			},
			{ tls: true },
		);
		const caFile = fileWith(t, ca);
		const own =
			credentials === 'workload-identity' ? { tokenFile: fileWith(t, identityToken(AUDIENCE)) } : {};
		await checkReads(t, cases, async index => {
			const tenantId = `00000000-0000-0000-0000-${String(index).padStart(12, '0')}`;
			const fields = { ...application(url), tenantId, caFile, credentials, ...own };
			return (await opened(t, fields, { AZURE_CLIENT_SECRET: CANARY }))('db');
		});
	});
}

test('cli: whatever az prints, and however it ends, is a coded report', async t => {
	const { url, ca } = await startFuzzed(t, () => CHALLENGE, { tls: true });
	const caFile = fileWith(t, ca);
	const outputs = [
		'',
		CANARY,
		'{',
		'null',
		'[]',
		`{"accessToken":"${CANARY}"}`,
		'{"accessToken":5,"expires_on":{}}',
	];
	const cases = [...outputs.map(output => ({ output, code: 0 })), { output: CANARY, code: 1 }];
	await checkReads(t, cases, async index => {
		const { output, code } = cases[index]!;
		const path = folder(t);
		writeFileSync(join(path, 'az'), `#!/bin/sh\nprintf '%s' '${output}'\nexit ${code}\n`);
		chmodSync(join(path, 'az'), 0o755);
		const fields = { vaultUrl: VAULT, endpoint: url, caFile, credentials: 'cli' };
		return (await opened(t, fields, { PATH: `${path}:/usr/bin:/bin` }))('db');
	});
});

test('any error of a client or of Node ends in a coded report', t => {
	fc.assert(
		fc.property(thrown, error => {
			checkReport(t, toJasmError('reading', readFailure(error)), error);
		}),
		{ numRuns: 1_000 },
	);
});

for (const [what, content] of Object.entries(BAD_FILES)) {
	test(`a file that is ${what}, in any field, ends in a coded report that keeps its bytes`, async t => {
		const path = content === undefined ? '/nowhere/file' : fileWith(t, content);
		const { url, ca } = await startFuzzed(t, () => CHALLENGE, { tls: true });
		const tokenFile = fileWith(t, identityToken(AUDIENCE));
		const good = { ...application(url), caFile: fileWith(t, ca), tokenFile };
		const cases: Written[] = [
			{ ...good, caFile: path },
			{ ...good, tokenFile: path },
			{ ...good, proxy: 'http://127.0.0.1:1', proxyCredentialsFile: path },
		];
		await checkReads(t, cases, async index => (await opened(t, cases[index]!))('db'));
	});
}
