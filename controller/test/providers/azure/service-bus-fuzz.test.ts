// Whatever Service Bus answers, a call of its queue ends in messages or in a coded report without what was said.
import test from 'ava';
import { JasmError } from '../../../src/errors.ts';
import { createProviders } from '../../../src/providers/registry.ts';
import { systemClock } from '../../../src/runtime/clock.ts';
import { checked } from '../../helpers/provider-config.ts';
import { startFuzzed } from '../../helpers/servers/fuzzed-server.ts';
import { identityToken } from '../../helpers/servers/tokens.ts';
import { answers, CANARY, fileWith, madeUp } from '../shared/fuzz.ts';

const TENANT = '11111111-2222-4333-8444-555555555555';
const GRANTED = {
	status: 200,
	headers: { 'content-type': 'application/json' },
	body: '{"token_type":"Bearer","expires_in":3600,"access_token":"token"}',
};

test('an answer of any status, headers and bytes is a message, nothing, or a coded report', async t => {
	const cases = madeUp(t, answers, 200);
	const { url, ca } = await startFuzzed(
		t,
		request => cases[Number(/case-(\d+)/.exec(request.url)?.[1] ?? -1)] ?? GRANTED,
		{ tls: true },
	);
	const config = {
		kind: 'azure-keyvault' as const,
		timeoutMs: 10_000,
		vaultUrl: 'https://jasm-test.vault.azure.net',
		endpoint: url,
		authorityHost: url,
		tenantId: TENANT,
		clientId: '66666666-7777-4888-9999-aaaaaaaaaaaa',
		caFile: fileWith(t, ca),
		tokenFile: fileWith(t, identityToken('api://AzureADTokenExchange')),
	};
	const registry = createProviders(
		{ azure: checked(config) },
		{ env: {}, clock: systemClock, warn: () => {} },
	);
	t.teardown(() => registry.close());
	const { signal } = new AbortController();
	for (const index of cases.keys()) {
		const queue = await registry.openQueue('azure', `${url}/case-${index}`);
		for (const call of [
			() => queue.receive(signal),
			() => queue.delete(['message/lock'], signal),
			() => queue.hide(['message/lock'], 60, signal),
		]) {
			try {
				await call();
			} catch (error) {
				t.true(error instanceof JasmError, `${error}`);
				const { code, message, details, cause } = error as JasmError;
				t.regex(code, /^CHANGE_SOURCE_(UNAVAILABLE|DENIED)$/);
				t.false(`${message}${JSON.stringify(details)}`.includes(CANARY));
				t.is(cause, undefined);
			}
		}

		await queue.close();
	}
});
