// What a kubeconfig gives: address, identity and trust as kubectl would take them, read again when they are refused.
import { readFileSync } from 'node:fs';
import test, { type ExecutionContext } from 'ava';
import { loadKubeconfig } from '../../src/kubernetes/kubeconfig.ts';
import { systemClock as clock } from '../../src/runtime/clock.ts';
import { type Folder, folder } from '../helpers/folder.ts';
import { apiServer, wired } from '../helpers/wired.ts';

type Parts = { cluster?: object; user?: object; context?: object };

function written(t: ExecutionContext, parts: Parts = {}, { write }: Folder = folder(t)) {
	const text = ({ cluster, user, context }: Parts) =>
		JSON.stringify({
			'current-context': 'dev',
			clusters: [{ name: 'dev', cluster: { server: 'https://[fd00::1]:6443/k8s/c1/', ...cluster } }],
			users: [{ name: 'dev', user: { token: 'secret-token', ...user } }],
			contexts: [{ name: 'dev', context: { cluster: 'dev', user: 'dev', namespace: 'team', ...context } }],
		});
	const file = write('config', text(parts));
	const rewrite = (other: Parts) => write('config', text(other));
	return {
		file,
		rewrite,
		load: (context?: string) => loadKubeconfig({ files: [file], clock, ...(context && { context }) }),
	};
}

const base64 = (text: string) => Buffer.from(text).toString('base64');

test('address, path, namespace, token and trust come from the current context', async t => {
	const { load } = written(t, {
		cluster: { 'certificate-authority-data': base64('an authority'), 'tls-server-name': 'kubernetes' },
	});
	const { host, port, basePath, namespace, credentials } = await load();
	t.deepEqual(
		{ host, port, basePath, namespace },
		{ host: 'fd00::1', port: 6443, basePath: '/k8s/c1', namespace: 'team' },
	);
	t.is(await credentials.authorization(), 'Bearer secret-token');
	t.deepEqual(await credentials.tls(), { ca: 'an authority', servername: 'kubernetes' });
});

test('a certificate may be the identity, in the file or beside it', async t => {
	const home = folder(t);
	home.write('key.pem', 'a key');
	const { load } = written(
		t,
		{
			user: { token: undefined, 'client-certificate-data': base64('a certificate'), 'client-key': 'key.pem' },
		},
		home,
	);
	const { credentials } = await load();
	t.is(await credentials.authorization(), undefined);
	t.like(await credentials.tls(), { cert: 'a certificate', key: 'a key' });
});

test('a name and a password become a header', async t => {
	const { load } = written(t, { user: { token: undefined, username: 'ü', password: 'p' } });
	t.is(await (await load()).credentials.authorization(), `Basic ${base64('ü:p')}`);
});

test('a plugin gives the token, and is asked again when that was refused', async t => {
	const home = folder(t);
	const counter = home.write('counter', '');
	const script = `require('fs').appendFileSync(${JSON.stringify(counter)}, 'x');
		console.log(JSON.stringify({ status: { token: 'token-' + require('fs').readFileSync(${JSON.stringify(counter)}).length } }))`;
	const { load } = written(
		t,
		{
			user: { token: undefined, exec: { command: process.execPath, args: ['-e', script], apiVersion: 'v1' } },
		},
		home,
	);
	const { credentials } = await load();
	t.is(await credentials.authorization(), 'Bearer token-1');
	t.is(await credentials.authorization(), 'Bearer token-1');
	credentials.invalidate();
	t.is(await credentials.authorization(), 'Bearer token-2');
	t.is(readFileSync(counter, 'utf8'), 'xx');
});

test('what a failing plugin prints stays out of the error', async t => {
	const script = "console.error('secret-token'); process.exit(1)";
	const { load } = written(t, {
		user: { token: undefined, exec: { command: process.execPath, args: ['-e', script] } },
	});
	const { credentials } = await load();
	const error = await t.throwsAsync(credentials.authorization(), { code: 'KUBERNETES_CONFIG_INVALID' });
	t.regex(error.message, /the credentials of user "dev" cannot be read$/);
	t.notRegex(JSON.stringify([error.message, error.cause ?? '']), /secret-token/);
});

test('a refused token is read from the file again', async t => {
	const { load, rewrite } = written(t);
	const { credentials } = await load();
	await credentials.authorization();
	rewrite({ user: { token: 'new' } });
	credentials.invalidate();
	t.is(await credentials.authorization(), 'Bearer new');
});

test('another context can be chosen, one that is not there is a fault that names it', async t => {
	const { load, file } = written(t);
	t.is((await load('dev')).host, 'fd00::1');
	await t.throwsAsync(load('prod'), {
		code: 'KUBERNETES_CONFIG_INVALID',
		message: `reading kubeconfig "${file}": there is no cluster for context "prod"`,
	});
});

test('what cannot be used is refused with its reason, and without the token', async t => {
	const home = folder(t);
	const broken = home.write('broken', 'token: secret-token\n  : [');
	const cases: [Promise<unknown>, RegExp][] = [
		[loadKubeconfig({ files: [`${home.path}/none`], clock }), /none": ENOENT$/],
		[loadKubeconfig({ files: [broken], clock }), /not a valid kubeconfig$/],
		[loadKubeconfig({ files: [home.write('empty', '{}')], clock }), /no context is chosen$/],
		[written(t, { cluster: { server: 'http://127.0.0.1:8080' } }).load(), /is not an https address$/],
		[written(t, { cluster: { server: 'nonsense' } }).load(), /"nonsense" is not an https address$/],
		[written(t, { cluster: { 'proxy-url': 'http://proxy' } }).load(), /proxy-url is not supported$/],
	];
	for (const [load, message] of cases) {
		const error = await t.throwsAsync(load, { code: 'KUBERNETES_CONFIG_INVALID', message });
		t.notRegex(`${error.message} ${error.cause ?? ''}`, /secret-token/);
	}
	const { file } = written(t);
	await t.throwsAsync(loadKubeconfig({ files: [file, file], clock }), { message: /Duplicate cluster: dev$/ });
});

test('a kubeconfig of the embedded API server leads to it', async t => {
	const server = await apiServer(t);
	const file = folder(t).write('config', server.kubeconfig());
	const cluster = await loadKubeconfig({ files: [file], clock });
	const { client } = wired(t, server, { cluster });
	t.is(await client.getLease({ namespace: 'default', name: 'x' }), undefined);
	t.is(server.requests.all[0]?.status, 404);
});
