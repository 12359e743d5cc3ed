// Reading the file: its YAML, what runs without one, and faults that no schema finds.
import test from 'ava';
import fc from 'fast-check';
import { readConfigFile } from '../src/config-file.ts';

const read = (text: string | undefined, env: Record<string, string> = {}, extraProviders: string[] = []) =>
	readConfigFile({
		path: text === undefined ? undefined : '/etc/jasm/config.yaml',
		env,
		extraProviders,
		readFile: () => text ?? '',
	});

const AWS = 'providers: {aws: {kind: aws-secretsmanager, region: eu-west-1, credentials: container}}\n';
const RULE = 'policy: [{namespaces: [a], provider: aws, paths: [/x]}]\n';

test('a whole file is read', t => {
	const { content, faults, notices } = read(`${AWS}${RULE}profile: self-heal\n`);
	t.deepEqual(faults, []);
	t.deepEqual(notices, []);
	t.is(content.profile, 'self-heal');
	t.deepEqual(content.policy, [{ namespaces: ['a'], provider: 'aws', paths: ['/x'] }]);
	t.like(content.providers['aws'], { kind: 'aws-secretsmanager', region: 'eu-west-1', concurrency: 64 });
	t.is(Object.getPrototypeOf(content.providers), null);
});

test('JSON is YAML too, and may name its schema', t => {
	const text = JSON.stringify({ $schema: './config.schema.json', policy: [] });
	t.deepEqual(read(text).faults, []);
});

test('fields without a value are as if they were not there', t => {
	const { content, faults } = read('providers:\npolicy: ~\nprofile:\nlimits:\n');
	t.deepEqual(faults, []);
	t.is(content.profile, 'write-only');
	t.deepEqual(content.policy, []);
});

test('without a file AWS is configured where its region is known, and nobody may read', t => {
	const { content, faults, notices } = read(undefined, { AWS_REGION: 'eu-west-1', AWS_ROLE_ARN: 'r' });
	t.deepEqual(faults, []);
	t.deepEqual(Object.keys(content.providers), ['aws-secretsmanager']);
	t.deepEqual(content.policy, []);
	t.deepEqual(notices, ['policy has no rule: no namespace may read anything']);
});

test('without a file and a region nothing is configured, and that is said', t => {
	const { content, notices } = read(undefined);
	t.deepEqual(Object.keys(content.providers), []);
	t.deepEqual(notices, ['no provider is configured: nothing can be read']);
});

test('a file that cannot be read is a fault with its reason', t => {
	const { faults } = readConfigFile({
		path: '/none',
		env: {},
		extraProviders: [],
		readFile() {
			throw Object.assign(new Error('no'), { code: 'ENOENT' });
		},
	});
	t.deepEqual(faults, ['--config: "/none" cannot be read (ENOENT)']);
});

test('a file that is no YAML is a fault with its position, and its text stays out', t => {
	t.deepEqual(read('providers: [hunter2').faults, [
		'file: is not YAML: line 1, column 20: unexpected end of the stream within a flow collection',
	]);
	t.deepEqual(read('a: &x b').faults, [
		'file: is not YAML: line 1, column 5: anchors and aliases are not supported',
	]);
	t.deepEqual(read('#'.repeat(1_048_577)).faults, ['file: is longer than 1048576 characters']);
});

test('a region may come from the environment, and must come from somewhere', t => {
	const text = 'providers: {aws: {kind: aws-secretsmanager, credentials: container}}';
	t.deepEqual(read(text, { AWS_REGION: 'eu-west-1' }).faults, []);
	t.deepEqual(read(text).faults, [
		'providers.aws.region: is required, here or as AWS_REGION in the environment',
	]);
});

test('a field of other credentials is a fault, as it would have no effect', t => {
	const text = (fields: string) =>
		`providers: {aws: {kind: aws-secretsmanager, region: eu-west-1, ${fields}}}`;
	t.deepEqual(read(text('profile: dev')).faults, [
		'providers.aws.profile: has an effect only with credentials profile',
	]);
	t.deepEqual(read(text('credentials: instance, tokenFile: /t')).faults, [
		'providers.aws.tokenFile: has an effect only with credentials web-identity',
	]);
	t.deepEqual(read(text('credentials: profile, profile: dev')).faults, []);
});

test('a rule for a provider that nobody configured is a fault that names the nearest', t => {
	const text = `${AWS}policy: [{namespaces: [a], provider: awz, paths: [/x]}]`;
	t.deepEqual(read(text).faults, [
		'policy[0].provider: "awz" is not a configured provider, did you mean "aws"?',
	]);
	const constructed = `${AWS}policy: [{namespaces: [a], provider: constructor, paths: [/x]}]`;
	t.deepEqual(read(constructed).faults, ['policy[0].provider: "constructor" is not a configured provider']);
});

test('a rule may name a provider that an embedding program brings along', t => {
	const text = 'policy: [{namespaces: [a], provider: my-store, paths: [/x]}]';
	t.deepEqual(read(text, {}, ['my-store']), { ...read(text, {}, ['my-store']), faults: [], notices: [] });
});

test('a watch is not renewed at least later than at most', t => {
	t.deepEqual(read('watch: {minSeconds: 700}').faults, [
		'watch.minSeconds: must not be greater than maxSeconds',
	]);
});

test('faults of the schema and all others come together', t => {
	const text =
		'providers: {aws: {kind: aws-secretsmanager, regoin: x}, __proto__: {}}\n' +
		'policy: [{namespaces: [a], provider: b, paths: [x/]}]\nwatch: {minSeconds: 900}\n';
	const { faults } = read(text);
	for (const expected of [
		/^providers\.__proto__: /,
		/^providers\.aws\.regoin: /,
		/^providers\.aws\.region: /,
		/^policy\[0\]\.provider: /,
		/^policy\[0\]\.paths\[0\]: /,
		/^watch\.minSeconds: /,
	]) {
		t.true(
			faults.some(fault => expected.test(fault)),
			String(expected),
		);
	}

	t.is(faults.length, 6);
});

test('a role that is not known yet is a notice', t => {
	const text = `providers: {aws: {kind: aws-secretsmanager, region: eu-west-1}}\n${RULE}`;
	t.regex(read(text).notices.join(), /^providers\.aws: no role is known for credentials web-identity/);
	t.deepEqual(read(text, { AWS_ROLE_ARN: 'arn' }).notices, []);
});

test('a provider named like a property of every object is an ordinary provider', t => {
	const text = AWS.replace('aws:', 'constructor:') + RULE.replace('provider: aws', 'provider: constructor');
	const { content, faults } = read(text);
	t.deepEqual(faults, []);
	t.is(content.providers['constructor']?.kind, 'aws-secretsmanager');
	t.is(content.providers['toString'], undefined);
});

test('whatever the text, the answer is a configuration or printable faults', t => {
	const part = fc.oneof(
		fc.constantFrom(
			'providers',
			'policy',
			'aws',
			'kind',
			'aws-secretsmanager',
			'__proto__',
			'watch',
			'limits',
		),
		fc.constantFrom(
			': ',
			'\n',
			'\n  ',
			'- ',
			'{',
			'}',
			'[',
			']',
			', ',
			'~',
			'1',
			'true',
			'"\\u0000"',
			'&a ',
			'? ',
		),
		fc.string({ unit: 'binary', maxLength: 3 }),
	);
	fc.assert(
		fc.property(fc.array(part, { maxLength: 30 }), parts => {
			const { faults } = read(parts.join(''));
			return !faults.some(fault => /[\p{Cc}\p{Cf}]/u.test(fault));
		}),
		{ numRuns: 2_000 },
	);
	t.pass();
});
