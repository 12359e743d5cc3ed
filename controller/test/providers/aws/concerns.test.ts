// Which requests an event of AWS concerns: account, region, name and ARN, staging labels.
import test from 'ava';
import { awsConcern } from '../../../src/providers/aws/concerns.ts';
import { parseQueueUrl, queueUrlFault } from '../../../src/providers/aws/queue-url.ts';
import type { AwsNotice } from '../../../src/providers/notice.ts';

const OWN = '111111111111';
const OTHER = '222222222222';
const arnOf = (region: string, account = OWN) =>
	`arn:aws:secretsmanager:${region}:${account}:secret:db-a1b2c3`;
const notice = (changes: Partial<AwsNotice> = {}): AwsNotice => ({
	origin: 'aws',
	account: OWN,
	region: 'eu-west-1',
	path: 'db',
	arn: arnOf(changes.region ?? 'eu-west-1', changes.account),
	label: 'AWSCURRENT',
	version: 'v2',
	id: 'e',
	at: 0,
	...changes,
});

const SETTINGS = { region: 'eu-west-1', regions: ['eu-west-1'], accounts: [] as string[] };
const concern = (changes: Partial<AwsNotice> = {}, settings = {}, scope = { account: OWN }) =>
	awsConcern(notice(changes), { ...SETTINGS, ...settings }, scope);

test('a secret of the own account is asked for by its name or by its ARN', t => {
	t.deepEqual(concern()?.paths, ['db', arnOf('eu-west-1')]);
});

test('the account of the role counts as the own one', t => {
	const roleArn = `arn:aws:iam::${OTHER}:role/jasm`;
	t.deepEqual(concern({ account: OTHER }, { roleArn })?.paths, ['db', arnOf('eu-west-1', OTHER)]);
});

test('a secret of another listed account is asked for by its ARN only', t => {
	t.deepEqual(concern({ account: OTHER }, { accounts: [OTHER] })?.paths, [arnOf('eu-west-1', OTHER)]);
});

test('an account or a region that is not listed is none of this provider', t => {
	t.is(concern({ account: OTHER }), undefined);
	t.is(concern({ region: 'us-east-1' }), undefined);
});

test('an event of the primary region is about the replicas in the regions of the provider', t => {
	const settings = { regions: ['eu-west-1', 'cn-north-1'] };
	const found = awsConcern(
		notice({ region: 'us-east-1' }),
		{ ...SETTINGS, ...settings },
		{ account: OWN, regions: ['us-east-1'] },
	);
	t.deepEqual(found?.paths, [
		'db',
		arnOf('eu-west-1'),
		arnOf('cn-north-1').replace('arn:aws:', 'arn:aws-cn:'),
	]);
});

test('a request follows the label that moved; AWSPREVIOUS moves with AWSCURRENT, a version id never', t => {
	const id = 'a1b2c3d4-5678-90ab-cdef-0123456789ab';
	const follows = concern()!.follows;
	t.deepEqual(follows(undefined), { version: 'v2' });
	t.deepEqual(follows('AWSCURRENT'), { version: 'v2' });
	t.deepEqual(follows('AWSPREVIOUS'), {});
	t.is(follows('blue'), undefined);
	t.is(follows(id), undefined);
	const custom = concern({ label: 'blue' })!.follows;
	t.deepEqual(custom('blue'), { version: 'v2' });
	t.is(custom(undefined), undefined);
	const pending = concern({ label: 'AWSPENDING' })!.follows;
	t.is(pending(undefined), undefined);
});

test('an event without a label can have moved each of them', t => {
	const { label: _, version: __, ...rest } = notice();
	const { follows } = awsConcern(rest, SETTINGS, { account: OWN })!;
	t.deepEqual(follows(undefined), {});
	t.deepEqual(follows('blue'), {});
	t.is(follows('a1b2c3d4-5678-90ab-cdef-0123456789ab'), undefined);
});

test('the URL of a queue is one of AWS, or of an emulator where the provider has one', t => {
	const url = `https://sqs.eu-west-1.amazonaws.com/${OWN}/jasm-prod`;
	t.deepEqual(parseQueueUrl(url), { region: 'eu-west-1', account: OWN, name: 'jasm-prod' });
	const chinese = `https://sqs.cn-north-1.amazonaws.com.cn/${OWN}/jasm`;
	t.is(parseQueueUrl(chinese)?.region, 'cn-north-1');
	t.is(queueUrlFault(url, false), undefined);
	const emulated = `http://127.0.0.1:4566/${OWN}/jasm`;
	t.is(queueUrlFault(emulated, true), undefined);
	t.regex(queueUrlFault(emulated, false)!, /no endpoint of an emulator/);
	for (const wrong of [
		'queue',
		'https://sqs.eu-west-1.amazonaws.com/jasm',
		`https://sqs.eu-west-1.amazonaws.com/${OWN}/a/b`,
		`https://sqs.eu-west-1.amazonaws.com/${OWN}/jasm?x=1`,
		`https://user@sqs.eu-west-1.amazonaws.com/${OWN}/jasm`,
		`http://169.254.169.254/${OWN}/jasm`,
		`ftp://sqs.eu-west-1.amazonaws.com/${OWN}/jasm`,
	]) {
		t.is(parseQueueUrl(wrong), undefined, wrong);
	}

	const evil = `https://sqs.eu-west-1.amazonaws.com.evil.example/${OWN}/jasm`;
	t.regex(queueUrlFault(evil, false)!, /is not a URL of AWS/);
});

test('a notice that names the provider concerns what annotations call so, and expects its version only of AWSCURRENT', t => {
	const named = { origin: 'named', provider: 'aws', path: 'db', version: 'v2', id: 'e', at: 0 } as const;
	const found = awsConcern(named, SETTINGS, {});
	t.deepEqual(found?.paths, ['db']);
	t.deepEqual(found?.follows(undefined), { version: 'v2' });
	t.deepEqual(found?.follows('BLUE'), {});
	t.is(found?.follows('0123456789abcdef0123456789abcdef'), undefined);
});
