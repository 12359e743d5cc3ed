// What the proof promises: it holds exactly where the policy of the installation refuses the sentinel.
import test, { type ExecutionContext } from 'ava';
import type { JasmError } from '../../src/errors.ts';
import { proveGuard } from '../../src/kubernetes/guard.ts';
import { answers } from '../../testing/index.ts';
import { FixedCredentials } from '../helpers/raw-server.ts';
import { apiServer, clusterOf, wired } from '../helpers/wired.ts';

async function installation(t: ExecutionContext, verbs = ['create', 'update']) {
	const server = await apiServer(t);
	server.apply([
		{ apiVersion: 'v1', kind: 'Namespace', metadata: { name: 'jasm' } },
		{ apiVersion: 'v1', kind: 'ServiceAccount', metadata: { name: 'jasm', namespace: 'jasm' } },
		{
			apiVersion: 'rbac.authorization.k8s.io/v1',
			kind: 'ClusterRole',
			metadata: { name: 'jasm' },
			rules: [{ apiGroups: [''], resources: ['secrets'], verbs }],
		},
		{
			apiVersion: 'rbac.authorization.k8s.io/v1',
			kind: 'ClusterRoleBinding',
			metadata: { name: 'jasm' },
			roleRef: { apiGroup: 'rbac.authorization.k8s.io', kind: 'ClusterRole', name: 'jasm' },
			subjects: [{ kind: 'ServiceAccount', name: 'jasm', namespace: 'jasm' }],
		},
		{
			apiVersion: 'v1',
			kind: 'Secret',
			metadata: { name: 'jasm-sentinel', namespace: 'jasm' },
			type: 'Opaque',
		},
	]);
	const credentials = new FixedCredentials({ ca: server.ca, token: server.createToken('jasm', 'jasm') });
	const { client } = wired(t, server, { cluster: clusterOf(server, credentials) });
	const prove = () => proveGuard({ client, namespace: 'jasm' });
	const refused = (code: JasmError['code'], message: RegExp) =>
		t.throwsAsync<JasmError>(prove(), { code, message });
	return { server, prove, refused };
}

test('the guard is proven where the policy refuses the sentinel, and the sentinel stays as it was', async t => {
	const { server, prove } = await installation(t);
	server.setGuard(true);
	const before = server.get('Secret', 'jasm', 'jasm-sentinel');
	await t.notThrowsAsync(prove());
	t.deepEqual(server.get('Secret', 'jasm', 'jasm-sentinel'), before);
	t.deepEqual(
		server.requests.filter({ resource: 'secrets' }).map(({ verb, query }) => [verb, query['dryRun']]),
		[['update', 'All']],
	);
});

test('without the policy the replace is accepted, which is the fault, and changes nothing', async t => {
	const { server, refused } = await installation(t);
	server.setGuard(false);
	const before = server.get('Secret', 'jasm', 'jasm-sentinel');
	const error = await refused('GUARD_MISSING', /no ValidatingAdmissionPolicy keeps JASM from replacing/);
	t.regex(error?.remedy ?? '', /ValidatingAdmissionPolicy.*sentinel.*--allow-unguarded/);
	t.deepEqual(server.get('Secret', 'jasm', 'jasm-sentinel'), before);
});

test('without the sentinel nothing is proven, guard or not', async t => {
	const { server, refused } = await installation(t);
	server.setGuard(true);
	server.delete('Secret', 'jasm', 'jasm-sentinel');
	await refused('GUARD_MISSING', /sentinel Secret does not exist/);
});

test('a missing right proves nothing: RBAC refuses before any policy is asked', async t => {
	const { server, refused } = await installation(t, ['create']);
	server.setGuard(true);
	await refused('KUBERNETES_FORBIDDEN', /not allowed to update secrets in namespace "jasm"/);
});

test("a refusal by somebody else's policy, by a webhook or by validation is no proof", async t => {
	const { server, refused } = await installation(t);
	server.setGuard(false);
	const message =
		"secrets \"jasm-sentinel\" is forbidden: ValidatingAdmissionPolicy 'owners' with binding 'owners' denied request: label owner is missing";
	for (const answer of [
		{ status: 422, reason: 'Invalid', message },
		{ status: 403, reason: 'Forbidden', message },
		{ status: 403, reason: 'Forbidden', message: 'admission webhook "w" denied the request: no' },
		{ status: 422, reason: 'Invalid', message: 'Secret "jasm-sentinel" is invalid' },
	]) {
		server.faults.inject({ resource: 'secrets' }, { answer });
		await refused('GUARD_MISSING', /not by the policy of the installation/);
	}
});

test('an API server that does not answer leaves the question open', async t => {
	const { server, refused } = await installation(t);
	server.faults.inject({ resource: 'secrets' }, { answer: answers.unavailable });
	await refused('KUBERNETES_UNAVAILABLE', /503/);
});
