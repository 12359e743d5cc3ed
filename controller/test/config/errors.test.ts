// Every kind of mistake in the file, in the words that a person reads.
import test from 'ava';
import { schemaFaults } from '../../src/config/errors.ts';
import { configFile as schemaOf } from '../../src/config/schema.ts';

const configFile = schemaOf();

const AWS = { kind: 'aws-secretsmanager', region: 'eu-west-1' };
const RULE = { namespaces: ['team-*'], provider: 'aws', paths: ['/prod/**'] };

const faultsOf = (value: unknown): string[] => schemaFaults(configFile, value);

const inProvider = (fields: object) => faultsOf({ providers: { aws: { ...AWS, ...fields } } });
const inRule = (fields: object) => faultsOf({ policy: [RULE, { ...RULE, ...fields }] });

test('a valid configuration has no error', t => {
	t.deepEqual(faultsOf({ providers: { aws: AWS }, policy: [RULE] }), []);
});

const faults: Record<string, readonly [string[], string]> = {
	'an unknown field at the top': [faultsOf({ polcy: [] }), 'polcy: unknown field, did you mean "policy"?'],
	'an unknown field far from all': [
		faultsOf({ webhook: {} }),
		'webhook: unknown field, known are $schema, profile, providers, policy, limits, watch, changes, restarts, start',
	],
	'an unknown field of a provider': [
		inProvider({ role_arn: 'x' }),
		'providers.aws.role_arn: unknown field, did you mean "roleArn"?',
	],
	'an unknown field of a rule': [
		inRule({ path: [] }),
		'policy[1].path: unknown field, did you mean "paths"?',
	],
	'an unknown kind': [
		faultsOf({ providers: { aws: { kind: 'aws-secrets-manager' } } }),
		'providers.aws.kind: "aws-secrets-manager" is not allowed, did you mean "aws-secretsmanager"?',
	],
	'a missing kind': [
		faultsOf({ providers: { aws: {} } }),
		'providers.aws.kind: is required (aws-secretsmanager, vault, azure-keyvault)',
	],
	'a provider that is no mapping': [
		faultsOf({ providers: { aws: 'x' } }),
		'providers.aws: "x" is not a mapping',
	],
	'a name that is no label': [
		faultsOf({ providers: { '-aws': AWS } }),
		'providers.-aws: is not a name of at most 63 letters, digits, "-", "_" and "."',
	],
	'a region that is none': [
		inProvider({ region: 'Ireland' }),
		'providers.aws.region: "Ireland" is not the name of an AWS region',
	],
	'an account that YAML read as a number': [
		inProvider({ accounts: [123456789012] }),
		'providers.aws.accounts[0]: "123456789012" is not text (quote it)',
	],
	'an account of 11 digits': [
		inProvider({ accounts: ['12345678901'] }),
		'providers.aws.accounts[0]: "12345678901" is not an account id of 12 digits',
	],
	'an unknown source of credentials': [
		inProvider({ credentials: 'irsa' }),
		'providers.aws.credentials: "irsa" is not allowed, ' +
			'allowed are web-identity, container, profile, environment, instance',
	],
	'a role that is no ARN': [
		inProvider({ roleArn: 'jasm' }),
		'providers.aws.roleArn: "jasm" is not the ARN of a role',
	],
	'a relative token file': [
		inProvider({ tokenFile: 'token' }),
		'providers.aws.tokenFile: "token" is not an absolute path',
	],
	'a number that is too small': [
		inProvider({ timeoutMs: 5 }),
		'providers.aws.timeoutMs: must be at least 100',
	],
	'a number that is too great': [
		inProvider({ concurrency: 5_000 }),
		'providers.aws.concurrency: must be at most 1000',
	],
	'a number with a fraction': [
		inProvider({ timeoutMs: 1_000.5 }),
		'providers.aws.timeoutMs: "1000.5" is not a whole number',
	],
	'a number that is text': [
		inProvider({ timeoutMs: '5s' }),
		'providers.aws.timeoutMs: "5s" is not a whole number',
	],
	'a rule without namespaces': [inRule({ namespaces: [] }), 'policy[1].namespaces: must not be empty'],
	'a rule without a provider': [inRule({ provider: undefined }), 'policy[1].provider: is required'],
	'a rule whose paths are text': [inRule({ paths: '/x' }), 'policy[1].paths: "/x" is not a list'],
	'a malformed path pattern': [
		inRule({ paths: ['/x', '/a**'] }),
		'policy[1].paths[1]: "/a**" has "**" beside other characters: it stands for whole segments only',
	],
	'a malformed namespace glob': [
		inRule({ namespaces: ['Team-*'] }),
		'policy[1].namespaces[0]: "Team-*" can match no namespace: ' +
			'only lower-case letters, digits, "-", "*" and "?" are allowed',
	],
	'an unknown profile': [
		faultsOf({ profile: 'read-write' }),
		'profile: "read-write" is not allowed, allowed are write-only, self-heal',
	],
	'a policy that is a mapping': [faultsOf({ policy: {} }), 'policy: a mapping is not a list'],
	'a file that is a list': [faultsOf([]), 'file: a list is not a mapping'],
};

for (const [what, [found, expected]] of Object.entries(faults)) {
	test(`${what} is named with its path`, t => {
		t.deepEqual(found, [expected]);
	});
}

test('all faults come together', t => {
	const found = faultsOf({ profil: 1, providers: { aws: { ...AWS, region: 1, x: 2 } }, policy: [{}] });
	t.is(found.length, 6);
});

test('names and values are escaped and cut', t => {
	for (const found of [inProvider({ '\u001b[2J': 1 }), inProvider({ region: '\n'.repeat(10_000) })]) {
		t.is(found.length, 1);
		t.false(/[\p{Cc}]/u.test(found[0]!));
		t.true(found[0]!.length < 600);
	}
});
