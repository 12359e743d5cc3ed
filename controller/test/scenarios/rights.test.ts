// What the installation's ServiceAccount token can do in the hands of an attacker who owns the process.
import test from 'ava';
import { startEnvironment, type TestEnvironment } from '../helpers/environment/test-environment.ts';

const VALUE = 'the-value-that-must-stay-hidden';
const base64 = (text: string) => Buffer.from(text).toString('base64');
const PATCHES = {
	json: 'application/json-patch+json',
	merge: 'application/merge-patch+json',
	strategic: 'application/strategic-merge-patch+json',
	apply: 'application/apply-patch+yaml',
} as const;

/** A foreign Secret and one of JASM's own, both with the value. */
async function treasures(environment: TestEnvironment): Promise<string> {
	const team = await environment.namespace('team');
	for (const [name, owner] of Object.entries({ foreign: 'Helm', own: 'jasm' })) {
		const metadata = { name, labels: { 'app.kubernetes.io/managed-by': owner } };
		await environment.core.createNamespacedSecret({
			namespace: team,
			body: { metadata, data: { password: base64(VALUE) } },
		});
	}

	return team;
}

/** Every way to ask for a Secret but `create` and `update`, with the trick requests that read by being refused. */
function attempts(namespace: string, name: string) {
	const collection = `/api/v1/namespaces/${namespace}/secrets`;
	const path = `${collection}/${name}`;
	const copy = [{ op: 'copy', from: '/data/password', path: '/type' }];
	const copyToLabel = [{ op: 'copy', from: '/data/password', path: '/metadata/labels/x' }];
	const oracle = [{ op: 'test', path: '/data/password', value: base64(VALUE) }];
	const patch = (contentType: string, body: unknown) => ({
		method: 'PATCH',
		path: `${path}?fieldManager=x`,
		contentType,
		body,
	});
	return [
		{ method: 'GET', path },
		{ method: 'GET', path, accept: 'application/json;as=PartialObjectMetadata;g=meta.k8s.io;v=v1' },
		{ method: 'GET', path: collection },
		{ method: 'GET', path: '/api/v1/secrets' },
		{ method: 'GET', path: `${collection}?watch=1&timeoutSeconds=1` },
		{ method: 'GET', path: `/api/v1/watch/namespaces/${namespace}/secrets?timeoutSeconds=1` },
		{ method: 'DELETE', path },
		{ method: 'DELETE', path: collection },
		patch(PATCHES.json, copy),
		patch(PATCHES.json, copyToLabel),
		patch(PATCHES.json, oracle),
		patch(PATCHES.merge, { metadata: { labels: { 'app.kubernetes.io/managed-by': 'jasm' } } }),
		patch(PATCHES.strategic, { data: { password: null } }),
		patch(PATCHES.apply, { apiVersion: 'v1', kind: 'Secret', metadata: { name } }),
	];
}

test('in write-only every verb on Secrets but create and update is refused, and no answer holds a value', async t => {
	const environment = await startEnvironment(t);
	const team = await treasures(environment);
	const token = await environment.cluster.createToken();
	for (const name of ['foreign', 'own']) {
		const before = await environment.secret(team, name);
		for (const attempt of attempts(team, name)) {
			const { status, text } = await environment.request(attempt, token);
			t.is(status, 403, `${attempt.method} ${attempt.path}`);
			t.false(text.includes(VALUE) || text.includes(base64(VALUE)));
		}

		t.deepEqual(environment.world.secret(team, name), before);
	}
});

test('in self-heal Secrets can be read, but still be neither patched nor deleted', async t => {
	const environment = await startEnvironment(t, { profile: 'self-heal' });
	const team = await treasures(environment);
	const token = await environment.cluster.createToken();
	const before = await environment.secret(team, 'foreign');
	for (const attempt of attempts(team, 'foreign').filter(({ method }) => method !== 'GET')) {
		t.is((await environment.request(attempt, token)).status, 403, `${attempt.method} ${attempt.path}`);
	}

	t.deepEqual(environment.world.secret(team, 'foreign'), before);
});

test('the token opens nothing but pods, its Secrets, Events and its own Lease', async t => {
	for (const profile of ['write-only', 'self-heal'] as const) {
		const environment = await startEnvironment(t, { profile });
		const team = await environment.namespace('team');
		await environment.pod(team, 'web');
		const token = await environment.cluster.createToken();
		const named = `/api/v1/namespaces/${team}`;
		for (const [method, path] of [
			['GET', `${named}/pods/web`],
			['DELETE', `${named}/pods/web`],
			['POST', `${named}/pods`],
			['GET', `${named}/configmaps`],
			['POST', `${named}/serviceaccounts/default/token`],
			['GET', '/api/v1/nodes'],
			['GET', '/api/v1/namespaces'],
			['GET', '/apis/apps/v1/deployments'],
			['GET', `/apis/coordination.k8s.io/v1/namespaces/${team}/leases`],
			['GET', `/apis/coordination.k8s.io/v1/namespaces/${environment.cluster.home}/leases/other`],
			['POST', '/apis/rbac.authorization.k8s.io/v1/clusterrolebindings'],
			['GET', '/apis/events.k8s.io/v1/events'],
		] as const) {
			const body = method === 'GET' ? undefined : {};
			t.is((await environment.request({ method, path, body }, token)).status, 403, `${method} ${path}`);
		}
	}
});

test("the guard (needs Kubernetes 1.30; below it write-only refuses to run) refuses every write that is not JASM's", async t => {
	const environment = await startEnvironment(t);
	if (!environment.cluster.guarded) {
		const controller = await environment.start({ argv: ['--allow-unguarded=false'], wait: false });
		t.like(await controller.ended, { code: 'GUARD_MISSING' });
		return;
	}

	const team = await treasures(environment);
	const token = await environment.cluster.createToken();
	const labels = { 'app.kubernetes.io/managed-by': 'jasm' };
	const put = (namespace: string, name: string, content: object, query = '') => ({
		method: 'PUT',
		path: `/api/v1/namespaces/${namespace}/secrets/${name}?fieldManager=x${query}`,
		body: { metadata: { name }, data: {}, ...content },
	});
	const post = (namespace: string, content: object) => ({
		method: 'POST',
		path: `/api/v1/namespaces/${namespace}/secrets`,
		body: { metadata: { name: 'new', labels }, ...content },
	});
	const owned = { metadata: { name: 'foreign', labels } };
	const before = [await environment.secret(team, 'foreign'), await environment.secret(team, 'own')];
	const token_ = 'kubernetes.io/service-account-token';
	for (const attempt of [
		put(team, 'foreign', owned),
		put(team, 'foreign', owned, '&dryRun=All'),
		put(team, 'foreign', { ...owned, type: 'kubernetes.io/tls' }),
		put(team, 'foreign', { metadata: { ...owned.metadata, uid: 'wrong' } }),
		put(team, 'foreign', { metadata: { ...owned.metadata, resourceVersion: '1' } }),
		put(team, 'own', { metadata: { name: 'own' } }),
		put(environment.cluster.home, 'jasm-sentinel', { metadata: { name: 'jasm-sentinel', labels } }),
		post(team, { metadata: { name: 'new' } }),
		post(team, {
			metadata: { name: 'new', labels, annotations: { 'kubernetes.io/service-account.name': 'default' } },
			type: token_,
		}),
		post(team, { type: 'bootstrap.kubernetes.io/token' }),
		post(team, { type: 'helm.sh/release.v1' }),
		post('kube-system', {}),
		post(environment.cluster.home, {}),
	]) {
		const { status, text } = await environment.request(attempt, token);
		t.true([403, 409, 422].includes(status), `${attempt.method} ${attempt.path} ${status} ${text}`);
		t.false(text.includes(VALUE) || text.includes(base64(VALUE)), text);
	}

	t.deepEqual([environment.world.secret(team, 'foreign'), environment.world.secret(team, 'own')], before);
	t.is(
		(await environment.request(put(team, 'own', { metadata: { name: 'own', labels } }), token)).status,
		200,
	);
	t.is((await environment.request(post(team, {}), token)).status, 201);
});
