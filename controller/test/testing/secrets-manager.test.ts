// The embedded Secrets Manager, driven by the real AWS SDK; the same is promised of any other implementation
// that JASM_TEST_AWS_ENDPOINT names (moto, for instance).
import { randomUUID } from 'node:crypto';
import {
	CreateSecretCommand,
	DeleteSecretCommand,
	DescribeSecretCommand,
	GetSecretValueCommand,
	PutSecretValueCommand,
	RestoreSecretCommand,
	UpdateSecretVersionStageCommand,
} from '@aws-sdk/client-secrets-manager';
import { fromTokenFile } from '@aws-sdk/credential-providers';
import test, { type ExecutionContext } from 'ava';
import { ROLE_ARN, tokenFile } from '../helpers/servers/aws.ts';
import { callerIdentity, clientOf, embedded, failure } from '../helpers/servers/secrets-manager-client.ts';

const fresh = () => `test/${randomUUID()}/db`;

const elsewhere = process.env['JASM_TEST_AWS_ENDPOINT'];
const targets: Record<string, (t: ExecutionContext) => Promise<string>> = {
	embedded: async t => (await embedded(t)).url,
	...(elsewhere !== undefined && { [elsewhere]: async () => elsewhere }),
};

for (const [target, start] of Object.entries(targets)) {
	test(`${target}: what is created is read, by name, by ARN and by the ARN without its suffix`, async t => {
		const client = clientOf(t, await start(t));
		const Name = fresh();
		const created = await client.send(new CreateSecretCommand({ Name, SecretString: '{"a":1.10}' }));
		t.regex(
			created.ARN!,
			new RegExp(`^arn:aws:secretsmanager:eu-west-1:123456789012:secret:${Name}-\\w{6}$`),
		);
		for (const SecretId of [Name, created.ARN!, created.ARN!.slice(0, -7)]) {
			const read = await client.send(new GetSecretValueCommand({ SecretId }));
			t.like(read, { ARN: created.ARN!, Name, VersionId: created.VersionId!, SecretString: '{"a":1.10}' });
			t.deepEqual(read.VersionStages, ['AWSCURRENT']);
			t.true(read.CreatedDate instanceof Date && Math.abs(Date.now() - read.CreatedDate.getTime()) < 60_000);
			t.is(read.SecretBinary, undefined);
		}
	});

	test(`${target}: bytes are read as bytes`, async t => {
		const client = clientOf(t, await start(t));
		const Name = fresh();
		await client.send(new CreateSecretCommand({ Name, SecretBinary: new Uint8Array([0, 255, 13]) }));
		const read = await client.send(new GetSecretValueCommand({ SecretId: Name }));
		t.deepEqual([...read.SecretBinary!], [0, 255, 13]);
		t.is(read.SecretString, undefined);
	});

	test(`${target}: a new value takes over the stage AWSCURRENT and leaves AWSPREVIOUS behind`, async t => {
		const client = clientOf(t, await start(t));
		const Name = fresh();
		const versions: string[] = [];
		await client.send(new CreateSecretCommand({ Name }));
		for (const SecretString of ['one', 'two', 'three']) {
			const put = await client.send(new PutSecretValueCommand({ SecretId: Name, SecretString }));
			t.deepEqual(put.VersionStages, ['AWSCURRENT']);
			versions.push(put.VersionId!);
		}

		const read = async (selector: object) =>
			(await client.send(new GetSecretValueCommand({ SecretId: Name, ...selector }))).SecretString;
		t.is(await read({}), 'three');
		t.is(await read({ VersionStage: 'AWSPREVIOUS' }), 'two');
		t.is(await read({ VersionId: versions[0] }), 'one');
		t.is(await read({ VersionId: versions[1], VersionStage: 'AWSPREVIOUS' }), 'two');
		const described = await client.send(new DescribeSecretCommand({ SecretId: Name }));
		t.deepEqual(described.VersionIdsToStages?.[versions[2]!], ['AWSCURRENT']);
		t.deepEqual(described.VersionIdsToStages?.[versions[1]!], ['AWSPREVIOUS']);
	});

	test(`${target}: a stage moves to the version that it is moved to`, async t => {
		const client = clientOf(t, await start(t));
		const Name = fresh();
		const first = await client.send(new CreateSecretCommand({ Name, SecretString: 'one' }));
		const second = await client.send(new PutSecretValueCommand({ SecretId: Name, SecretString: 'two' }));
		await client.send(
			new UpdateSecretVersionStageCommand({
				SecretId: Name,
				VersionStage: 'AWSCURRENT',
				RemoveFromVersionId: second.VersionId,
				MoveToVersionId: first.VersionId,
			}),
		);
		const described = await client.send(new DescribeSecretCommand({ SecretId: Name }));
		t.deepEqual(described.VersionIdsToStages?.[first.VersionId!], ['AWSCURRENT']);
	});

	test(`${target}: what is missing is told as missing: secret, value, version and stage`, async t => {
		const client = clientOf(t, await start(t));
		const Name = fresh();
		const missing = { name: 'ResourceNotFoundException' };
		t.like(await failure(client.send(new GetSecretValueCommand({ SecretId: Name }))), missing);
		await client.send(new CreateSecretCommand({ Name }));
		const noValue = await failure(client.send(new GetSecretValueCommand({ SecretId: Name })));
		t.like(noValue, missing);
		t.regex(noValue.message, /AWSCURRENT/);
		for (const selector of [{ VersionId: randomUUID() }, { VersionStage: 'NOSUCHSTAGE' }]) {
			t.like(await failure(client.send(new GetSecretValueCommand({ SecretId: Name, ...selector }))), missing);
		}
	});

	test(`${target}: a secret marked for deletion refuses to be read until it is restored`, async t => {
		const client = clientOf(t, await start(t));
		const Name = fresh();
		await client.send(new CreateSecretCommand({ Name, SecretString: 'x' }));
		await client.send(new DeleteSecretCommand({ SecretId: Name }));
		const refused = await failure(client.send(new GetSecretValueCommand({ SecretId: Name })));
		t.like(refused, { name: 'InvalidRequestException', status: 400 });
		t.regex(refused.message, /marked.*delet/);
		t.true((await client.send(new DescribeSecretCommand({ SecretId: Name }))).DeletedDate instanceof Date);
		await client.send(new RestoreSecretCommand({ SecretId: Name }));
		t.is((await client.send(new GetSecretValueCommand({ SecretId: Name }))).SecretString, 'x');
		await client.send(new DeleteSecretCommand({ SecretId: Name, ForceDeleteWithoutRecovery: true }));
		t.is(
			(await failure(client.send(new GetSecretValueCommand({ SecretId: Name })))).name,
			'ResourceNotFoundException',
		);
	});

	test(`${target}: a second secret of one name is refused`, async t => {
		const client = clientOf(t, await start(t));
		const Name = fresh();
		await client.send(new CreateSecretCommand({ Name, SecretString: 'x' }));
		const refused = await failure(client.send(new CreateSecretCommand({ Name, SecretString: 'y' })));
		t.is(refused.name, 'ResourceExistsException');
	});

	test(`${target}: web identity gives credentials with which secrets are read`, async t => {
		const endpoint = await start(t);
		const credentials = fromTokenFile({
			roleArn: ROLE_ARN,
			webIdentityTokenFile: tokenFile(t),
			roleSessionName: 'jasm',
			clientConfig: { region: 'eu-west-1', endpoint },
		});
		const identity = await credentials();
		t.regex(identity.accessKeyId, /^ASIA/);
		t.true(identity.expiration!.getTime() > Date.now());
		const client = clientOf(t, endpoint, { credentials });
		const Name = fresh();
		await client.send(new CreateSecretCommand({ Name, SecretString: 'x' }));
		t.is((await client.send(new GetSecretValueCommand({ SecretId: Name }))).SecretString, 'x');
	});

	test(`${target}: GetCallerIdentity tells account and principal`, async t => {
		const xml = await callerIdentity(await start(t), 'AKIATEST');
		t.regex(xml, /<Account>123456789012<\/Account>/);
		t.regex(xml, /<Arn>arn:aws:[a-z]+::123456789012:[^<]+<\/Arn>/);
	});
}
