// What Vault answers to a read, and what becomes of it: versions, absence, denials, leases, numbers.
import test from 'ava';
import { openVault } from '../../helpers/servers/vault.ts';
import { VAULTS } from '../../helpers/servers/vault-target.ts';
import { refusal } from '../shared/contract.ts';

for (const [target, open] of Object.entries(VAULTS)) {
	test(`${target}: a deleted version, a destroyed one and a missing one are told apart`, async t => {
		const { vault, mount, put, read } = await openVault(t, { open });
		await put('team/db', '{"a":"1"}');
		await put('team/db', '{"a":"2"}');
		await vault.request('DELETE', `${mount}/data/team/db`);
		const deleted = await refusal(read('team/db'));
		t.is(deleted.code, 'SECRET_DELETED');
		t.regex(deleted.message, /was deleted/);
		t.is((await read('team/db', '1')).payload().toString(), '{"a":"1"}');
		await vault.request('POST', `${mount}/undelete/team/db`, { versions: [2] });
		t.is((await read('team/db')).version, '2');
		await vault.request('PUT', `${mount}/destroy/team/db`, { versions: [2] });
		t.regex((await refusal(read('team/db', '2'))).message, /was destroyed/);
		t.is((await refusal(read('team/db', '3'))).code, 'SECRET_NOT_FOUND');
		t.is((await refusal(read('team/none'))).code, 'SECRET_NOT_FOUND');
	});

	test(`${target}: a mount that is missing or of the other version is the operator's to correct`, async t => {
		const { vault, mount, allow, put, read, registry } = await openVault(t, { open });
		await put('db', '{}');
		t.is((await read('db')).payload().toString(), '{}');
		await vault.request('DELETE', `sys/mounts/${mount}`);
		const gone = await refusal(read('db'));
		t.is(gone.code, 'PROVIDER_MISCONFIGURED');
		t.regex(gone.message, /no secrets engine at the mount/);
		await registry.close();
		await allow(`path "${mount}/*" { capabilities = ["read"] }`);
		const other = await openVault(t, { open, config: { kvVersion: 1 } });
		await other.put('db', '{}');
		t.regex((await refusal(other.read('db'))).message, /is KV version 2/);
	});

	test(`${target}: what no policy allows is denied, be it there or not, and says what is missing`, async t => {
		const { mount, allow, put, read } = await openVault(t, { open });
		await put('team-a/db', '{}');
		await put('team-b/db', '{}');
		await allow(`path "${mount}/data/team-a/*" { capabilities = ["read"] }`);
		t.is((await read('team-a/db')).payload().toString(), '{}');
		const denials = [await refusal(read('team-b/db')), await refusal(read('team-b/no'))];
		t.deepEqual(
			denials.map(({ code }) => code),
			['PROVIDER_DENIED', 'PROVIDER_DENIED'],
		);
		t.is(denials[0]!.message.replace('/db', '/no'), denials[1]!.message);
		t.regex(denials[0]!.message, /policies of JASM's role lack read/);
	});

	test(`${target}: every segment of a path arrives as it was written`, async t => {
		const { vault, mount, put, read } = await openVault(t, { open });
		const path = 'team@x/a.b_c-d/e=f+g:h,i~j';
		await put(path, '{"a":"1"}');
		t.is((await read(path)).payload().toString(), '{"a":"1"}');
		t.is(vault.calls.findLast(({ operation }) => operation === 'read')?.path, `${mount}/data/${path}`);
	});

	test(`${target}: markup and other letters reach the payload as themselves`, async t => {
		const { put, read } = await openVault(t, { open });
		await put('db', '{"__proto__":"p","html":"<a href=\\"x\\">&","text":"p\u00e4ss\u{1f511}"}');
		t.is(
			(await read('db')).payload().toString(),
			'{"__proto__":"p","html":"<a href=\\"x\\">&","text":"p\u00e4ss\u{1f511}"}',
		);
	});
}

const answering = (data: string, rest = '') => ({
	status: 200,
	body: `{"request_id":"r","lease_id":"","data":${data}${rest}}`,
});

test('numbers keep the text in which Vault wrote them', async t => {
	const { vault, read } = await openVault(t);
	const data = '{"a":12345678901234567890,"b":1.10,"c":1e400,"d":-0,"e":[{"f":9007199254740993}]}';
	vault.inject(answering(`{"data":${data},"metadata":{"version":12}}`));
	const value = await read('db');
	t.is(value.payload().toString(), data);
	t.is(value.version, '12');
});

for (const [what, body] of [
	['another version', answering('{"data":{"a":"1"},"metadata":{"version":4}}')],
	['no version', answering('{"data":{"a":"1"},"metadata":{}}')],
	['a version that is no number', answering('{"data":{"a":"1"},"metadata":{"version":"3"}}')],
	['no data', answering('{"metadata":{"version":3}}')],
	['a wrapped answer', answering('null', ',"wrap_info":{"token":"x"}')],
	['a list', { status: 200, body: '[]' }],
	['nothing', { status: 200, body: '' }],
	['JSON that is deeper than the stack', answering('['.repeat(200_000))],
] as const) {
	test(`an answer with ${what} is no answer`, async t => {
		const { vault, read } = await openVault(t);
		vault.inject(body);
		t.is((await refusal(read('db', '3'))).code, 'PROVIDER_UNAVAILABLE');
	});
}

for (const [status, code] of [
	[400, 'PROVIDER_UNAVAILABLE'],
	[401, 'PROVIDER_UNAVAILABLE'],
	[403, 'PROVIDER_DENIED'],
	[404, 'PROVIDER_UNAVAILABLE'],
	[429, 'PROVIDER_THROTTLED'],
	[502, 'PROVIDER_UNAVAILABLE'],
] as const) {
	test(`a proxy that answers ${status} in HTML is ${code}, never absence`, async t => {
		const { vault, put, read } = await openVault(t);
		await put('db', '{}');
		vault.inject({ html: status });
		const error = await refusal(read('db'));
		t.is(error.code, code);
		t.is(error.details['status'], status);
	});
}

for (const [status, errors, code] of [
	[400, ['invalid'], 'PROVIDER_REQUEST_INVALID'],
	[404, ['something else'], 'PROVIDER_UNAVAILABLE'],
	[405, ['unsupported operation'], 'PROVIDER_MISCONFIGURED'],
	[412, ['required index state not present'], 'PROVIDER_UNAVAILABLE'],
	[472, [], 'PROVIDER_UNAVAILABLE'],
	[500, ['1 error occurred'], 'PROVIDER_UNAVAILABLE'],
] as const) {
	test(`a refusal of Vault with ${status} and ${errors.length} errors is ${code}`, async t => {
		const { vault, read } = await openVault(t);
		vault.inject({ status, body: JSON.stringify({ errors }) });
		t.is((await refusal(read('db'))).code, code);
	});
}

test('a sealed Vault is an outage that says so', async t => {
	const { vault, put, read } = await openVault(t);
	await put('db', '{}');
	await read('db');
	vault.embedded!.seal();
	const error = await refusal(read('db'));
	t.is(error.code, 'PROVIDER_UNAVAILABLE');
	t.regex(error.message, /Vault is sealed/);
	vault.embedded!.seal(false);
	t.is((await read('db')).payload().toString(), '{}');
});

test('a Retry-After is a floor of five seconds and has a ceiling of five minutes', async t => {
	const { vault, read } = await openVault(t);
	for (const [header, waitMs] of [
		['1', 5_000],
		['20', 20_000],
		['86400', 300_000],
		['tomorrow', 5_000],
	] as const) {
		const body = '{"errors":["rate limit quota exceeded"]}';
		const injected = vault.inject({ status: 429, headers: { 'retry-after': header }, body });
		t.is((await refusal(read('db'))).retryAfterMs, waitMs, header);
		injected.stop();
	}
});

test('an answer of more than two MiB is refused by its size, and is no outage', async t => {
	const { vault, put, read } = await openVault(t);
	await put('db', '{}');
	vault.inject(answering(`{"data":{"a":"${'x'.repeat(2 * 1_048_576)}"},"metadata":{"version":1}}`));
	const error = await refusal(read('db'));
	t.is(error.code, 'SECRET_TOO_LARGE');
	t.regex(
		error.message,
		/^reading secret "db" from vault: the answer has 2097\d{3} bytes, at most 2097152 are read$/,
	);
});

for (const revocable of [true, false]) {
	test(`a leased secret is refused and its lease ended, ${revocable ? 'by itself' : 'with the token where that alone may be'}`, async t => {
		const { vault, allow, read } = await openVault(t, { config: { mount: 'database', kvVersion: 1 } });
		await vault.request('POST', 'sys/mounts/database', { type: 'database' });
		const revoke = 'path "sys/leases/revoke" { capabilities = ["update"] }';
		await allow(`path "database/*" { capabilities = ["read"] }\n${revocable ? revoke : ''}`);
		const error = await refusal(read('creds/app'));
		t.is(error.code, 'DYNAMIC_SECRET_UNSUPPORTED');
		t.is(error.reason, 'DynamicSecretUnsupported');
		t.is(error.retry, 'terminal');
		t.true(error.details['leaseRevoked']);
		t.deepEqual(vault.embedded!.leases, []);
		t.is(vault.embedded!.tokens, revocable ? 1 : 0);
	});
}

test('a message names the path, and neither address, mount, role nor request id', async t => {
	const { vault, put, read, mount, role } = await openVault(t);
	await put('team/db', '{}');
	vault.inject('permission-denied');
	const error = await refusal(read('team/db'));
	t.regex(error.message, /^reading secret "team\/db" from vault: permission denied/);
	for (const fact of [vault.url, mount, role]) {
		t.false(error.message.includes(fact), fact);
	}
});
