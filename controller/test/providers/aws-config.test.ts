// The configuration of AWS Secrets Manager: defaults from the environment, warnings once.
import test from 'ava';
import { JasmError } from '../../src/errors.ts';
import { type AwsSecretsManagerConfig, settingsOf } from '../../src/providers/aws-config.ts';
import { createProviders } from '../../src/providers/registry.ts';
import { VirtualClock } from '../helpers/virtual-clock.ts';

const open = (config: Partial<AwsSecretsManagerConfig>, env = {}) => {
	const warnings: string[] = [];
	const registry = createProviders(
		{ aws: { kind: 'aws-secretsmanager', region: 'eu-west-1', ...config } },
		{ env, clock: new VirtualClock(), warn: message => warnings.push(message) },
	);
	return { registry, warnings };
};

test('what the config leaves out comes from the environment, and what it says wins', t => {
	const env = { AWS_REGION: 'eu-west-2', AWS_ROLE_ARN: 'role-env', AWS_WEB_IDENTITY_TOKEN_FILE: 'file-env' };
	const defaults = settingsOf({ kind: 'aws-secretsmanager' }, env);
	t.like(defaults, {
		region: 'eu-west-2',
		regions: ['eu-west-2'],
		accounts: [],
		credentials: 'web-identity',
		profile: 'codnod',
		roleArn: 'role-env',
		tokenFile: 'file-env',
		timeoutMs: 5_000,
	});
	t.like(settingsOf({ kind: 'aws-secretsmanager', region: 'eu-west-1', roleArn: 'r', tokenFile: 'f' }, env), {
		region: 'eu-west-1',
		regions: ['eu-west-1'],
		roleArn: 'r',
		tokenFile: 'f',
	});
});

test('a provider without a region anywhere is refused at the start', t => {
	const error = t.throws(() => open({ region: undefined }), { instanceOf: JasmError });
	t.is(error.code, 'CONFIG_INVALID');
	t.regex(error.message, /provider aws: region is missing: set it or AWS_REGION/);
});

test('settings that are meant for development are told once, when the provider is first used', async t => {
	const { registry, warnings } = open(
		{ credentials: 'environment', endpoint: 'http://127.0.0.1:1' },
		{ AWS_ENDPOINT_URL_STS: 'http://127.0.0.1:2' },
	);
	t.deepEqual(warnings, []);
	await registry.get('aws');
	await registry.get('aws');
	t.deepEqual(warnings, [
		'provider aws: credentials from environment variables are meant for development',
		'provider aws: an endpoint of its own is configured, which is meant for development',
		'provider aws: AWS_ENDPOINT_URL_STS of the environment changes the endpoint, which is meant for development',
	]);
	await registry.close();
});

test('an installation in a cluster is told nothing, one on the role of its node is told so', async t => {
	const inCluster = open({});
	await inCluster.registry.get('aws');
	t.deepEqual(inCluster.warnings, []);
	const onNode = open({ credentials: 'instance' });
	await onNode.registry.get('aws');
	t.is(onNode.warnings.length, 1);
	t.regex(onNode.warnings[0]!, /instance role/);
});
