// What the AWS provider stub refuses and what it calls a change, without AWS.
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import test from 'ava';
import { AwsProvider } from '../pulumi-aws-stub/provider.ts';

const provider = new AwsProvider({ endpoint: 'http://127.0.0.1:9' });
const versioning = { type: 'aws:s3/bucketVersioning:BucketVersioning', name: 'issuer' };
const version = { type: 'aws:secretsmanager/secretVersion:SecretVersion', name: 'config' };
const faults = (subject: typeof version, inputs: Record<string, unknown>) =>
	provider.check(subject, inputs, {}).faults;

test('a type that it does not apply is refused by name', t => {
	const topic = { type: 'aws:sns/topic:Topic', name: 't' };
	t.throws(() => provider.check(topic, {}, {}), { message: /^aws:sns\/topic:Topic is not applied/ });
	t.throws(() => provider.diff(topic, {}, {}), { message: /is not applied/ });
});

test('inputs are held to the types that @pulumi/aws declares, nested ones too', t => {
	t.deepEqual(faults(versioning, { bucket: 'b', versioningConfiguration: { status: 'Enabled' } }), []);
	t.deepEqual(
		faults(versioning, { bucket: 1, versioningConfiguration: { state: 'Enabled' }, region: true }),
		[
			'bucket: must be a string, not a number',
			'region: must be a string, not a boolean',
			'versioningConfiguration.state: @pulumi/aws declares no such input',
			'versioningConfiguration.status: is required',
			'region: declared by @pulumi/aws, but not applied by this provider',
		],
	);
});

test('an input that it would ignore is refused', t => {
	const bucket = { type: 'aws:s3/bucket:Bucket', name: 'b' };
	t.deepEqual(faults(bucket, { bucket: 'b', acl: 'private' }), [
		'acl: declared by @pulumi/aws, but not applied by this provider',
	]);
});

test('a value that is known only later is accepted in its place', t => {
	const unknown = '04da6b54-80e4-46f7-96ec-b56ff0331ba9';
	t.deepEqual(faults(versioning, { bucket: unknown, versioningConfiguration: unknown }), []);
});

test('a fault never quotes the value of a secret', t => {
	const all = faults(version, {
		secretId: 'x',
		secretStringWo: { password: 'hunter2' },
		secretStringWoVersion: '1',
	});
	t.is(all.length, 2);
	t.notRegex(all.join(), /hunter2/);
});

test('a write-only value needs its version, and exactly one kind of value is given', t => {
	t.deepEqual(faults(version, { secretId: 'x', secretStringWo: 'v' }), [
		'secretStringWo and secretStringWoVersion: each needs the other',
	]);
	t.regex(faults(version, { secretId: 'x' }).join(), /exactly one of them/);
});

test('a new write-only value without a new version is no change, a new version replaces', t => {
	const old = { secretId: 'x', secretStringWo: 'a', secretStringWoVersion: 1 };
	t.deepEqual(provider.diff(version, old, { ...old, secretStringWo: 'b' }), { changed: [], replaces: [] });
	t.deepEqual(provider.diff(version, old, { ...old, secretStringWoVersion: 2 }), {
		changed: ['secretStringWoVersion'],
		replaces: ['secretStringWoVersion'],
	});
});

test('a resource without a name keeps the one that was made up for it', t => {
	const role = { type: 'aws:iam/role:Role', name: 'jasm' };
	const made = provider.check(role, { assumeRolePolicy: '{}' }, {}).inputs.name;
	t.regex(String(made), /^jasm-[0-9a-f]{7}$/);
	t.is(provider.check(role, { assumeRolePolicy: '{}' }, { name: 'older' }).inputs.name, 'older');
});

test('an account that is not allowed is refused before anything is applied', async t => {
	const server = createServer((_, response) => {
		response.setHeader('content-type', 'text/xml');
		response.end(
			'<GetCallerIdentityResponse xmlns="https://sts.amazonaws.com/doc/2011-06-15/"><GetCallerIdentityResult>' +
				'<Account>123456789012</Account></GetCallerIdentityResult></GetCallerIdentityResponse>',
		);
	});
	await new Promise<void>(resolve => server.listen(0, '127.0.0.1', resolve));
	t.teardown(() => server.close());
	process.env.AWS_ACCESS_KEY_ID = 'fake';
	process.env.AWS_SECRET_ACCESS_KEY = 'fake';
	const { port } = server.address() as AddressInfo;
	const attached = new AwsProvider({ endpoint: `http://127.0.0.1:${port}` });
	const args = (account: string) => ({ region: 'eu-west-1', allowedAccountIds: [account] });
	await t.throwsAsync(attached.configure(args('000000000000')), { message: /not allowed: 123456789012/ });
	await t.throwsAsync(attached.invoke('aws:index/getCallerIdentity:getCallerIdentity', {}), {
		message: /was not configured/,
	});
	await attached.configure(args('123456789012'));
	const { accountId } = await attached.invoke('aws:index/getCallerIdentity:getCallerIdentity', {});
	t.is(accountId, '123456789012');
});

test('an argument of the provider that it cannot honour is refused', async t => {
	await t.throwsAsync(provider.configure({ region: 'eu-west-1', assumeRoles: [] }), {
		message: /assumeRoles/,
	});
});

test('a function other than the one that it answers is refused', async t => {
	await t.throwsAsync(provider.invoke('aws:s3/getBucket:getBucket', {}), {
		message: /answers only aws\.getCallerIdentity/,
	});
});
