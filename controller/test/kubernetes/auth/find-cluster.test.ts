// What finding the API server promises: one order of places, the one that was used, and a fault that lists them all.
import test, { type ExecutionContext } from 'ava';
import { loadKubernetesConfig } from '../../../src/kubernetes/auth/find-cluster.ts';
import { systemClock as clock } from '../../../src/runtime/clock.ts';
import { folder } from '../../helpers/environment/folder.ts';

const kubeconfig = (host: string) =>
	JSON.stringify({
		'current-context': 'c',
		clusters: [{ name: 'c', cluster: { server: `https://${host}` } }],
		users: [{ name: 'c', user: { token: 'secret-token' } }],
		contexts: [{ name: 'c', context: { cluster: 'c', user: 'c' } }],
	});

function places(t: ExecutionContext) {
	const { path, write } = folder(t);
	write('home/.kube/config', kubeconfig('home'));
	write('sa/token', 'sa-token\n');
	write('sa/ca.crt', 'sa-ca');
	write('sa/namespace', 'jasm\n');
	const env: Record<string, string | undefined> = {
		KUBECONFIG: write('variable', kubeconfig('variable')),
		KUBERNETES_SERVICE_HOST: '10.0.0.1',
		KUBERNETES_SERVICE_PORT: '443',
		HOME: `${path}/home`,
	};
	const flag = write('flag', kubeconfig('flag'));
	const load = (options: { kubeconfigPath?: string; context?: string } = {}) =>
		loadKubernetesConfig({ env, clock, serviceAccountDir: `${path}/sa`, ...options });
	return { path, write, env, flag, load };
}

test('the flag comes before KUBECONFIG, that before the ServiceAccount, that before the home directory', async t => {
	const { env, flag, load } = places(t);
	t.is((await load({ kubeconfigPath: flag })).host, 'flag');
	t.is((await load()).host, 'variable');
	delete env['KUBECONFIG'];
	t.is((await load()).host, '10.0.0.1');
	delete env['KUBERNETES_SERVICE_HOST'];
	t.is((await load()).host, 'home');
});

test('in a pod the address comes from variables and the identity from the files of the ServiceAccount', async t => {
	const { env, load } = places(t);
	delete env['KUBECONFIG'];
	const { host, port, basePath, credentials } = await load();
	t.deepEqual({ host, port, basePath }, { host: '10.0.0.1', port: 443, basePath: '' });
	t.is(await credentials.authorization(), 'Bearer sa-token');
	t.deepEqual(await credentials.tls(), { ca: 'sa-ca' });
});

test('an IPv6 address comes without its brackets', async t => {
	const { env, load } = places(t);
	delete env['KUBECONFIG'];
	for (const host of ['fd00::1', '[fd00::1]']) {
		env['KUBERNETES_SERVICE_HOST'] = host;
		t.is((await load()).host, 'fd00::1');
	}
});

test('variables of a pod without the mounted files do not make a cluster', async t => {
	const { path, env } = places(t);
	delete env['KUBECONFIG'];
	const found = await loadKubernetesConfig({ env, clock, serviceAccountDir: `${path}/none` });
	t.is(found.host, 'home');
});

test('where there is nothing, all places that were looked at are named', async t => {
	const { path } = places(t);
	const options = { clock, serviceAccountDir: `${path}/none` };
	await t.throwsAsync(loadKubernetesConfig({ ...options, env: { HOME: `${path}/no-home` } }), {
		code: 'configuration',
		message: `looking for the Kubernetes API server: neither --kubeconfig nor KUBECONFIG is set, no ServiceAccount is mounted and "${path}/no-home/.kube/config" does not exist`,
	});
	await t.throwsAsync(loadKubernetesConfig({ ...options, env: {} }), { message: /HOME is not set$/ });
});

test('KUBECONFIG may name several files', async t => {
	const { env, write, load } = places(t);
	const other = kubeconfig('second').replaceAll('"c"', '"d"');
	env['KUBECONFIG'] = `${env['KUBECONFIG']}:${write('second', other)}`;
	t.is((await load()).host, 'variable');
	t.is((await load({ context: 'd' })).host, 'second');
});
