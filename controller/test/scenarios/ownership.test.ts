// Whose Secret it is: JASM changes what carries its label and nothing else, in both profiles.
import test from 'ava';
import type { Profile } from '../helpers/installation.ts';
import { annotation, startStage } from '../helpers/stage.ts';

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
		const stage = await startStage(t, { profile, needsGuard: true });
		const controller = await stage.start();
		const team = await stage.namespace('team');
		stage.secretsManager.put('/prod/db', { user: 'ours' });
		for (const { name, type, ...rest } of FOREIGN) {
			const { data = {}, labels = {}, annotations = {} } = rest as Record<string, Record<string, string>>;
			const metadata = { name, labels, annotations };
			await stage.core.createNamespacedSecret({ namespace: team, body: { metadata, type, data } });
		}

		// The controllers of a real cluster fill in the token.
		const before = await Promise.all(
			FOREIGN.map(({ name, type }) =>
				stage.secret(team, name, ({ data }) => !type.includes('token') || !stage.real || 'token' in data),
			),
		);
		for (const { name } of FOREIGN) {
			await stage.pod(team, name, annotation({ path: '/prod/db', secretName: name }));
		}

		for (const { name } of FOREIGN) {
			const { type, note } = await stage.event(team, name, 'SecretNotOwned');
			t.is(type, 'Warning');
			t.regex(note, /SECRET_NOT_OWNED/);
			t.regex(note, /choose another secretName, or delete the existing Secret/);
			await controller.log.waitFor({ code: 'SECRET_NOT_OWNED', secret: `${team}/${name}` });
		}

		t.deepEqual(
			FOREIGN.map(({ name }) => stage.world.secret(team, name)),
			before,
		);
		t.is(await controller.metric('jasm_syncs_total', { outcome: 'SECRET_NOT_OWNED' }), FOREIGN.length);
	});

	test(`${title}, a Secret that is immutable or of another type is left as it is, and told`, async t => {
		const stage = await startStage(t, { profile, needsGuard: true });
		await stage.start();
		const team = await stage.namespace('team');
		stage.secretsManager.put('/prod/db', { user: 'ours' });
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
				code: stage.profile === 'self-heal' ? 'SECRET_IMMUTABLE' : 'SECRET_NOT_OWNED',
			},
		];
		for (const { name, content, code } of cases) {
			const body = { metadata: { name, labels: MANAGED }, ...content };
			await stage.core.createNamespacedSecret({ namespace: team, body });
			const { resourceVersion } = await stage.secret(team, name);
			await stage.pod(team, name, annotation({ path: '/prod/db', secretName: name }));
			const { note } = await stage.event(team, name, ['SecretSyncFailed', 'SecretNotOwned']);
			t.true(note.includes(code), note);
			t.is(stage.world.secret(team, name)!.resourceVersion, resourceVersion);
		}
	});
}

test('a Secret that the Go program left behind is ours: the first write replaces it whole', async t => {
	const stage = await startStage(t);
	await stage.start();
	const team = await stage.namespace('team');
	stage.secretsManager.put('/prod/db', { user: 'app' });
	const annotations = {
		'jasm.codnod.io/source-path': '/prod/db',
		'jasm.codnod.io/synced-at': '2025-11-30T10:00:00Z',
	};
	await stage.core.createNamespacedSecret({
		namespace: team,
		body: {
			metadata: { name: 'db', labels: MANAGED, annotations },
			data: { user: base64('app'), old: base64('x') },
		},
	});
	await stage.pod(team, 'web', annotation({ path: '/prod/db' }));
	const secret = await stage.secret(team, 'db', ({ data }) => !('old' in data));
	t.deepEqual({ ...secret.data }, { user: 'app' });
	t.false('jasm.codnod.io/synced-at' in secret.annotations);
	await stage.event(team, 'web', 'SecretSyncSuccess');
});

test('a Secret of every type on the allow-list is written as that type', async t => {
	const stage = await startStage(t);
	await stage.start();
	const team = await stage.namespace('team');
	const sources: Record<string, object> = {
		'kubernetes.io/tls': { 'tls.crt': 'crt', 'tls.key': 'key' },
		'kubernetes.io/basic-auth': { username: 'u', password: 'p' },
		'kubernetes.io/ssh-auth': { 'ssh-privatekey': 'key' },
		'kubernetes.io/dockerconfigjson': { '.dockerconfigjson': { auths: {} } },
		Opaque: { any: 'thing' },
	};
	for (const [index, [type, source]] of Object.entries(sources).entries()) {
		const name = `s${index}`;
		stage.secretsManager.put(`/prod/${name}`, source);
		await stage.pod(team, name, annotation({ path: `/prod/${name}`, secretName: name, type }));
		t.is((await stage.secret(team, name)).type, type);
	}
});

test.serial(
	'a foreign Secret is looked at ever more rarely, and taken over as soon as it is gone',
	async t => {
		const stage = await startStage(t, { virtualTime: true });
		const controller = await stage.start();
		const team = await stage.namespace('team');
		stage.secretsManager.put('/prod/db', { user: 'app' });
		await stage.core.createNamespacedSecret({ namespace: team, body: { metadata: { name: 'db' } } });
		await stage.pod(team, 'web', annotation({ path: '/prod/db' }));
		await stage.event(team, 'web', 'SecretNotOwned');
		await stage.clock.advance(600_000);
		const tries = controller.log.count({ code: 'SECRET_NOT_OWNED' });
		t.true(tries >= 4 && tries <= 9, `${tries} tries in ten minutes`);
		t.is(stage.events(team, 'web').length, 1);
		await stage.core.deleteNamespacedSecret({ namespace: team, name: 'db' });
		await stage.clock.advance(600_000);
		t.deepEqual({ ...(await stage.secret(team, 'db')).data }, { user: 'app' });
		await stage.event(team, 'web', 'SecretSyncSuccess');
	},
);
