// A kubeconfig gives address and identity, and gives them again as tokens, files and plugins change.
import { readFileSync, rmSync } from 'node:fs';
import { getCACertificates } from 'node:tls';
import test, { type ExecutionContext } from 'ava';
import { loadKubeconfig } from '../../../src/kubernetes/auth/kubeconfig.ts';
import { systemClock } from '../../../src/runtime/clock.ts';
import { VirtualClock } from '../../helpers/clocks/virtual-clock.ts';
import { folder } from '../../helpers/environment/folder.ts';
import { apiServer, wired } from '../../helpers/watches/wired.ts';

type Parts = { cluster?: object; user?: object; context?: object };

const text = ({ cluster, user = { token: 'secret-token' }, context }: Parts) =>
	JSON.stringify({
		'current-context': 'dev',
		clusters: [{ name: 'dev', cluster: { server: 'https://[fd00::1]:6443/k8s/c1/', ...cluster } }],
		users: [{ name: 'dev', user }],
		contexts: [{ name: 'dev', context: { cluster: 'dev', user: 'dev', namespace: 'team', ...context } }],
	});

function written(t: ExecutionContext, parts: Parts = {}) {
	const { path, write } = folder(t);
	const clock = new VirtualClock();
	const file = write('config', text(parts));
	return {
		path,
		file,
		write,
		clock,
		rewrite: (other: Parts) => write('config', text(other)),
		load: (context?: string) =>
			loadKubeconfig({ files: [file], clock, env: process.env, ...(context && { context }) }),
	};
}

/** A plugin that counts its runs; the token is `token-` and the count. */
function countingPlugin(counter: string, status = '') {
	const script = `const fs = require('fs');
		fs.appendFileSync(${JSON.stringify(counter)}, 'x');
		const token = 'token-' + fs.readFileSync(${JSON.stringify(counter)}).length;
		const apiVersion = 'client.authentication.k8s.io/v1';
		console.log(JSON.stringify({ apiVersion, kind: 'ExecCredential', status: { token, ${status} } }))`;
	const apiVersion = 'client.authentication.k8s.io/v1';
	return { command: process.execPath, args: ['-e', script], apiVersion, interactiveMode: 'Never' };
}

test('address, path and token come from the current context', async t => {
	const { host, port, basePath, credentials } = await written(t).load();
	t.deepEqual({ host, port, basePath }, { host: 'fd00::1', port: 6443, basePath: '/k8s/c1' });
	t.is(await credentials.authorization(), 'Bearer secret-token');
});

test('without an authority of its own a cluster is trusted by the lists of Node and of the system', async t => {
	const { credentials } = await written(t).load();
	const { ca } = await credentials.tls();
	t.deepEqual(ca, [...getCACertificates('default'), ...getCACertificates('system')]);
});

test('another context can be chosen, and a missing one is named', async t => {
	const { load, file } = written(t);
	t.is((await load('dev')).host, 'fd00::1');
	await t.throwsAsync(load('prod'), {
		code: 'configuration',
		message: `reading kubeconfig "${file}": there is no context "prod"`,
	});
});

test('a refused token is read from the file again', async t => {
	const { load, rewrite } = written(t);
	const { credentials } = await load();
	t.is(await credentials.authorization(), 'Bearer secret-token');
	rewrite({ user: { token: 'new' } });
	t.is(await credentials.authorization(), 'Bearer secret-token');
	credentials.invalidate();
	t.is(await credentials.authorization(), 'Bearer new');
});

test('after a refusal the user to act as comes from the file too, together with the token', async t => {
	const { load, rewrite } = written(t);
	const { credentials } = await load();
	t.deepEqual(credentials.impersonation?.(), {});
	rewrite({ user: { token: 'new', as: 'jane' } });
	credentials.invalidate();
	t.is(await credentials.authorization(), 'Bearer new');
	t.deepEqual(credentials.impersonation?.(), { 'impersonate-user': ['jane'] });
});

test('a file that is broken after a refusal leaves the identity as it was', async t => {
	const { load, write } = written(t, { user: { token: 'old', as: 'jane' } });
	const { credentials } = await load();
	write('config', 'token: [');
	credentials.invalidate();
	t.is(await credentials.authorization(), 'Bearer old');
	t.deepEqual(credentials.impersonation?.(), { 'impersonate-user': ['jane'] });
});

test('a token file is read again after fifty seconds, and a missing one keeps the last token', async t => {
	const { load, write, clock, path } = written(t, { user: { tokenFile: 'token' } });
	write('token', 'one\n');
	const { credentials } = await load();
	t.is(await credentials.authorization(), 'Bearer one');
	write('token', 'two\n');
	await clock.advance(49_999);
	t.is(await credentials.authorization(), 'Bearer one');
	await clock.advance(1);
	t.is(await credentials.authorization(), 'Bearer two');
	rmSync(`${path}/token`);
	await clock.advance(50_000);
	t.is(await credentials.authorization(), 'Bearer two');
});

test('an authority in a file is read for every connection', async t => {
	const { load, write } = written(t, { cluster: { 'certificate-authority': 'ca.crt' } });
	const authority = getCACertificates('bundled')[0]!;
	write('ca.crt', authority);
	const { credentials } = await load();
	write('ca.crt', `${authority}${authority}`);
	t.is((await credentials.tls()).ca, `${authority}${authority}`);
});

test('a plugin runs once for all callers, and again when its token was refused', async t => {
	const { path, load, rewrite } = written(t);
	const counter = `${path}/counter`;
	rewrite({ user: { exec: countingPlugin(counter) } });
	const { credentials } = await load();
	const [, first, second] = await Promise.all([
		credentials.tls(),
		credentials.authorization(),
		credentials.authorization(),
	]);
	t.deepEqual([first, second], ['Bearer token-1', 'Bearer token-1']);
	t.is(await credentials.authorization(), 'Bearer token-1');
	credentials.invalidate();
	t.is(await credentials.authorization(), 'Bearer token-2');
	t.is(readFileSync(counter, 'utf8'), 'xx');
});

test('a plugin runs again when its token has expired', async t => {
	const { path, load, rewrite, clock } = written(t);
	const expires = new Date(clock.now() + 60_000).toISOString();
	rewrite({
		user: { exec: countingPlugin(`${path}/counter`, `expirationTimestamp: '${expires}'`) },
	});
	const { credentials } = await load();
	t.is(await credentials.authorization(), 'Bearer token-1');
	await clock.advance(59_999);
	t.is(await credentials.authorization(), 'Bearer token-1');
	await clock.advance(1);
	t.is(await credentials.authorization(), 'Bearer token-2');
});

test('a plugin that does not end is stopped after a minute, and its command is named', async t => {
	const { load, rewrite, clock } = written(t);
	const exec = countingPlugin('/dev/null');
	rewrite({ user: { exec: { ...exec, args: ['-e', 'setTimeout(() => {}, 600_000)'] } } });
	const { credentials } = await load();
	const late = t.throwsAsync(credentials.authorization(), {
		code: 'configuration',
		message: /exec: ".*node" did not end within 60 s$/,
	});
	await clock.advance(60_000);
	await late;
});

test('an endless output of a plugin is cut off', async t => {
	const { load, rewrite } = written(t);
	const endless =
		"const write = () => { while (process.stdout.write('x'.repeat(65_536))); }; write(); process.stdout.on('drain', write)";
	rewrite({ user: { exec: { ...countingPlugin('/dev/null'), args: ['-e', endless] } } });
	const { credentials } = await load();
	await t.throwsAsync(credentials.authorization(), { code: 'configuration', message: /ended with SIGKILL/ });
});

test('a kubeconfig of the embedded API server leads to it', async t => {
	const server = await apiServer(t);
	const file = folder(t).write('config', server.kubeconfig());
	const cluster = await loadKubeconfig({ files: [file], clock: systemClock });
	const { raw } = wired(t, server, { cluster });
	t.is(await raw.getLease({ namespace: 'default', name: 'x' }), undefined);
	t.is(server.requests.all[0]?.status, 404);
});
