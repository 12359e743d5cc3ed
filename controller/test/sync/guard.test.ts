// The guard counts as proven exactly if the policy of the installation refuses the sentinel.
import test, { type ExecutionContext } from 'ava';
import type { JasmError } from '../../src/errors.ts';
import { createReviews } from '../../src/kubernetes/reviews.ts';
import { proveGuard } from '../../src/sync/guard.ts';
import { type ApiServerOptions, answers } from '../../testing/index.ts';
import { FixedCredentials } from '../helpers/servers/raw-server.ts';
import { apiServer, clusterOf, wired } from '../helpers/watches/wired.ts';

type InstallationOptions = { readonly verbs?: readonly string[]; readonly guard?: ApiServerOptions['guard'] };

async function installation(t: ExecutionContext, options: InstallationOptions = {}) {
	const { verbs = ['create', 'update'], guard = {} } = options;
	const server = await apiServer(t, { guard });
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
	const { client, rest } = wired(t, server, { cluster: clusterOf(server, credentials) });
	const prove = () => proveGuard({ client, reviews: createReviews(rest), namespace: 'jasm' });
	const refused = (code: JasmError['code'], message: RegExp) =>
		t.throwsAsync<JasmError>(prove(), { code, message });
	return { server, prove, refused };
}

test('the guard is proven if the policy refuses the sentinel, and the sentinel stays as it is', async t => {
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

test('without the policy the replace is allowed: the error names the user, and nothing changes', async t => {
	const { server, refused } = await installation(t);
	server.setGuard(false);
	const before = server.get('Secret', 'jasm', 'jasm-sentinel');
	const error = await refused('GUARD_MISSING', /no ValidatingAdmissionPolicy keeps JASM from replacing/);
	t.regex(
		error?.message ?? '',
		/^proving .* as "system:serviceaccount:jasm:jasm": the replace was allowed: /,
	);
	t.regex(error?.remedy ?? '', /ValidatingAdmissionPolicy.*sentinel.*--allow-unguarded/);
	t.deepEqual(server.get('Secret', 'jasm', 'jasm-sentinel'), before);
});

test('without the sentinel nothing is proven, with or without a guard', async t => {
	const { server, refused } = await installation(t);
	server.setGuard(true);
	server.delete('Secret', 'jasm', 'jasm-sentinel');
	await refused('GUARD_MISSING', /sentinel Secret does not exist/);
});

test('a missing right proves nothing: RBAC refuses before any policy is asked', async t => {
	const { server, refused } = await installation(t, { verbs: ['create'] });
	server.setGuard(true);
	await refused('KUBERNETES_FORBIDDEN', /not allowed to update secrets in namespace "jasm"/);
});

test('a policy that holds another account is no proof, and the error says so', async t => {
	const user = 'system:serviceaccount:other:jasm';
	const { server, refused } = await installation(t, { guard: { user } });
	server.setGuard(true);
	await refused(
		'GUARD_MISSING',
		/as "system:serviceaccount:jasm:jasm".* A policy that is bound to another account, .* has no effect$/,
	);
});

test('an API server that does not know who asks leaves the user out of the error', async t => {
	const { server, refused } = await installation(t);
	server.setGuard(false);
	server.faults.inject({ resource: 'selfsubjectreviews' }, { answer: { status: 404, reason: 'NotFound' } });
	await refused(
		'GUARD_MISSING',
		/^proving the admission guard with secret "jasm\/jasm-sentinel": the replace/,
	);
});

test('a refusal by another policy, by a webhook or by validation is no proof, and is named', async t => {
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
		const by = 'message' in answer && answer.message === message ? 'the policy "owners"' : 'a webhook';
		await refused('GUARD_MISSING', new RegExp(`by ${by}.* and not by the policy of the installation$`));
	}
});

test('an API server that does not respond leaves the question open', async t => {
	const { server, refused } = await installation(t);
	server.faults.inject({ resource: 'secrets' }, { answer: answers.unavailable });
	await refused('KUBERNETES_UNAVAILABLE', /503/);
});
