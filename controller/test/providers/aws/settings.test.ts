// The configuration of AWS Secrets Manager: what the environment fills in, faults, warnings once.
import test from 'ava';
import { awsSettings } from '../../../src/providers/aws/settings.ts';
import { createProviders } from '../../../src/providers/registry.ts';
import { VirtualClock } from '../../helpers/clocks/virtual-clock.ts';
import { checked, faultsOf, type Written } from '../../helpers/provider-config.ts';

const BARE = { kind: 'aws-secretsmanager' } as const;

const open = (config: Written, env = {}) => {
	const warnings: string[] = [];
	const registry = createProviders(
		{ aws: checked({ ...BARE, region: 'eu-west-1', ...config }, env) },
		{ env, clock: new VirtualClock(), warn: message => warnings.push(message) },
	);
	return { registry, warnings };
};

const ROLE = 'arn:aws:iam::123456789012:role/jasm';

test('the environment fills in what the config leaves out, and the config wins', t => {
	const env = { AWS_REGION: 'eu-west-2', AWS_ROLE_ARN: ROLE, AWS_WEB_IDENTITY_TOKEN_FILE: '/env' };
	t.like(awsSettings(checked(BARE, env)), {
		region: 'eu-west-2',
		regions: ['eu-west-2'],
		accounts: [],
		credentials: 'web-identity',
		roleArn: ROLE,
		tokenFile: '/env',
		timeoutMs: 5_000,
		concurrency: 64,
	});
	const written = { ...BARE, region: 'eu-west-1', roleArn: `${ROLE}-2`, tokenFile: '/config' };
	t.like(awsSettings(checked(written, env)), {
		region: 'eu-west-1',
		regions: ['eu-west-1'],
		roleArn: `${ROLE}-2`,
		tokenFile: '/config',
	});
	t.like(checked({ ...BARE, region: 'eu-west-1', credentials: 'profile' }), { profile: 'codnod' });
});

test('a variable of other credentials fills in nothing', t => {
	const config = checked({ ...BARE, credentials: 'container', region: 'eu-west-1' }, { AWS_ROLE_ARN: ROLE });
	t.false('roleArn' in config);
});

test('a value of the environment is checked like one of the file', t => {
	t.deepEqual(faultsOf(BARE, { AWS_REGION: 'Ireland' }), [
		'providers.p.region: "Ireland" is not the name of an AWS region (from AWS_REGION in the environment)',
	]);
	t.deepEqual(faultsOf({ ...BARE, region: 'eu-west-1' }, { AWS_REGION: 'Ireland' }), []);
});

test('settings for development are warned about once, when the provider is first used', async t => {
	const { registry, warnings } = open(
		{ credentials: 'environment' },
		{ AWS_ENDPOINT_URL: 'http://127.0.0.1:1' },
	);
	t.deepEqual(warnings, []);
	await registry.get('aws');
	await registry.get('aws');
	t.deepEqual(warnings, [
		'provider aws: credentials from environment variables are meant for development',
		'provider aws: an endpoint of its own is configured, which is meant for development',
	]);
	await registry.close();
});

test('the role of the node is warned about, the role of the ServiceAccount is not', async t => {
	const inCluster = open({});
	await inCluster.registry.get('aws');
	t.deepEqual(inCluster.warnings, []);
	const onNode = open({ credentials: 'instance' });
	await onNode.registry.get('aws');
	t.is(onNode.warnings.length, 1);
	t.regex(onNode.warnings[0]!, /instance role/);
});
