// The acceptance scenarios of the specification, each told by the Secret, the Event, the log and the metric.
import test from 'ava';
import { SecretValue } from '../../src/providers/secret-value.ts';
import { annotation, startEnvironment } from '../helpers/environment/test-environment.ts';

test('an annotated pod gets a Secret in its namespace with all keys of the source', async t => {
	const environment = await startEnvironment(t);
	const controller = await environment.start();
	const team = await environment.namespace('team');
	environment.secretsManager.put('/prod/codnod/config', {
		DB_HOST: 'db',
		DB_USER: 'app',
		DB_PASSWORD: 's3cret',
	});
	await environment.pod(team, 'web', annotation({ path: '/prod/codnod/config', secretName: 'config' }));

	const secret = await environment.secret(team, 'config');
	t.deepEqual({ ...secret.data }, { DB_HOST: 'db', DB_USER: 'app', DB_PASSWORD: 's3cret' });
	t.is(secret.type, 'Opaque');
	t.is(secret.labels['app.kubernetes.io/managed-by'], 'jasm');
	t.is(secret.labels['jasm.codnod.io/provider'], 'aws-secretsmanager');
	t.is(secret.annotations['jasm.codnod.io/source-path'], '/prod/codnod/config');
	t.regex(secret.annotations['jasm.codnod.io/source-version']!, /^[0-9a-f-]{36}$/);
	const { type, note } = await environment.event(team, 'web', 'SecretSyncSuccess');
	t.is(type, 'Normal');
	t.is(note, "Successfully synchronized secret 'config' from aws-secretsmanager (path: /prod/codnod/config)");
	await controller.log.waitFor({ level: 'info', message: 'secret synced', secret: `${team}/config` });
	t.is(await controller.metric('jasm_syncs_total', { outcome: 'Success' }), 1);
});

test('a pod that was there before the controller gets its Secret as well', async t => {
	const environment = await startEnvironment(t);
	const team = await environment.namespace('team');
	environment.secretsManager.put('/prod/db', { user: 'app' });
	await environment.pod(team, 'web', annotation({ path: '/prod/db' }));
	await environment.start();
	t.deepEqual({ ...(await environment.secret(team, 'db')).data }, { user: 'app' });
	await environment.event(team, 'web', 'SecretSyncSuccess');
});

test('an annotation that is added to a running pod gets the pod its Secret', async t => {
	const environment = await startEnvironment(t);
	await environment.start();
	const team = await environment.namespace('team');
	environment.secretsManager.put('/prod/db', { user: 'app' });
	await environment.pod(team, 'web');
	await environment.annotate(team, 'web', annotation({ path: '/prod/db' }));
	t.deepEqual({ ...(await environment.secret(team, 'db')).data }, { user: 'app' });
});

test('one annotation may list several Secrets, with mapped keys, a whole payload and a pinned version', async t => {
	const environment = await startEnvironment(t);
	await environment.start();
	const team = await environment.namespace('team');
	const { versionId } = environment.secretsManager.put('/prod/db', { user: 'old', password: 'first' });
	environment.secretsManager.put('/prod/db', { user: 'app', password: 'second', host: 'db' });
	environment.secretsManager.put('/prod/licence', 'plain text, not JSON');
	const list = [
		{ path: '/prod/db', secretName: 'mapped', keys: { PASSWORD: 'password' } },
		{ path: '/prod/db', secretName: 'pinned', version: versionId },
		{ path: '/prod/licence', secretName: 'licence', key: 'licence.txt' },
	];
	await environment.pod(team, 'web', `[${list.map(annotation).join(', ')}]`);
	t.deepEqual({ ...(await environment.secret(team, 'mapped')).data }, { PASSWORD: 'second' });
	t.deepEqual({ ...(await environment.secret(team, 'pinned')).data }, { user: 'old', password: 'first' });
	t.deepEqual(
		{ ...(await environment.secret(team, 'licence')).data },
		{ 'licence.txt': 'plain text, not JSON' },
	);
	await environment.event(team, 'web', 'SecretSyncSuccess', 3);
});

test('pods of several namespaces that name one path get a copy each, and nothing is written elsewhere', async t => {
	const environment = await startEnvironment(t);
	await environment.start();
	environment.secretsManager.put('/prod/shared', { key: 'value' });
	const namespaces = await Promise.all(['red', 'green', 'blue'].map(name => environment.namespace(name)));
	for (const namespace of namespaces) {
		await environment.pod(namespace, 'web', annotation({ path: '/prod/shared', secretName: 'copy' }));
	}

	for (const namespace of namespaces) {
		t.deepEqual({ ...(await environment.secret(namespace, 'copy')).data }, { key: 'value' });
		await environment.event(namespace, 'web', 'SecretSyncSuccess');
	}

	const written = environment.world.secrets().filter(({ name }) => name === 'copy');
	t.deepEqual(
		written.map(({ namespace }) => namespace).filter(name => !name.endsWith(environment.cluster.id)),
		[],
	);
	t.is(new Set(written.map(({ uid }) => uid)).size, written.length);
});

test('a copy belongs to its namespace: what happens to one is not seen by the other', async t => {
	const environment = await startEnvironment(t);
	await environment.start();
	environment.secretsManager.put('/prod/shared', { key: 'first' });
	const [red, blue] = [await environment.namespace('red'), await environment.namespace('blue')];
	await environment.pod(red, 'web', annotation({ path: '/prod/shared' }));
	await environment.pod(blue, 'web', annotation({ path: '/prod/shared' }));
	const before = await environment.secret(blue, 'db');
	await environment.secret(red, 'db');
	environment.secretsManager.put('/prod/shared', { key: 'second' });
	await environment.pod(red, 'web-2', annotation({ path: '/prod/shared' }));
	t.is((await environment.secret(red, 'db', ({ data }) => data['key'] === 'second')).data['key'], 'second');
	t.is(environment.world.secret(blue, 'db')!.resourceVersion, before.resourceVersion);
});

test('no annotation reaches another namespace: secretName is a name and nothing more', async t => {
	const environment = await startEnvironment(t);
	await environment.start();
	const [red, blue] = [await environment.namespace('red'), await environment.namespace('blue')];
	environment.secretsManager.put('/prod/db', { user: 'app' });
	for (const [index, secretName] of [`${blue}/db`, `../${blue}/db`, `db?namespace=${blue}`].entries()) {
		await environment.pod(red, `pod-${index}`, annotation({ path: '/prod/db', secretName }));
		await environment.event(red, `pod-${index}`, 'AnnotationInvalid');
	}

	await environment.barrier(red);
	t.deepEqual(
		environment.world.secrets(blue).filter(({ name }) => name === 'db'),
		[],
	);
});

test('a source that changed is read again for the next pod with the same annotation', async t => {
	const environment = await startEnvironment(t);
	const controller = await environment.start();
	const team = await environment.namespace('team');
	environment.secretsManager.put('/prod/db', { password: 'first', gone: 'soon' });
	await environment.pod(team, 'web-1', annotation({ path: '/prod/db' }));
	const before = await environment.secret(team, 'db');
	await environment.event(team, 'web-1', 'SecretSyncSuccess');
	const { versionId } = environment.secretsManager.put('/prod/db', { password: 'second', added: 'now' });
	await environment.pod(team, 'web-2', annotation({ path: '/prod/db' }));
	const after = await environment.secret(
		team,
		'db',
		({ resourceVersion }) => resourceVersion !== before.resourceVersion,
	);
	t.deepEqual({ ...after.data }, { password: 'second', added: 'now' });
	t.is(after.uid, before.uid);
	t.is(after.annotations['jasm.codnod.io/source-version'], versionId);
	await environment.event(team, 'web-2', 'SecretSyncSuccess');
	t.is(await controller.metric('jasm_syncs_total', { outcome: 'Success' }), 2);
});

test('a Secret that was edited by hand holds exactly what the source holds after the next pod', async t => {
	const environment = await startEnvironment(t);
	await environment.start();
	const team = await environment.namespace('team');
	environment.secretsManager.put('/prod/db', { user: 'app', password: 'right' });
	await environment.pod(team, 'web-1', annotation({ path: '/prod/db' }));
	await environment.secret(team, 'db');
	await environment.event(team, 'web-1', 'SecretSyncSuccess');
	const base64 = (text: string) => Buffer.from(text).toString('base64');
	await environment.edit(team, 'secrets/db', {
		data: { user: null, password: base64('wrong'), extra: base64('x') },
	});
	await environment.pod(team, 'web-2', annotation({ path: '/prod/db' }));
	const after = await environment.secret(team, 'db', ({ data }) => data['password'] === 'right');
	t.deepEqual({ ...after.data }, { user: 'app', password: 'right' });
});

test('a path that does not exist is told to the pod and in the log, and nothing is written', async t => {
	const environment = await startEnvironment(t);
	const controller = await environment.start();
	const team = await environment.namespace('team');
	await environment.pod(team, 'web', annotation({ path: '/prod/missing' }));
	const { type, note } = await environment.event(team, 'web', 'SecretFetchFailed');
	t.is(type, 'Warning');
	t.regex(
		note,
		/^Failed to fetch secret from aws-secretsmanager \(path: \/prod\/missing\): .*SECRET_NOT_FOUND/,
	);
	t.regex(note, /create the secret or correct the path/);
	const line = await controller.log.waitFor({
		level: 'warn',
		code: 'SECRET_NOT_FOUND',
		secret: `${team}/db`,
	});
	t.is(line['path'], '/prod/missing');
	t.is(environment.world.secret(team, 'db'), undefined);
	t.true((await controller.metric('jasm_syncs_total', { outcome: 'SECRET_NOT_FOUND' })) >= 1);
});

test('a refused read names the permissions that it takes, and no account, role or request in its Event', async t => {
	const environment = await startEnvironment(t, {
		secretsManager: { allow: name => !name.includes('closed') },
	});
	const controller = await environment.start();
	const team = await environment.namespace('team');
	environment.secretsManager.put('/prod/closed', { user: 'app' });
	await environment.pod(team, 'web', annotation({ path: '/prod/closed' }));
	const { note } = await environment.event(team, 'web', 'SecretFetchFailed');
	t.regex(note, /PROVIDER_DENIED/);
	t.notRegex(note, /\d{12}|arn:|assumed-role|[0-9a-f]{8}-[0-9a-f]{4}/);
	const { error } = await controller.log.waitFor({ code: 'PROVIDER_DENIED', secret: `${team}/db` });
	t.regex(error!.message!, /secretsmanager:GetSecretValue/);
	t.regex(error!.message!, /kms:Decrypt/);
	t.is(environment.world.secret(team, 'db'), undefined);
});

test('a new provider is a plugin: an embedding program brings it along and the core stays as it is', async t => {
	const environment = await startEnvironment(t);
	const team = await environment.namespace('team');
	const asked: string[] = [];
	await environment.start({
		config: { policy: [{ namespaces: [team], provider: 'own', paths: ['/prod/**'] }] },
		providers: {
			own: {
				async read({ path }) {
					asked.push(path);
					return new SecretValue({ payload: Buffer.from('{"from":"own"}'), version: '7' });
				},
			},
		},
	});
	await environment.pod(team, 'web', annotation({ provider: 'own', path: '/prod/x' }));
	const secret = await environment.secret(team, 'db');
	t.deepEqual({ ...secret.data }, { from: 'own' });
	t.is(secret.labels['jasm.codnod.io/provider'], 'own');
	t.deepEqual(asked, ['/prod/x']);
});
