// Whose Secret it is: JASM changes what carries its label and nothing else, in both profiles.
import test from 'ava';
import { KEY, LEAF } from '../certificates/files.ts';
import type { Profile } from '../helpers/environment/installation.ts';
import { annotation, startEnvironment } from '../helpers/environment/test-environment.ts';

const base64 = (text: string) => Buffer.from(text).toString('base64');
const MANAGED = { 'app.kubernetes.io/managed-by': 'jasm' };

const FOREIGN = [
	{ name: 'opaque', type: 'Opaque', data: { user: base64('theirs') } },
	{ name: 'tls', type: 'kubernetes.io/tls', data: { 'tls.crt': base64('crt'), 'tls.key': base64('key') } },
	{ name: 'helm', type: 'helm.sh/release.v1', data: { release: base64('H4sI') } },
	{
		name: 'token',
		type: 'kubernetes.io/service-account-token',
		annotations: { 'kubernetes.io/service-account.name': 'default' },
	},
	{ name: 'labelled', type: 'Opaque', labels: { 'app.kubernetes.io/managed-by': 'Helm' } },
] as const;

for (const [profile, title] of [
	['self-heal', 'self-heal: by its own check'],
	['write-only', 'write-only: by the admission policy (needs Kubernetes 1.30; below it self-heal runs)'],
] satisfies [Profile, string][]) {
	test(`${title}, a Secret that JASM does not own is refused and stays untouched`, async t => {
		const environment = await startEnvironment(t, { profile, needsGuard: true });
		const controller = await environment.start();
		const team = await environment.namespace('team');
		environment.secretsManager.put('/prod/db', { user: 'ours' });
		for (const { name, type, ...rest } of FOREIGN) {
			const { data = {}, labels = {}, annotations = {} } = rest as Record<string, Record<string, string>>;
			const metadata = { name, labels, annotations };
			await environment.core.createNamespacedSecret({ namespace: team, body: { metadata, type, data } });
		}

		// The controllers of a real cluster fill in the token.
		const before = await Promise.all(
			FOREIGN.map(({ name, type }) =>
				environment.secret(
					team,
					name,
					({ data }) => !type.includes('token') || !environment.real || 'token' in data,
				),
			),
		);
		for (const { name } of FOREIGN) {
			await environment.pod(team, name, annotation({ path: '/prod/db', secretName: name }));
		}

		for (const { name } of FOREIGN) {
			const { type, note } = await environment.event(team, name, 'SecretNotOwned');
			t.is(type, 'Warning');
			t.regex(note, /SECRET_NOT_OWNED/);
			t.regex(note, /choose another secretName, or delete the existing Secret/);
			await controller.log.waitFor({ code: 'SECRET_NOT_OWNED', secret: `${team}/${name}` });
		}

		t.deepEqual(
			FOREIGN.map(({ name }) => environment.world.secret(team, name)),
			before,
		);
		t.is(await controller.metric('jasm_syncs_total', { outcome: 'SECRET_NOT_OWNED' }), FOREIGN.length);
	});

	test(`${title}, a Secret that is immutable or of another type is left as it is, and told`, async t => {
		const environment = await startEnvironment(t, { profile, needsGuard: true });
		await environment.start();
		const team = await environment.namespace('team');
		environment.secretsManager.put('/prod/db', { user: 'ours' });
		const cases = [
			{
				name: 'frozen',
				content: { immutable: true, data: { user: base64('old') } },
				code: 'SECRET_IMMUTABLE',
			},
			{
				name: 'typed',
				content: { type: 'kubernetes.io/basic-auth', data: { username: base64('old') } },
				// Without the right to look, JASM cannot know that it wrote this one itself.
				code: environment.profile === 'self-heal' ? 'SECRET_IMMUTABLE' : 'SECRET_NOT_OWNED',
			},
		];
		for (const { name, content, code } of cases) {
			const body = { metadata: { name, labels: MANAGED }, ...content };
			await environment.core.createNamespacedSecret({ namespace: team, body });
			const { resourceVersion } = await environment.secret(team, name);
			await environment.pod(team, name, annotation({ path: '/prod/db', secretName: name }));
			const { note } = await environment.event(team, name, ['SecretSyncFailed', 'SecretNotOwned']);
			t.true(note.includes(code), note);
			t.is(environment.world.secret(team, name)!.resourceVersion, resourceVersion);
		}
	});
}

test('a Secret that the Go program left behind is ours: the first write replaces it whole', async t => {
	const environment = await startEnvironment(t);
	await environment.start();
	const team = await environment.namespace('team');
	environment.secretsManager.put('/prod/db', { user: 'app' });
	const annotations = {
		'jasm.codnod.io/source-path': '/prod/db',
		'jasm.codnod.io/synced-at': '2025-11-30T10:00:00Z',
	};
	await environment.core.createNamespacedSecret({
		namespace: team,
		body: {
			metadata: { name: 'db', labels: MANAGED, annotations },
			data: { user: base64('app'), old: base64('x') },
		},
	});
	await environment.pod(team, 'web', annotation({ path: '/prod/db' }));
	const secret = await environment.secret(team, 'db', ({ data }) => !('old' in data));
	t.deepEqual({ ...secret.data }, { user: 'app' });
	t.false('jasm.codnod.io/synced-at' in secret.annotations);
	await environment.event(team, 'web', 'SecretSyncSuccess');
});

test('a Secret of every type on the allow-list is written as that type', async t => {
	const environment = await startEnvironment(t);
	await environment.start();
	const team = await environment.namespace('team');
	const sources: Record<string, object> = {
		'kubernetes.io/tls': { 'tls.crt': LEAF, 'tls.key': KEY },
		'kubernetes.io/basic-auth': { username: 'u', password: 'p' },
		'kubernetes.io/ssh-auth': { 'ssh-privatekey': 'key' },
		'kubernetes.io/dockerconfigjson': { '.dockerconfigjson': { auths: {} } },
		Opaque: { any: 'thing' },
	};
	for (const [index, [type, source]] of Object.entries(sources).entries()) {
		const name = `s${index}`;
		environment.secretsManager.put(`/prod/${name}`, source);
		await environment.pod(team, name, annotation({ path: `/prod/${name}`, secretName: name, type }));
		t.is((await environment.secret(team, name)).type, type);
	}
});

test.serial(
	'a foreign Secret is looked at ever more rarely, and taken over as soon as it is gone',
	async t => {
		const environment = await startEnvironment(t, { virtualTime: true });
		const controller = await environment.start();
		const team = await environment.namespace('team');
		environment.secretsManager.put('/prod/db', { user: 'app' });
		await environment.core.createNamespacedSecret({ namespace: team, body: { metadata: { name: 'db' } } });
		await environment.pod(team, 'web', annotation({ path: '/prod/db' }));
		await environment.event(team, 'web', 'SecretNotOwned');
		await environment.clock.advance(600_000);
		const tries = controller.log.count({ code: 'SECRET_NOT_OWNED' });
		t.true(tries >= 4 && tries <= 9, `${tries} tries in ten minutes`);
		t.is(environment.events(team, 'web').length, 1);
		await environment.core.deleteNamespacedSecret({ namespace: team, name: 'db' });
		await environment.clock.advance(600_000);
		t.deepEqual({ ...(await environment.secret(team, 'db')).data }, { user: 'app' });
		await environment.event(team, 'web', 'SecretSyncSuccess');
	},
);
