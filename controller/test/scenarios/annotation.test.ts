// What a pod may write into its annotation, and what happens to any other content.
import test from 'ava';
import { annotation, PROVIDER, startEnvironment } from '../helpers/environment/test-environment.ts';

const path = '/prod/db';

test('a malformed annotation is reported to the pod once and causes no call until it changes', async t => {
	const environment = await startEnvironment(t);
	const controller = await environment.start();
	const team = await environment.namespace('team');
	environment.secretsManager.put(path, { user: 'app' });
	await environment.pod(team, 'web', 'provider: [');
	const { type, note } = await environment.event(team, 'web', 'AnnotationInvalid');
	t.is(type, 'Warning');
	t.regex(note, /^Invalid secret sync annotation: failed to parse annotation YAML: /);
	await controller.log.waitFor({ level: 'warn', message: 'annotation refused', namespace: team, pod: 'web' });
	await environment.edit(team, 'pods/web', { metadata: { labels: { touched: 'yes' } } });
	await environment.barrier(team);
	t.is(environment.events(team, 'web').length, 1);
	t.is(environment.secretsManager.count('GetSecretValue', path), 0);
	t.true((await controller.metric('jasm_invalid_annotations_total')) >= 1);

	await environment.annotate(team, 'web', annotation({ path }));
	t.deepEqual({ ...(await environment.secret(team, 'db')).data }, { user: 'app' });
	await environment.event(team, 'web', 'SecretSyncSuccess');
});

test('an annotation that becomes malformed leaves the Secret as it is, and says so', async t => {
	const environment = await startEnvironment(t);
	await environment.start();
	const team = await environment.namespace('team');
	environment.secretsManager.put(path, { user: 'app' });
	await environment.pod(team, 'web', annotation({ path }));
	const before = await environment.secret(team, 'db');
	await environment.annotate(team, 'web', 'provider: x');
	await environment.event(team, 'web', 'AnnotationInvalid');
	t.is(environment.world.secret(team, 'db')!.resourceVersion, before.resourceVersion);
});

/** Annotation, and what its Event says after "Invalid secret sync annotation: ". */
const REFUSED: Readonly<Record<string, readonly [string, RegExp]>> = {
	'is empty': ['', /^annotation value is empty/],
	'is only a comment': ['# nothing', /^provider field is required/],
	'has no provider': [`path: ${path}`, /^provider field is required/],
	'has no path': [`provider: ${PROVIDER}`, /^path field is required/],
	'has no secretName': [`provider: ${PROVIDER}\npath: ${path}`, /^secretName field is required/],
	'names an invalid Secret': [
		annotation({ path, secretName: 'Not_A_Name' }),
		/secretName "Not_A_Name" is not/,
	],
	'has an unknown field': [annotation({ path, secretname: 'x' }), /did you mean "secretName"\?/],
	'names an endpoint': [annotation({ path, endpoint: 'http://169.254.169.254' }), /unknown field "endpoint"/],
	'names a role': [annotation({ path, roleArn: 'arn:aws:iam::1:role/x' }), /unknown field "roleArn"/],
	'names a region': [annotation({ path, region: 'us-east-1' }), /unknown field "region"/],
	'names an audience': [annotation({ path, audience: 'x' }), /unknown field "audience"/],
	'names a CA': [annotation({ path, ca: 'x' }), /unknown field "ca"/],
	'names __proto__': ['{"__proto__": {"provider": "x"}}', /unknown field "__proto__"/],
	'asks for a token type': [
		annotation({ path, type: 'kubernetes.io/service-account-token' }),
		/type "kubernetes.io\/service-account-token" is not allowed/,
	],
	'asks for a bootstrap token': [
		annotation({ path, type: 'bootstrap.kubernetes.io/token' }),
		/is not allowed/,
	],
	'asks for a Helm release': [annotation({ path, type: 'helm.sh/release.v1' }), /is not allowed/],
	'has a key that no Secret can have': [
		annotation({ path, keys: { 'a/b': 'x' } }),
		/"a\/b" is not a Secret key/,
	],
	'has an alias': [`a: &a 1\nb: *a`, /^failed to parse annotation YAML/],
	'has a billion laughs': [
		`a: &a [x,x]\nb: &b [*a,*a]\nc: &c [*b,*b]\nprovider: *c`,
		/^failed to parse annotation YAML/,
	],
	'has two documents': ['provider: a\n---\nprovider: b', /^failed to parse annotation YAML/],
	'has a key twice': ['provider: a\nprovider: b', /^failed to parse annotation YAML/],
	'is deeply nested': [`${'['.repeat(200)}${']'.repeat(200)}`, /^failed to parse annotation YAML/],
	'is larger than the cap': [
		annotation({ path, keys: { k: 'x'.repeat(9_000) } }),
		/^annotation is larger than/,
	],
	'hides a control character in the path': [annotation({ path: '/prod/a\u202eb' }), /control or invisible/],
	'ends the path with a blank': [annotation({ path: `${path} ` }), /begins or ends with a blank/],
	'has a path of 3,000 characters': [annotation({ path: `/prod/${'x'.repeat(3_000)}` }), /longer than/],
};

test('an annotation that asks for what no annotation may is refused before anything is called', async t => {
	const environment = await startEnvironment(t);
	const controller = await environment.start();
	const team = await environment.namespace('team');
	environment.secretsManager.put(path, { user: 'app' });
	const cases = Object.entries(REFUSED).map(([title, [text, note]], index) => ({
		title,
		text,
		note,
		pod: `p${index}`,
	}));
	await Promise.all(cases.map(({ pod, text }) => environment.pod(team, pod, text)));
	for (const { title, pod, note } of cases) {
		const event = await environment.event(team, pod, 'AnnotationInvalid');
		t.regex(event.note.replace('Invalid secret sync annotation: ', ''), note, title);
		t.regex(event.note, /correct the annotation/, title);
		t.true(event.note.length <= 1_024, title);
	}

	await environment.barrier(team);
	t.is(environment.secretsManager.count('GetSecretValue', path), 0);
	t.deepEqual(
		environment.world
			.secrets(team)
			.map(({ name }) => name)
			.filter(name => !name.startsWith('barrier')),
		[],
	);
	t.is(controller.log.count({ code: 'ANNOTATION_INVALID', namespace: team }), cases.length);
});

const TRICKS = ['/prod/../root', '/prod/./db', '/prod\\..\\root', 'prod/db', '/prod', '/PROD/db'];

test('a path with unusual characters is asked for as it is written, and never as another one', async t => {
	const environment = await startEnvironment(t);
	await environment.start();
	const team = await environment.namespace('team');
	const paths = ['/prod//db', '/prod/%2e%2e/root', '/prod/dв', '/prod/rds!db'];
	for (const [index, path] of paths.entries()) {
		await environment.pod(team, `p${index}`, annotation({ path, secretName: `s${index}` }));
		await environment.event(team, `p${index}`, 'SecretFetchFailed');
	}

	t.deepEqual(
		[...new Set(environment.secretsManager.calls.map(({ name }) => name))].sort(),
		paths.toSorted(),
	);
});

test('a path that only looks like an allowed one is refused, never normalised, and causes no call', async t => {
	const environment = await startEnvironment(t);
	await environment.start();
	const team = await environment.namespace('team');
	await Promise.all(
		TRICKS.map((trick, index) =>
			environment.pod(team, `p${index}`, annotation({ path: trick, secretName: `s${index}` })),
		),
	);
	for (const [index, trick] of TRICKS.entries()) {
		const { note } = await environment.event(team, `p${index}`, ['PolicyDenied', 'SecretFetchFailed']);
		t.regex(note, /POLICY_DENIED|PROVIDER_REQUEST_INVALID/, trick);
	}

	await environment.barrier(team);
	t.deepEqual(
		environment.secretsManager.calls.filter(({ name }) => !name.includes('barrier')),
		[],
	);
});

test('every scalar is its text: octal, dates and "no" reach the source as they are written', async t => {
	const environment = await startEnvironment(t);
	await environment.start();
	const team = await environment.namespace('team');
	const source = { '0o17': 'a', '0123': 'b', no: 'c', '2020-01-01': 'd', '1.10': 'e', true: 'f' };
	environment.secretsManager.put('/prod/0123', source);
	const keys = 'keys: {oct: 0o17, num: 0123, bool: no, date: 2020-01-01, float: 1.10, yes: true}';
	await environment.pod(team, 'web', `provider: ${PROVIDER}\npath: /prod/0123\nsecretName: "0123"\n${keys}`);
	t.deepEqual(
		{ ...(await environment.secret(team, '0123')).data },
		{ oct: 'a', num: 'b', bool: 'c', date: 'd', float: 'e', yes: 'f' },
	);
});

test('newlines, terminal codes and megabytes of a pod reach neither log nor Event, nor the raw annotation', async t => {
	const environment = await startEnvironment(t);
	const controller = await environment.start();
	const team = await environment.namespace('team');
	const marker = 'MARK3R';
	const forged = `${marker}\n{"level":"info","message":"forged"}\u001b[31m\u202e`;
	await environment.pod(team, 'a', annotation({ path, [forged]: 'x' }));
	await environment.pod(
		team,
		'b',
		`provider: ${PROVIDER}\npath: /prod/x\n# ${marker} comment\nsecretName: db`,
	);
	await environment.pod(team, 'c', `# ${marker}\n${'x'.repeat(200_000)}`);
	await environment.event(team, 'a', 'AnnotationInvalid');
	await environment.event(team, 'b', 'SecretFetchFailed');
	await environment.event(team, 'c', 'AnnotationInvalid');
	// biome-ignore lint/suspicious/noControlCharactersInRegex: they are what is looked for
	const control = /[\u0000-\u001f\u007f-\u009f\u2028\u202e]/;
	t.true(controller.log.text.every(line => !control.test(line) && line.length < 4_096));
	t.is(controller.log.count({ message: 'forged' }), 0);
	t.true(environment.events(team).every(({ note }) => !control.test(note) && note.length <= 1_024));
	t.false(controller.log.text.some(line => line.includes(`${marker} comment`)));
});
