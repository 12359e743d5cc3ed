// The way to Vault: whom JASM trusts, where it follows, what it sends where.
import { writeFileSync } from 'node:fs';
import { createServer } from 'node:net';
import { join } from 'node:path';
import test, { type ExecutionContext } from 'ava';
import { startVault } from '../../../testing/vault/vault.ts';
import { VirtualClock } from '../../helpers/clocks/virtual-clock.ts';
import type { Written } from '../../helpers/provider-config.ts';
import { folder } from '../../helpers/servers/aws.ts';
import { openVault } from '../../helpers/servers/vault.ts';
import { startEmbedded } from '../../helpers/servers/vault-target.ts';
import { refusal } from '../shared/contract.ts';

/** A second node, which would answer whatever reaches it. */
async function startNode(t: ExecutionContext) {
	const node = await startVault();
	t.teardown(() => node.close());
	return node;
}

const hostOf = (url: string) => new URL(url).host;

/** A provider whose token is `root`, on an embedded Vault that redirects reads to another node. */
async function redirected(t: ExecutionContext, changes: (node: string) => Written) {
	const node = await startNode(t);
	const tokenFile = join(folder(t), 'token');
	writeFileSync(tokenFile, 'root');
	const harness = await openVault(t, {
		config: { credentials: 'token', tokenFile, mount: 'secret', ...changes(node.url) },
	});
	node.put('db', { a: 1 });
	harness.vault.inject({ redirect: node.url });
	return { ...harness, node };
}

test('a standby that sends to a listed host is followed, with the token and the whole path', async t => {
	const { read, node } = await redirected(t, url => ({ redirectHosts: [hostOf(url)] }));
	node.put('db', { a: 2 });
	t.is((await read('db', '1')).payload().toString(), '{"a":1}');
	t.is(node.calls[0]?.path, 'secret/data/db?version=1');
	t.is(node.calls[0]?.token, 'root');
});

test('a host that is not listed never hears of the token', async t => {
	const { read, node } = await redirected(t, () => ({}));
	const error = await refusal(read('db'));
	t.is(error.code, 'PROVIDER_MISCONFIGURED');
	t.regex(error.message, /redirectHosts/);
	t.false(error.message.includes(hostOf(node.url)));
	t.is(node.calls.length, 0);
});

test('not even the listed host is followed to another path, scheme, port or user', async t => {
	const node = await startNode(t);
	const { host, port } = new URL(node.url);
	for (const location of [
		`http://${host}/v1/sys/mounts`,
		`http://${host}/v1/secret/data/db?version=2`,
		`https://${host}/v1/secret/data/db`,
		`http://user@${host}/v1/secret/data/db`,
		`http://127.0.0.1:${Number(port) + 1}/v1/secret/data/db`,
		'//other.example/v1/secret/data/db',
		'http://[',
	]) {
		const strict = await openVault(t, { config: { redirectHosts: [host] } });
		strict.vault.inject({ status: 307, body: '', headers: { location } });
		t.is((await refusal(strict.read('db'))).code, 'PROVIDER_MISCONFIGURED', location);
	}

	t.is(node.calls.length, 0);
});

test('two redirects are followed, a third is not', async t => {
	const { vault, read, config } = await openVault(t);
	const back = { redirect: config.address };
	vault.inject(back, { times: 2 });
	t.is((await refusal(read('db'))).code, 'SECRET_NOT_FOUND');
	t.is(vault.count('read') - 1, 3);
	vault.inject(back);
	t.is((await refusal(read('db'))).code, 'PROVIDER_MISCONFIGURED');
	t.is(vault.count('read') - 1, 6);
});

test('a redirect by 301 or 302 is no answer of Vault', async t => {
	const { vault, read } = await openVault(t);
	for (const status of [301, 302, 303]) {
		vault.inject({ status, body: '', headers: { location: vault.url } }, { times: 1 });
		t.is((await refusal(read('db'))).code, 'PROVIDER_UNAVAILABLE');
	}
});

async function overTls(t: ExecutionContext) {
	const vault = await startVault({ tls: true });
	t.teardown(() => vault.close());
	vault.put('db', { a: 1 });
	const tokenFile = join(folder(t), 'token');
	const caFile = join(folder(t), 'ca.pem');
	writeFileSync(tokenFile, 'root');
	writeFileSync(caFile, vault.ca!);
	const config = {
		address: vault.url,
		allowInsecure: false,
		credentials: 'token',
		tokenFile,
		mount: 'secret',
		kvVersion: 2,
	} as const;
	return { vault, config, caFile };
}

test('an authority of one provider is trusted by that provider alone', async t => {
	const { vault, config, caFile } = await overTls(t);
	const trusting = await openVault(t, { config: { ...config, caFile } });
	t.is((await trusting.read('db')).payload().toString(), '{"a":1}');
	const other = await openVault(t, { config });
	const error = await refusal(other.read('db'));
	t.is(error.code, 'PROVIDER_UNAVAILABLE');
	t.regex(error.message, /the certificate of Vault is not trusted for its address \(\w+\): check caFile/);
	t.is(vault.count(), 1);
});

test('a certificate for another name is not trusted', async t => {
	const { vault, config, caFile } = await overTls(t);
	const address = config.address.replace('127.0.0.1', '0.0.0.0');
	const { read } = await openVault(t, { config: { ...config, address, caFile } });
	const error = await refusal(read('db'));
	t.is(error.code, 'PROVIDER_UNAVAILABLE');
	t.is(error.details['errno'], 'ERR_TLS_CERT_ALTNAME_INVALID');
	t.is(vault.count(), 0);
});

test('an authority file that was replaced is read once its certificate is refused', async t => {
	const { vault, config, caFile } = await overTls(t);
	const stranger = await startVault({ tls: true });
	t.teardown(() => stranger.close());
	writeFileSync(caFile, stranger.ca!);
	const { read } = await openVault(t, { config: { ...config, caFile } });
	t.is((await refusal(read('db'))).code, 'PROVIDER_UNAVAILABLE');
	writeFileSync(caFile, vault.ca!);
	t.is((await read('db')).payload().toString(), '{"a":1}');
});

test('an authority file that is missing is told, and read once it is there', async t => {
	const { vault, config } = await overTls(t);
	const caFile = join(folder(t), 'later.pem');
	const { read } = await openVault(t, { config: { ...config, caFile } });
	t.regex((await refusal(read('db'))).message, /the file of caFile cannot be read/);
	writeFileSync(caFile, vault.ca!);
	t.is((await read('db')).payload().toString(), '{"a":1}');
});

test('a server that accepts and says nothing is given up after the time for connecting', async t => {
	const silent = createServer(() => {});
	await new Promise<void>(resolve => silent.listen(0, '127.0.0.1', resolve));
	t.teardown(() => void silent.close());
	const { port } = silent.address() as { port: number };
	const accepted = new Promise(resolve => silent.once('connection', resolve));
	const clock = new VirtualClock();
	const { config } = await overTls(t);
	const { read } = await openVault(t, { clock, config: { ...config, address: `https://127.0.0.1:${port}` } });
	const error = refusal(read('db'));
	await accepted;
	await clock.advance(5_000);
	t.is((await error).details['errno'], 'CONNECT_TIMEOUT');
	t.is(clock.timers, 0);
});

test('a connection that Vault closed in the meantime costs nothing', async t => {
	const { put, read, vault } = await openVault(t);
	await put('db', '{}');
	for (let round = 0; round < 20; round++) {
		await read('db');
		vault.embedded!.dropConnections();
	}

	t.is((await read('db')).payload().toString(), '{}');
});

test('requests say whose they are and carry the token in its header alone', async t => {
	const { vault, put, read } = await openVault(t, { open: () => startEmbedded() });
	await put('db', '{}');
	await read('db');
	const asked = vault.calls.filter(({ token }) => token !== vault.rootToken);
	const token = asked.at(-1)?.token ?? '';
	t.regex(token, /^hvs\./);
	t.true(asked.every(({ path }) => !path.includes(token)));
});
