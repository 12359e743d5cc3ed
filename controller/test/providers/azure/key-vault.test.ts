// Azure Key Vault beyond the contract: what its answers mean, certificates, whom it asks and what it never follows.
import test from 'ava';
import { AzureKeyVault } from '../../../src/providers/azure/key-vault.ts';
import { azureSettings } from '../../../src/providers/azure/settings.ts';
import { systemClock } from '../../../src/runtime/clock.ts';
import { payloadToValues } from '../../../src/sync/payload.ts';
import { checked } from '../../helpers/provider-config.ts';
import { openKeyVault, prepareKeyVault } from '../../helpers/servers/azure.ts';
import { refusal } from '../shared/contract.ts';

test('a disabled secret and a disabled version are told from missing and from denied ones', async t => {
	const { server, read } = await openKeyVault(t);
	const first = server.put('db', '{"a":"1"}');
	const second = server.put('db', '{"a":"2"}');
	server.setEnabled('db', false, second.version);
	const error = await refusal(read('db'));
	t.is(error.code, 'SECRET_DISABLED');
	t.is(error.details['reason'], 'SecretDisabled');
	t.is((await read('db', first.version)).payload().toString(), '{"a":"1"}');
});

test('a deleted secret is absent, as Key Vault itself says, until it is recovered', async t => {
	const { server, read } = await openKeyVault(t);
	server.put('db', '{}');
	server.delete('db');
	t.is((await refusal(read('db'))).code, 'SECRET_NOT_FOUND');
	t.is((await refusal(read('db', '0'.repeat(32)))).code, 'SECRET_NOT_FOUND');
});

test('names and versions do not tell upper from lower case, as in Key Vault', async t => {
	const { server, read } = await openKeyVault(t);
	const { version } = server.put('Team-DB', 'x');
	t.is((await read('team-db')).version, version);
	t.is((await read('TEAM-DB', version.toUpperCase())).version, version);
});

test('a version that is none is refused before any call, and what Key Vault itself refuses is not retried', async t => {
	const { server, read } = await openKeyVault(t);
	for (const version of ['1', 'latest', '0'.repeat(31), `${'0'.repeat(31)}g`, '../0']) {
		t.is((await refusal(read('db', version))).code, 'PROVIDER_REQUEST_INVALID', version);
	}

	t.is(server.count(), 0);
	server.inject({ status: 400, body: '{"error":{"code":"BadParameter","message":"canary"}}' });
	const error = await refusal(read('db'));
	t.is(error.code, 'PROVIDER_REQUEST_INVALID');
	t.is(error.retry, 'slow');
	t.false(error.message.includes('canary'));
});

test('a denial says which permission is missing, and whether it is the firewall', async t => {
	const { server, read } = await openKeyVault(t, { server: { allow: name => name === 'mine' } });
	server.put('mine', 'x');
	await read('mine');
	const denied = await refusal(read('other'));
	t.is(denied.code, 'PROVIDER_DENIED');
	t.regex(denied.message, /role Key Vault Secrets User/);
	t.is(denied.details['reason'], 'ForbiddenByRbac');
	server.inject('firewall', { times: 1 });
	t.regex((await refusal(read('mine'))).message, /network rules of the vault, not for lack of a permission/);
	for (const code of ['ForbiddenByConnection', 'ForbiddenByNsp', 'ForbiddenByPolicy']) {
		const body = JSON.stringify({ error: { code: 'Forbidden', message: 'm', innererror: { code } } });
		server.inject({ status: 403, body }, { times: 1 });
		t.regex((await refusal(read('mine'))).message, /network rules of the vault/, code);
	}
});

test('a Retry-After is not waited for but handed on, from five seconds to five minutes', async t => {
	const { server, read } = await openKeyVault(t);
	for (const [retryAfter, waitMs] of [
		[1, 5_000],
		[30, 30_000],
		[86_400, 300_000],
	] as const) {
		const before = server.count('GetSecret');
		const injected = server.inject({ retryAfter });
		const error = await refusal(read('db'));
		t.is(error.code, 'PROVIDER_THROTTLED');
		t.is(error.retryAfterMs, waitMs);
		t.is(server.count('GetSecret'), before + 1);
		injected.stop();
	}
});

for (const [status, code] of [
	[200, 'PROVIDER_UNAVAILABLE'],
	[302, 'PROVIDER_UNAVAILABLE'],
	[400, 'PROVIDER_UNAVAILABLE'],
	[401, 'PROVIDER_AUTH'],
	[403, 'PROVIDER_DENIED'],
	[404, 'PROVIDER_UNAVAILABLE'],
	[429, 'PROVIDER_THROTTLED'],
	[503, 'PROVIDER_UNAVAILABLE'],
] as const) {
	test(`a proxy that answers ${status} in HTML is ${code}, never absence`, async t => {
		const { server, read } = await openKeyVault(t);
		server.put('db', 'x');
		server.inject({ html: status });
		const error = await refusal(read('db'));
		t.is(error.code, code);
		t.is(error.details['status'], status);
	});
}

const bundle = (fields: object) => ({ status: 200, body: JSON.stringify(fields) });
const ID = 'https://jasm-test.vault.azure.net/secrets/db/0123456789abcdef0123456789abcdef';

for (const [what, body] of [
	['another secret', bundle({ id: ID.replace('/db/', '/other/'), value: 'canary' })],
	['another version', bundle({ id: `${ID.slice(0, -1)}0`, value: 'canary' })],
	['no value', bundle({ id: ID })],
	['a value that is no text', bundle({ id: ID, value: { canary: 1 } })],
	['no id', bundle({ value: 'canary' })],
	['an id that is none', bundle({ id: 'canary', value: 'canary' })],
	['a list', { status: 200, body: '["canary"]' }],
	[
		'JSON that is cut',
		{ status: 200, body: '{"id":"canary', headers: { 'content-type': 'application/json' } },
	],
] as const) {
	test(`an answer with ${what} is not taken, and nothing of it is told`, async t => {
		const { server, read } = await openKeyVault(t);
		server.inject(body);
		const error = await refusal(read('db', '0123456789abcdef0123456789abcdef'));
		t.is(error.code, 'PROVIDER_UNAVAILABLE');
		t.false(`${error.message}${JSON.stringify(error.details)}${error.stack}`.includes('canary'));
	});
}

test('a redirect is not followed, wherever it leads', async t => {
	const { server, read } = await openKeyVault(t);
	const other = await prepareKeyVault();
	t.teardown(() => other.close());
	for (const location of [`${other.server.url}/secrets/db`, `${server.url}/secrets/other`]) {
		const before = server.count();
		const injected = server.inject({ status: 307, body: '', headers: { location } });
		t.is((await refusal(read('db'))).code, 'PROVIDER_UNAVAILABLE');
		injected.stop();
		t.false(server.calls.slice(before).some(({ name }) => name === 'other'));
	}

	t.is(other.server.count(), 0);
});

test('an error names the secret, and its facts stay in the details', async t => {
	const { server, read } = await openKeyVault(t);
	server.inject('forbidden');
	const [first, second] = [await refusal(read('db')), await refusal(read('db'))];
	t.regex(first.message, /^reading secret "db" from azure: access denied/);
	t.is(first.message, second.message);
	t.regex(String(first.details['requestId']), /^[0-9a-f-]{36}$/);
	t.not(first.details['requestId'], second.details['requestId']);
	t.false(/127\.0\.0\.1|vault\.azure\.net|1111/.test(first.message));
});

const KEY = '-----BEGIN PRIVATE KEY-----\nMIIEvQ+/ab==\n-----END PRIVATE KEY-----';
const [LEAF, ROOT] = ['bGVhZg==', 'cm9vdA=='].map(
	body => `-----BEGIN CERTIFICATE-----\n${body}\n-----END CERTIFICATE-----`,
);
const PEM = { contentType: 'application/x-pem-file', certificate: true };

test('a certificate in PEM gives tls.crt with its chain and tls.key', async t => {
	const { server, read } = await openKeyVault(t);
	server.put('site', `${KEY}\n${LEAF}\n${ROOT}\n`, PEM);
	const value = await read('site');
	const values = payloadToValues(value);
	t.deepEqual([...values.keys()], ['tls.crt', 'tls.key']);
	t.is(values.get('tls.crt')?.toString(), `${LEAF}\n${ROOT}\n`);
	t.is(values.get('tls.key')?.toString(), `${KEY}\n`);
	const mapped = payloadToValues(value, { keys: new Map([['cert.pem', 'tls.crt']]) });
	t.is(mapped.get('cert.pem')?.toString(), `${LEAF}\n${ROOT}\n`);
	t.is(payloadToValues(value, { key: 'all.pem' }).get('all.pem')?.toString(), `${KEY}\n${LEAF}\n${ROOT}\n`);
});

for (const [what, pem] of [
	['without a key', `${LEAF}\n`],
	['without a certificate', `${KEY}\n`],
	['with two keys', `${KEY}\n${KEY}\n${LEAF}\n`],
	['that is none', 'canary'],
] as const) {
	test(`PEM ${what} is plain text`, async t => {
		const { server, read } = await openKeyVault(t);
		server.put('site', pem, PEM);
		const value = await read('site');
		const error = t.throws(() => payloadToValues(value), { message: 'payload is not a JSON object' });
		t.false(String(error.stack).includes('canary'));
		t.is(payloadToValues(value, { key: 'k' }).get('k')?.toString(), pem);
	});
}

test('a certificate in PKCS #12 is bytes under one key', async t => {
	const { server, read } = await openKeyVault(t);
	const bytes = Buffer.from([0x30, 0x82, 0, 255, 13]);
	server.put('site', bytes.toString('base64'), { contentType: 'application/x-pkcs12', certificate: true });
	const value = await read('site');
	t.true(value.binary);
	t.deepEqual(payloadToValues(value, { key: 'site.p12' }).get('site.p12'), bytes);
	t.throws(() => payloadToValues(value), { message: /payload is binary/ });
	const padded = bytes.toString('base64');
	for (const text of [`${padded.slice(0, 4)}\r\n${padded.slice(4)}\n`, padded.replace(/=+$/, '')]) {
		server.put('site', text, { contentType: 'application/x-pkcs12' });
		t.deepEqual((await read('site')).payload(), bytes);
	}

	server.put('site', '{"no":"base64"}', { contentType: 'application/x-pkcs12' });
	t.is((await refusal(read('site'))).code, 'PAYLOAD_MALFORMED');
});

test('any other content type decides nothing', async t => {
	const { server, read } = await openKeyVault(t);
	for (const contentType of ['application/json', 'text/plain', 'nonsense']) {
		server.put('db', '{"a":1.10}', { contentType });
		t.is(
			payloadToValues(await read('db'))
				.get('a')
				?.toString(),
			'1.10',
			contentType,
		);
	}
});

test('a vault that asks for a token of another resource gets none', async t => {
	const { server, config, close } = await prepareKeyVault();
	t.teardown(close);
	const { endpoint: _, ...real } = config;
	const settings = { ...azureSettings(checked(real)), url: server.url };
	const vault = new AzureKeyVault({ name: 'azure', settings, env: {}, clock: systemClock });
	t.teardown(() => vault.close());
	const error = await refusal(vault.read({ path: 'db' }, new AbortController().signal));
	t.is(error.code, 'PROVIDER_AUTH');
	t.regex(error.message, /another resource: check vaultUrl/);
	t.is(server.count('RequestToken'), 0);
});

test('a refusal with objects where texts belong is an outage of the store, and no defect of JASM', async t => {
	const { server, read } = await openKeyVault(t);
	const hostile = { toString: {}, valueOf: [], toJSON: {} };
	for (const body of [
		{ message: hostile, code: hostile, error: hostile },
		{ ...hostile, error: { code: hostile, message: hostile, innererror: hostile } },
		{ error: { code: { toString: 'text' }, innererror: { code: hostile } } },
	]) {
		server.inject({ status: 503, body: JSON.stringify(body) }, { times: 1 });
		await t.throwsAsync(read('db'), { code: 'PROVIDER_UNAVAILABLE' }, JSON.stringify(body));
	}
});
