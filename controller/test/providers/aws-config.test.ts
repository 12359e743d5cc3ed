// The configuration of AWS Secrets Manager: defaults from the environment, all faults at once, warnings once.
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

const faultOf = (config: Partial<AwsSecretsManagerConfig>): string => {
	try {
		open(config);
		return '';
	} catch (error) {
		return error instanceof JasmError && error.code === 'CONFIG_INVALID' ? error.message : String(error);
	}
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

test('every fault of every provider is told at once', t => {
	const error = t.throws(
		() =>
			createProviders(
				{
					one: { kind: 'aws-secretsmanager', accounts: ['12345'], timeoutMs: 0 },
					two: { kind: 'aws-secretsmanager', region: 'europe', credentials: 'default' as never },
					three: { kind: 'gcp' } as never,
				},
				{ env: {}, clock: new VirtualClock(), warn: () => {} },
			),
		{ instanceOf: JasmError },
	);
	t.is(error.code, 'CONFIG_INVALID');
	for (const fault of [
		/providers\.one: region is missing/,
		/providers\.one: accounts: "12345"/,
		/providers\.one: timeoutMs/,
		/providers\.two: "europe" is not the name of an AWS region/,
		/providers\.two: credentials: expected one of web-identity, .*got "default"/,
		/providers\.three: unknown kind "gcp", expected one of aws-secretsmanager/,
	]) {
		t.regex(error.message, fault);
	}
});

test('endpoints are http or https URLs without credentials, and never link-local', t => {
	for (const endpoint of ['http://127.0.0.1:4566', 'https://secrets.internal', 'http://[::1]:5000']) {
		t.is(faultOf({ endpoint, stsEndpoint: endpoint }), '');
	}

	for (const endpoint of [
		'localhost:4566',
		'ftp://host',
		'https://user:secret@host',
		'http://169.254.169.254',
		'http://169.254.170.2/v2',
		'http://2852039166/',
		'http://[fd00:ec2::254]',
		'http://[fe80::1]',
		'http://[::ffff:169.254.169.254]',
	]) {
		t.regex(faultOf({ endpoint }), /endpoint/, endpoint);
		t.regex(faultOf({ stsEndpoint: endpoint }), /stsEndpoint/, endpoint);
		t.false(faultOf({ endpoint }).includes('secret@'));
	}
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
