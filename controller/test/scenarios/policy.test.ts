// Who may read what: denied before anything is called, whatever the pod writes, and told without confirming anything.
import test from 'ava';
import { annotation, PROVIDER, type Stage, startStage } from '../helpers/stage.ts';

const rule = (namespaces: string[], paths: string[]) => ({ namespaces, provider: PROVIDER, paths });

/** A configuration that lets the namespaces of this stage read these paths. */
const allow = (stage: Stage, ...paths: string[]) => ({
	policy: [rule([`team-*-${stage.cluster.id}`], paths)],
});

/** What a denied pod is told, without what differs by its own annotation. */
async function denial(stage: Stage, namespace: string, pod: string): Promise<string> {
	const { type, note } = await stage.event(namespace, pod, 'PolicyDenied');
	return `${type}: ${note.replace(/'[^']*'/, '')}`;
}

test("another tenant's path is refused before any call, in the same words whether the secret exists or not", async t => {
	const stage = await startStage(t);
	const controller = await stage.start({ config: allow(stage, '/prod/{namespace}/**') });
	const [red, blue] = [await stage.namespace('team-red'), await stage.namespace('team-blue')];
	stage.secretsManager.put(`/prod/${red}/db`, { user: 'red' });
	stage.secretsManager.put(`/prod/${blue}/db`, { user: 'blue' });
	await stage.pod(red, 'own', annotation({ path: `/prod/${red}/db`, secretName: 'own' }));
	await stage.pod(red, 'exists', annotation({ path: `/prod/${blue}/db`, secretName: 'exists' }));
	await stage.pod(red, 'missing', annotation({ path: `/prod/${blue}/nothing`, secretName: 'missing' }));
	t.is(await denial(stage, red, 'exists'), await denial(stage, red, 'missing'));
	t.deepEqual({ ...(await stage.secret(red, 'own')).data }, { user: 'red' });
	t.is(stage.secretsManager.count('GetSecretValue', `/prod/${blue}/db`), 0);
	t.is(stage.secretsManager.count('GetSecretValue', `/prod/${blue}/nothing`), 0);
	t.is(stage.world.secret(red, 'exists'), undefined);
	await controller.log.waitFor({ level: 'warn', code: 'POLICY_DENIED', secret: `${red}/exists` });
	t.true((await controller.metric('jasm_syncs_total', { outcome: 'POLICY_DENIED' })) >= 2);
});

test('patterns are anchored and compared by segment: db is not db-admin, and a star is one segment', async t => {
	const stage = await startStage(t);
	await stage.start({ config: allow(stage, '/prod/db', '/shared/*/key', '/tree/**') });
	const team = await stage.namespace('team-a');
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
		stage.secretsManager.put(path, { path });
		await stage.pod(team, `p${index}`, annotation({ path, secretName: `s${index}` }));
	}

	for (const [index, path] of allowed.entries()) {
		t.is((await stage.secret(team, `s${index}`)).data['path'], path);
	}

	for (const [index, path] of denied.entries()) {
		await stage.event(team, `p${allowed.length + index}`, 'PolicyDenied');
		t.is(stage.secretsManager.count('GetSecretValue', path), 0, path);
	}
});

test('without a rule nobody reads anything', async t => {
	const stage = await startStage(t, { config: { policy: [] } });
	const controller = await stage.start();
	const team = await stage.namespace('team');
	stage.secretsManager.put('/prod/db', { user: 'app' });
	await stage.pod(team, 'web', annotation({ path: '/prod/db' }));
	await stage.event(team, 'web', 'PolicyDenied');
	t.is(stage.secretsManager.calls.length, 0);
	await controller.log.waitFor({ message: 'policy has no rule: no namespace may read anything' });
});

test('an ARN is read only where a rule and the allow-listed account and region say so', async t => {
	const arn = 'arn:aws:secretsmanager';
	const stage = await startStage(t);
	const { accountId } = stage.secretsManager;
	const { arn: real } = stage.secretsManager.put('prod/db', { user: 'app' });
	const providers = stage.configFile() as { providers: Record<string, object> };
	await stage.start({
		config: {
			providers: { [PROVIDER]: { ...providers.providers[PROVIDER], accounts: [accountId] } },
			policy: [rule([`*-${stage.cluster.id}`], [`${arn}:eu-west-1:${accountId}:secret:prod/**`])],
		},
	});
	const team = await stage.namespace('team');
	await stage.pod(team, 'arn', annotation({ path: real }));
	t.deepEqual({ ...(await stage.secret(team, 'db')).data }, { user: 'app' });
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
		await stage.pod(team, `p${index}`, annotation({ path, secretName: `s${index}` }));
	}

	for (const [index, path] of refused.entries()) {
		const event = await stage.event(team, `p${index}`, ['PolicyDenied', 'SecretFetchFailed']);
		t.regex(event.note, /POLICY_DENIED|PROVIDER_REQUEST_INVALID/, path);
		t.is(stage.world.secret(team, `s${index}`), undefined, path);
	}

	t.is(stage.secretsManager.count('GetSecretValue'), 1);
});

test('a provider that nobody configured is told by name, as the Go program told it', async t => {
	const stage = await startStage(t);
	await stage.start();
	const team = await stage.namespace('team');
	for (const provider of ['vault', 'constructor', '__proto__']) {
		const name = `pod-${provider.replaceAll('_', '')}`;
		await stage.pod(team, name, annotation({ provider, path: '/prod/db', secretName: name }));
		const { type, note } = await stage.event(
			team,
			name,
			provider === '__proto__' ? 'AnnotationInvalid' : 'ProviderUnsupported',
		);
		t.is(type, 'Warning');
		t.true(
			note.includes(
				provider === '__proto__' ? 'not a name of' : `Provider '${provider}' not found in registry`,
			),
		);
	}
});

test("system namespaces and JASM's own are never served, whatever the rules say", async t => {
	const stage = await startStage(t);
	const path = `/prod/only-${stage.cluster.id}`;
	stage.secretsManager.put(path, { user: 'app' });
	await stage.start({ config: { policy: [rule(['*'], [path])] } });
	const name = `pod-${stage.cluster.id}`;
	for (const namespace of ['kube-system', stage.cluster.home]) {
		await stage.pod(namespace, name, annotation({ path, secretName: name }));
		t.teardown(() =>
			stage.core.deleteNamespacedPod({ namespace, name, gracePeriodSeconds: 0 }).catch(() => {}),
		);
		const { note } = await stage.event(namespace, name, 'PolicyDenied');
		t.regex(note, /NAMESPACE_EXCLUDED/);
		t.is(stage.world.secret(namespace, name), undefined);
	}

	t.is(stage.secretsManager.calls.length, 0);
});

test('a rule that is taken back stops updates, is told once, and leaves the Secret where it is', async t => {
	const stage = await startStage(t);
	const first = await stage.start();
	const team = await stage.namespace('team');
	stage.secretsManager.put('/prod/db', { user: 'first' });
	await stage.pod(team, 'web', annotation({ path: '/prod/db' }));
	const before = await stage.secret(team, 'db');
	await stage.event(team, 'web', 'SecretSyncSuccess');
	t.is(await first.stop(), undefined);
	stage.secretsManager.put('/prod/db', { user: 'second' });
	const calls = stage.secretsManager.calls.length;

	const second = await stage.start({ config: { policy: [rule(['nobody'], ['/prod/**'])] } });
	await stage.event(team, 'web', 'PolicyDenied');
	await stage.annotate(team, 'web', annotation({ path: '/prod/db', keys: { USER: 'user' } }));
	await second.log.waitFor({ code: 'POLICY_DENIED', secret: `${team}/db` }, 2);
	t.is(stage.events(team, 'web').filter(({ reason }) => reason === 'PolicyDenied').length, 1);
	t.is(stage.world.secret(team, 'db')!.resourceVersion, before.resourceVersion);
	t.is(stage.secretsManager.calls.length, calls);
	t.true((await second.metric('jasm_syncs_total', { outcome: 'POLICY_DENIED' })) >= 1);
});

test('without an identity of its own JASM reads nothing: no other identity stands in', async t => {
	const stage = await startStage(t);
	const { providers } = stage.configFile() as { providers: Record<string, object> };
	await stage.start({
		config: { providers: { [PROVIDER]: { ...providers[PROVIDER], credentials: 'web-identity' } } },
	});
	const team = await stage.namespace('team');
	stage.secretsManager.put('/prod/db', { user: 'app' });
	await stage.pod(team, 'web', annotation({ path: '/prod/db' }));
	const { note } = await stage.event(team, 'web', 'SecretFetchFailed');
	t.regex(note, /PROVIDER_AUTH/);
	t.regex(note, /signing in lacks the role/);
	t.is(stage.secretsManager.calls.length, 0);
});
