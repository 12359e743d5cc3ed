// Who may read what: denied before anything is called, whatever the pod writes, and told without confirming anything.
import {
	type KubernetesObject,
	KubernetesObjectApi,
	type V1ValidatingAdmissionPolicy,
} from '@kubernetes/client-node';
import test from 'ava';
import {
	annotation,
	PROVIDER,
	startEnvironment,
	type TestEnvironment,
} from '../helpers/environment/test-environment.ts';

const rule = (namespaces: string[], paths: string[]) => ({ namespaces, provider: PROVIDER, paths });

/** A configuration that lets the namespaces of this stage read these paths. */
const allow = (environment: TestEnvironment, ...paths: string[]) => ({
	policy: [rule([`team-*-${environment.cluster.id}`], paths)],
});

/** What a denied pod is told, without what differs by its own annotation. */
async function denial(environment: TestEnvironment, namespace: string, pod: string): Promise<string> {
	const { type, note } = await environment.event(namespace, pod, 'PolicyDenied');
	return `${type}: ${note.replace(/'[^']*'/, '')}`;
}

test("another tenant's path is refused before any call, in the same words whether the secret exists or not", async t => {
	const environment = await startEnvironment(t);
	const controller = await environment.start({ config: allow(environment, '/prod/{namespace}/**') });
	const [red, blue] = [await environment.namespace('team-red'), await environment.namespace('team-blue')];
	environment.secretsManager.put(`/prod/${red}/db`, { user: 'red' });
	environment.secretsManager.put(`/prod/${blue}/db`, { user: 'blue' });
	await environment.pod(red, 'own', annotation({ path: `/prod/${red}/db`, secretName: 'own' }));
	await environment.pod(red, 'exists', annotation({ path: `/prod/${blue}/db`, secretName: 'exists' }));
	await environment.pod(red, 'missing', annotation({ path: `/prod/${blue}/nothing`, secretName: 'missing' }));
	t.is(await denial(environment, red, 'exists'), await denial(environment, red, 'missing'));
	t.deepEqual({ ...(await environment.secret(red, 'own')).data }, { user: 'red' });
	t.is(environment.secretsManager.count('GetSecretValue', `/prod/${blue}/db`), 0);
	t.is(environment.secretsManager.count('GetSecretValue', `/prod/${blue}/nothing`), 0);
	t.is(environment.world.secret(red, 'exists'), undefined);
	await controller.log.waitFor({ level: 'warn', code: 'POLICY_DENIED', secret: `${red}/exists` });
	t.true((await controller.metric('jasm_syncs_total', { outcome: 'POLICY_DENIED' })) >= 2);
});

test('patterns are anchored and compared by segment: db is not db-admin, and a star is one segment', async t => {
	const environment = await startEnvironment(t);
	await environment.start({ config: allow(environment, '/prod/db', '/shared/*/key', '/tree/**') });
	const team = await environment.namespace('team-a');
	const allowed = ['/prod/db', '/shared/x/key', '/tree/a/b/c'];
	const denied = [
		'/prod/db-admin',
		'/prod/db/admin',
		'/x/prod/db',
		'/shared/x/y/key',
		'/shared/x/key2',
		'/tree',
	];
	for (const [index, path] of [...allowed, ...denied].entries()) {
		environment.secretsManager.put(path, { path });
		await environment.pod(team, `p${index}`, annotation({ path, secretName: `s${index}` }));
	}

	for (const [index, path] of allowed.entries()) {
		t.is((await environment.secret(team, `s${index}`)).data['path'], path);
	}

	for (const [index, path] of denied.entries()) {
		await environment.event(team, `p${allowed.length + index}`, 'PolicyDenied');
		t.is(environment.secretsManager.count('GetSecretValue', path), 0, path);
	}
});

test('without a rule no namespace reads anything', async t => {
	const environment = await startEnvironment(t, { config: { policy: [] } });
	const controller = await environment.start();
	const team = await environment.namespace('team');
	environment.secretsManager.put('/prod/db', { user: 'app' });
	await environment.pod(team, 'web', annotation({ path: '/prod/db' }));
	await environment.event(team, 'web', 'PolicyDenied');
	t.is(environment.secretsManager.calls.length, 0);
	await controller.log.waitFor({ message: 'policy has no rule: no namespace may read anything' });
});

test('an ARN is read only where a rule and the allow-listed account and region say so', async t => {
	const arn = 'arn:aws:secretsmanager';
	const environment = await startEnvironment(t);
	const { accountId } = environment.secretsManager;
	const { arn: real } = environment.secretsManager.put('prod/db', { user: 'app' });
	const providers = environment.configFile() as { providers: Record<string, object> };
	await environment.start({
		config: {
			providers: { [PROVIDER]: { ...providers.providers[PROVIDER], accounts: [accountId] } },
			policy: [rule([`*-${environment.cluster.id}`], [`${arn}:eu-west-1:${accountId}:secret:prod/**`])],
		},
	});
	const team = await environment.namespace('team');
	await environment.pod(team, 'arn', annotation({ path: real }));
	t.deepEqual({ ...(await environment.secret(team, 'db')).data }, { user: 'app' });
	const refused = [
		'prod/db',
		`${arn}:eu-west-1:999999999999:secret:prod/db-AbCdEf`,
		`${arn}:us-east-1:${accountId}:secret:prod/db-AbCdEf`,
		`${arn}:eu-west-1:${accountId}:secret:other/db-AbCdEf`,
		`${arn}:eu-west-1:${accountId}:secret:prod/db`,
		`${arn}:eu-west-1:*:secret:prod/db-AbCdEf`,
		'arn:aws:ssm:eu-west-1:123456789012:parameter/prod/db',
	];
	for (const [index, path] of refused.entries()) {
		await environment.pod(team, `p${index}`, annotation({ path, secretName: `s${index}` }));
	}

	for (const [index, path] of refused.entries()) {
		const event = await environment.event(team, `p${index}`, ['PolicyDenied', 'SecretFetchFailed']);
		t.regex(event.note, /POLICY_DENIED|PROVIDER_REQUEST_INVALID/, path);
		t.is(environment.world.secret(team, `s${index}`), undefined, path);
	}

	t.is(environment.secretsManager.count('GetSecretValue'), 1);
});

test('a provider that is not configured is reported by name, in the words of the Go program', async t => {
	const environment = await startEnvironment(t);
	await environment.start();
	const team = await environment.namespace('team');
	for (const provider of ['vault', 'constructor', '__proto__']) {
		const name = `pod-${provider.replaceAll('_', '')}`;
		await environment.pod(team, name, annotation({ provider, path: '/prod/db', secretName: name }));
		const { type, note } = await environment.event(
			team,
			name,
			provider === '__proto__' ? 'AnnotationInvalid' : 'ProviderUnsupported',
		);
		t.is(type, 'Warning');
		if (provider === '__proto__') {
			t.true(note.includes('not a name of'), note);
		} else {
			t.true(note.startsWith(`Provider '${provider}' not found in registry`), note);
			t.true(note.endsWith('(PROVIDER_UNSUPPORTED): name a provider that the operator configured'), note);
		}
	}
});

test("system namespaces and JASM's own are never served, whatever the rules say", async t => {
	const environment = await startEnvironment(t);
	const path = `/prod/only-${environment.cluster.id}`;
	environment.secretsManager.put(path, { user: 'app' });
	await environment.start({ config: { policy: [rule(['*'], [path])] } });
	const name = `pod-${environment.cluster.id}`;
	for (const namespace of ['kube-system', environment.cluster.home]) {
		await environment.pod(namespace, name, annotation({ path, secretName: name }));
		t.teardown(() =>
			environment.core.deleteNamespacedPod({ namespace, name, gracePeriodSeconds: 0 }).catch(() => {}),
		);
		const { note } = await environment.event(namespace, name, 'PolicyDenied');
		t.regex(note, /NAMESPACE_EXCLUDED/);
		t.is(environment.world.secret(namespace, name), undefined);
	}

	t.is(environment.secretsManager.calls.length, 0);
});

test('a namespace that begins with kube- is served once a rule and the admission policy open it', async t => {
	const environment = await startEnvironment(t, { needsGuard: true });
	const namespace = await environment.namespace('kube-logging');
	const path = `/prod/only-${environment.cluster.id}`;
	environment.secretsManager.put(path, { user: 'app' });
	await environment.start({ config: { policy: [rule(['kube-logging-*'], [path])] } });
	await environment.pod(namespace, 'web', annotation({ path, secretName: 'web' }));
	if (environment.cluster.guarded) {
		const { note } = await environment.event(namespace, 'web', 'SecretSyncFailed');
		t.regex(note, /JASM's own admission policy does not open this namespace \(SECRET_REJECTED\)/);
		t.is(environment.world.secret(namespace, 'web'), undefined);
		await openNamespaces(environment, 'kube-logging-.*');
	}

	t.truthy(await environment.secret(namespace, 'web'));
});

/** Changes the admission policy as the installation writes it for a rule that begins with `kube-`. */
async function openNamespaces(environment: TestEnvironment, pattern: string): Promise<void> {
	const objects = KubernetesObjectApi.makeApiClient(environment.cluster.adminConfig);
	const name = environment.cluster.embedded ? 'jasm-secrets' : `${environment.cluster.home}-secrets`;
	const kind = { apiVersion: 'admissionregistration.k8s.io/v1', kind: 'ValidatingAdmissionPolicy' };
	const stored = (await objects.read({ ...kind, metadata: { name } })) as V1ValidatingAdmissionPolicy;
	const closed = "!request.namespace.startsWith('kube-')";
	for (const validation of stored.spec?.validations ?? []) {
		validation.expression = validation.expression.replace(
			closed,
			() =>
				`(${closed} || (!(request.namespace in ['kube-system', 'kube-public', 'kube-node-lease']) && request.namespace.matches('^(${pattern})$')))`,
		);
	}

	await objects.replace({ ...stored, ...kind } as KubernetesObject);
}

test('a rule that is taken back stops updates, is told once, and leaves the Secret where it is', async t => {
	const environment = await startEnvironment(t);
	const first = await environment.start();
	const team = await environment.namespace('team');
	environment.secretsManager.put('/prod/db', { user: 'first' });
	await environment.pod(team, 'web', annotation({ path: '/prod/db' }));
	const before = await environment.secret(team, 'db');
	await environment.event(team, 'web', 'SecretSyncSuccess');
	t.is(await first.stop(), undefined);
	environment.secretsManager.put('/prod/db', { user: 'second' });
	const calls = environment.secretsManager.calls.length;

	const second = await environment.start({ config: { policy: [rule(['another-team'], ['/prod/**'])] } });
	await environment.event(team, 'web', 'PolicyDenied');
	await environment.annotate(team, 'web', annotation({ path: '/prod/db', keys: { USER: 'user' } }));
	await second.log.waitFor({ code: 'POLICY_DENIED', secret: `${team}/db` }, 2);
	t.is(environment.events(team, 'web').filter(({ reason }) => reason === 'PolicyDenied').length, 1);
	t.is(environment.world.secret(team, 'db')!.resourceVersion, before.resourceVersion);
	t.is(environment.secretsManager.calls.length, calls);
	t.true((await second.metric('jasm_syncs_total', { outcome: 'POLICY_DENIED' })) >= 1);
});

test('without an identity of its own JASM reads nothing: no other identity stands in', async t => {
	const environment = await startEnvironment(t);
	const { providers } = environment.configFile() as { providers: Record<string, object> };
	await environment.start({
		config: { providers: { [PROVIDER]: { ...providers[PROVIDER], credentials: 'web-identity' } } },
	});
	const team = await environment.namespace('team');
	environment.secretsManager.put('/prod/db', { user: 'app' });
	await environment.pod(team, 'web', annotation({ path: '/prod/db' }));
	const { note } = await environment.event(team, 'web', 'SecretFetchFailed');
	t.regex(note, /PROVIDER_AUTH/);
	t.regex(note, /signing in lacks the role/);
	t.is(environment.secretsManager.calls.length, 0);
});
