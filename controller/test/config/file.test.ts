// Reading the file: its YAML, what runs without one, and faults that no schema finds.
import test from 'ava';
import fc from 'fast-check';
import { readConfigFile } from '../../src/config/file.ts';

const read = (text: string | undefined, env: Record<string, string> = {}, extraProviders: string[] = []) =>
	readConfigFile({
		path: text === undefined ? undefined : '/etc/jasm/config.yaml',
		env,
		extraProviders,
		readFile: () => text ?? '',
	});

const AWS = 'providers: {aws: {kind: aws-secretsmanager, region: eu-west-1, credentials: container}}\n';
const ROLE = 'arn:aws:iam::123456789012:role/jasm';
const RULE = 'policy: [{namespaces: [a], provider: aws, paths: [/x]}]\n';

test('a whole file is read', t => {
	const { content, faults, warnings } = read(`${AWS}${RULE}profile: self-heal\n`);
	t.deepEqual(faults, []);
	t.deepEqual(warnings, []);
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

test('without a file, AWS is configured if its region is known, and no namespace may read', t => {
	const { content, faults, warnings } = read(undefined, { AWS_REGION: 'eu-west-1', AWS_ROLE_ARN: ROLE });
	t.deepEqual(faults, []);
	t.deepEqual(Object.keys(content.providers), ['aws-secretsmanager']);
	t.deepEqual(content.policy, []);
	t.deepEqual(warnings, ['policy has no rule: no namespace may read anything']);
});

test('without a file and a region nothing is configured, and that is said', t => {
	const { content, warnings } = read(undefined);
	t.deepEqual(Object.keys(content.providers), []);
	t.deepEqual(warnings, ['no provider is configured: nothing can be read']);
});

test('a number with a leading zero is refused with all its digits', t => {
	const { faults } = read(AWS.replace('eu-west-1', 'eu-west-1, accounts: [012345678901]'));
	t.deepEqual(faults, ['providers.aws.accounts[0]: "012345678901" is not text (quote it)']);
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
		'"/etc/jasm/config.yaml": is not YAML: line 1, column 20: unexpected end of the stream within a flow collection',
	]);
	t.deepEqual(read('a: &x b').faults, [
		'"/etc/jasm/config.yaml": is not YAML: line 1, column 5: anchors and aliases are not supported',
	]);
	t.deepEqual(read('#'.repeat(1_048_577)).faults, [
		'"/etc/jasm/config.yaml": is longer than 1048576 characters',
	]);
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

test('a rule for an unknown provider names the nearest one, or all that are configured', t => {
	const text = `${AWS}policy: [{namespaces: [a], provider: awz, paths: [/x]}]`;
	t.deepEqual(read(text).faults, [
		'policy[0].provider: "awz" is not a configured provider, did you mean "aws"?',
	]);
	const constructed = `${AWS}policy: [{namespaces: [a], provider: constructor, paths: [/x]}]`;
	t.deepEqual(read(constructed).faults, [
		'policy[0].provider: "constructor" is not a configured provider, configured are aws',
	]);
});

test('a rule may name a provider that an embedding program brings along', t => {
	const text = 'policy: [{namespaces: [a], provider: my-store, paths: [/x]}]';
	t.deepEqual(read(text, {}, ['my-store']), { ...read(text, {}, ['my-store']), faults: [], warnings: [] });
});

test('a watch is not renewed at least later than at most', t => {
	t.deepEqual(read('watch: {minSeconds: 700}').faults, [
		'watch.minSeconds: must not be greater than maxSeconds',
	]);
});

test('all faults come together, but for those that follow from another: a misspelt field is not missing', t => {
	const text =
		'providers: {aws: {kind: aws-secretsmanager, regoin: x}, __proto__: {}}\n' +
		'policy: [{namespaces: [a], provider: b, paths: [a/../b]}]\nwatch: {minSeconds: 900}\n';
	const { faults } = read(text);
	for (const expected of [
		/^providers\.__proto__: /,
		/^providers\.aws\.regoin: /,
		/^policy\[0\]\.provider: /,
		/^policy\[0\]\.paths\[0\]: /,
		/^watch\.minSeconds: /,
	]) {
		t.true(
			faults.some(fault => expected.test(fault)),
			String(expected),
		);
	}

	t.is(faults.length, 5);
});

test('a role that is not known yet is a notice', t => {
	const text = `providers: {aws: {kind: aws-secretsmanager, region: eu-west-1}}\n${RULE}`;
	t.regex(read(text).warnings.join(), /^providers\.aws: no role is known for credentials web-identity/);
	t.deepEqual(read(text, { AWS_ROLE_ARN: ROLE }).warnings, []);
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

const QUEUE = 'https://sqs.eu-west-1.amazonaws.com/123456789012/jasm';
const source = (fields: object) => ({ kind: 'sqs', queueUrl: QUEUE, providers: ['aws'], ...fields });
const withSources = (...sources: object[]) => read(`${AWS}${RULE}changes: ${JSON.stringify({ sources })}\n`);

test('sources of change notices are read, with what they may cause at most', t => {
	const { content, faults } = withSources(source({ regions: ['us-east-1'] }));
	t.deepEqual(faults, []);
	t.deepEqual(content.changes, {
		sources: [{ kind: 'sqs', queueUrl: QUEUE, providers: ['aws'], regions: ['us-east-1'] }],
		minSeconds: 5,
		writesPerSecond: 50,
		resyncHours: 0,
	});
	t.is(read(`${AWS}${RULE}`).content.changes, undefined);
});

const VAULT = '11111111-2222-4333-8444-555555555555';

test('a queue of Service Bus belongs to the cloud of the vault, and only a provider of Azure opens it', t => {
	const azure = (fields: string) =>
		`{kind: azure-keyvault, tenantId: ${VAULT}, clientId: ${VAULT}, ${fields}}`;
	const providers =
		`providers: {aws: {kind: aws-secretsmanager, region: eu-west-1, credentials: container}, ` +
		`world: ${azure('vaultUrl: "https://one.vault.azure.net"')}, ` +
		`china: ${azure('vaultUrl: "https://one.vault.azure.cn"')}, ` +
		`emulated: ${azure('vaultUrl: "https://one.vault.azure.net", endpoint: "https://127.0.0.1:1"')}, ` +
		`stack: ${azure('vaultUrl: "https://one.vault.stack.example", authorityHost: "https://login.example"')}}\n`;
	const faultsOf = (url: string, provider: string, kind = 'service-bus') => {
		const sources = [{ kind, queueUrl: url, providers: [provider] }];
		return read(`${providers}policy: []\nchanges: ${JSON.stringify({ sources })}\n`).faults;
	};
	const world = 'https://contoso.servicebus.windows.net/jasm';
	const china = 'https://contoso.servicebus.chinacloudapi.cn/jasm';
	for (const [url, provider] of [
		[world, 'world'],
		['https://contoso.servicebus.windows.net/team/jasm', 'world'],
		[china, 'china'],
		['https://127.0.0.1:5671/jasm', 'emulated'],
		['https://contoso.servicebus.stack.example/jasm', 'stack'],
	] as const) {
		t.deepEqual(faultsOf(url, provider), [], url);
	}

	for (const [url, provider, expected] of [
		[china, 'world', /is not a URL of the vault's cloud \(\*\.servicebus\.windows\.net\)/],
		[
			'https://contoso.servicebus.windows.net.evil.example/jasm',
			'world',
			/is not a URL of the vault's cloud/,
		],
		['https://contoso.servicebus.windows.net:444/jasm', 'world', /is not a URL of the vault's cloud/],
		['http://contoso.servicebus.windows.net/jasm', 'world', /is not the URL of a Service Bus queue/],
		['https://contoso.servicebus.windows.net/', 'world', /is not the URL of a Service Bus queue/],
		['https://user@contoso.servicebus.windows.net/jasm', 'world', /must not carry credentials/],
		['https://169.254.169.254/jasm', 'emulated', /link-local/],
		[world, 'aws', /"aws" is of a kind that has no queues of notices \(service-bus\)/],
	] as const) {
		const faults = faultsOf(url, provider);
		t.true(
			faults.some(fault => expected.test(fault)),
			faults.join(),
		);
	}

	t.regex(faultsOf(QUEUE, 'world', 'sqs')[0]!, /"world" is of a kind that has no queues of notices \(sqs\)/);
});

test('every fault of a source of change notices is found, with its place', t => {
	const vault =
		'providers: {aws: {kind: aws-secretsmanager, region: eu-west-1, credentials: container}, ' +
		'v: {kind: vault, address: "https://vault", role: r}}\n';
	const sources = [
		source({ providers: ['asw', 'v'] }),
		source({ queueUrl: 'http://127.0.0.1:4566/123456789012/jasm' }),
		source({ queueUrl: 'http://169.254.169.254/123456789012/jasm', providers: [] }),
		source({ kind: 'kafka' }),
		source({ queue: 'x', regions: ['nowhere'] }),
	];
	const { faults } = read(`${vault}changes: ${JSON.stringify({ sources, minSeconds: 0 })}\n`);
	for (const expected of [
		/^changes\.sources\[0\]\.providers\[0\]: "asw" is not a configured provider, configured are aws, v$/,
		/^changes\.sources\[0\]\.providers\[1\]: "v" is of a kind that has no queues of notices/,
		/^changes\.sources\[1\]\.queueUrl: .* is not a URL of AWS, and the provider has no endpoint of an emulator/,
		/^changes\.sources\[2\]\.queueUrl: .* link-local address/,
		/^changes\.sources\[2\]\.providers: must not be empty/,
		/^changes\.sources\[3\]\.kind: "kafka" is not allowed/,
		/^changes\.sources\[4\]\.queue: unknown field, known are kind, queueUrl, providers, regions$/,
		/^changes\.sources\[4\]\.regions\[0\]: "nowhere" is not the name of an AWS region/,
		/^changes\.minSeconds: must be at least 1/,
	]) {
		t.true(
			faults.some(fault => expected.test(fault)),
			`${expected} in ${JSON.stringify(faults, undefined, 1)}`,
		);
	}
});
