// What a pod hears whose annotation has the wrong name: without a word, its user would look for hours.
import test from 'ava';
import { annotation, startEnvironment } from '../helpers/environment/test-environment.ts';

const path = '/prod/db';
const WRONG = 'jasm.codnod.io/secretsync';
const RIGHT = 'jasm.codnod.io/secret-sync';

test('a pod whose annotation has a misspelt key hears once which key was meant, and gets no Secret', async t => {
	const environment = await startEnvironment(t);
	const controller = await environment.start();
	const team = await environment.namespace('team');
	environment.secretsManager.put(path, { user: 'app' });
	await environment.pod(team, 'web', undefined, { annotations: { [WRONG]: annotation({ path }) } });
	const { type, note } = await environment.event(team, 'web', 'AnnotationInvalid');
	t.is(environment.world.secret(team, 'db'), undefined);
	t.is(type, 'Warning');
	t.is(
		note,
		`unknown annotation "${WRONG}", did you mean "${RIGHT}"? (ANNOTATION_INVALID): ` +
			'correct the name of the annotation on the pod (or its workload)',
	);
	await controller.log.waitFor({
		level: 'warn',
		message: 'unknown annotation',
		namespace: team,
		pod: 'web',
	});
	await environment.edit(team, 'pods/web', { metadata: { labels: { touched: 'yes' } } });
	await environment.barrier(team);
	t.is(environment.events(team, 'web').length, 1);
	t.is(environment.secretsManager.count('GetSecretValue', path), 0);
	t.true((await controller.metric('jasm_invalid_annotations_total')) >= 1);

	await environment.edit(team, 'pods/web', {
		metadata: { annotations: { [WRONG]: null, [RIGHT]: annotation({ path }) } },
	});
	t.deepEqual({ ...(await environment.secret(team, 'db')).data }, { user: 'app' });
	await environment.event(team, 'web', 'SecretSyncSuccess');
	t.is(environment.events(team, 'web').filter(({ reason }) => reason === 'AnnotationInvalid').length, 1);
});

test('an unknown key beside a right one is reported, and the Secret is written all the same', async t => {
	const environment = await startEnvironment(t);
	const team = await environment.namespace('team');
	environment.secretsManager.put(path, { user: 'app' });
	// There before the controller: it comes with the list.
	await environment.pod(team, 'web', annotation({ path }), { annotations: { 'jasm.codnod.io/strat': 'x' } });
	await environment.start();
	t.deepEqual({ ...(await environment.secret(team, 'db')).data }, { user: 'app' });
	await environment.event(team, 'web', 'SecretSyncSuccess');
	const { note } = await environment.event(team, 'web', 'AnnotationInvalid');
	t.regex(note, /"jasm\.codnod\.io\/strat", did you mean "jasm\.codnod\.io\/start"\?/);
});

test('a pod without any key of JASM, and one with the keys that a restart leaves, hear nothing', async t => {
	const environment = await startEnvironment(t);
	await environment.start();
	const team = await environment.namespace('team');
	const others = { 'example.com/secret-sync': 'x', 'jasm.codnod.io/restarted-for': 'abc' };
	await environment.pod(team, 'web', undefined, { annotations: others });
	await environment.barrier(team);
	t.deepEqual(environment.events(team, 'web'), []);
});
