// What messages say: the events of AWS in all their forms, and that no body breaks the reader.
import test from 'ava';
import fc from 'fast-check';
import { parseNotices } from '../../src/changes/notice.ts';

const NOW = Date.UTC(2026, 1, 1);
const ARN = 'arn:aws:secretsmanager:us-west-2:012345678901:secret:prod/db-a1b2c3';

/** As in the manual of Secrets Manager. */
const NATIVE = {
	version: '0',
	id: '6a7e8feb-b491-4cf7-a9f1-bf3703467718',
	'detail-type': 'Secret Label Updated',
	source: 'aws.secretsmanager',
	account: '012345678901',
	time: '2024-02-06T16:43:48Z',
	region: 'us-west-2',
	resources: [ARN],
	detail: { name: 'prod/db', labelUpdated: 'AWSCURRENT', versionId: 'a1b2c3d4-5678-90ab-cdef-EXAMPLE11111' },
};

const trail = (detail: object, type = 'AWS API Call via CloudTrail') => ({
	...NATIVE,
	'detail-type': type,
	resources: [],
	detail: { awsRegion: 'us-west-2', recipientAccountId: '012345678901', ...detail },
});

const parse = (event: unknown) => parseNotices(JSON.stringify(event), NOW);
const noticesOf = (event: unknown) => {
	const parsed = parse(event);
	return parsed.kind === 'notices' ? parsed.notices : parsed.kind;
};

test('the event of the service names account, region, secret, label, version and time', t => {
	t.deepEqual(noticesOf(NATIVE), [
		{
			origin: 'aws',
			account: '012345678901',
			region: 'us-west-2',
			path: 'prod/db',
			arn: ARN,
			label: 'AWSCURRENT',
			version: 'a1b2c3d4-5678-90ab-cdef-EXAMPLE11111',
			id: '6a7e8feb-b491-4cf7-a9f1-bf3703467718',
			at: Date.UTC(2024, 1, 6, 16, 43, 48),
		},
	]);
});

test('an event without an account is of the account that its ARN names', t => {
	const { account: _, ...event } = NATIVE;
	t.like(noticesOf(event), [{ account: '012345678901', path: 'prod/db' }]);
});

test('an event that says it comes from the future happened now', t => {
	t.like(noticesOf({ ...NATIVE, time: '2999-01-01T00:00:00Z' }), [{ at: NOW }]);
	t.like(noticesOf({ ...NATIVE, time: 'yesterday' }), [{ at: NOW }]);
});

const SECRET = { account: '012345678901', region: 'us-west-2', path: 'prod/db' };
const CALLS: readonly (readonly [what: string, event: object, notices: readonly object[]])[] = [
	[
		'a value that was put, by name',
		trail({ eventName: 'PutSecretValue', requestParameters: { secretId: 'prod/db' } }),
		[SECRET],
	],
	[
		'a value that was put, by ARN',
		trail({ eventName: 'PutSecretValue', requestParameters: { secretId: ARN } }),
		[{ ...SECRET, arn: ARN }],
	],
	[
		'an ARN in the response, which counts before the request',
		trail({
			eventName: 'UpdateSecret',
			requestParameters: { secretId: 'arn:aws:secretsmanager:us-west-2:012345678901:secret:prod/db' },
			responseElements: { arn: ARN },
		}),
		[{ ...SECRET, arn: ARN }],
	],
	[
		'an ARN in the older spelling',
		trail({
			eventName: 'UpdateSecretVersionStage',
			requestParameters: { secretId: 'x' },
			responseElements: { aRN: ARN },
		}),
		[{ ...SECRET, arn: ARN }],
	],
	[
		'a part of an ARN, which names no secret for certain',
		trail({
			eventName: 'PutSecretValue',
			requestParameters: { secretId: 'arn:aws:secretsmanager:us-west-2:012345678901:secret:prod/db' },
		}),
		[],
	],
	[
		'a secret that was created',
		trail({ eventName: 'CreateSecret', requestParameters: { name: 'prod/db' } }),
		[SECRET],
	],
	[
		'a rotation that was asked for: the value is the old one',
		trail({ eventName: 'RotateSecret', requestParameters: { secretId: 'prod/db' } }),
		[],
	],
	[
		'a secret that was deleted: the value is the old one',
		trail({ eventName: 'DeleteSecret', requestParameters: { secretId: 'prod/db' } }),
		[],
	],
	[
		'a rotation that ended',
		trail(
			{ eventName: 'RotationSucceeded', requestParameters: null, additionalEventData: { SecretId: ARN } },
			'AWS Service Event via CloudTrail',
		),
		[{ ...SECRET, arn: ARN }],
	],
	[
		'a rotation that failed',
		trail(
			{ eventName: 'RotationFailed', additionalEventData: { SecretId: ARN } },
			'AWS Service Event via CloudTrail',
		),
		[],
	],
];

for (const [what, event, expected] of CALLS) {
	test(`CloudTrail: ${what}`, t => {
		const found = noticesOf(event);
		t.is(found.length, expected.length);
		for (const [index, each] of expected.entries()) {
			t.like(found[index] as object, each);
		}
	});
}

test('an event of another source or of another type is foreign', t => {
	t.is(noticesOf({ ...NATIVE, source: 'my.app' }), 'foreign');
	t.is(noticesOf({ ...NATIVE, 'detail-type': 'Something Else' }), 'foreign');
});

test('a body that is no event is malformed', t => {
	const deep = JSON.parse(`${'{"a":'.repeat(40)}1${'}'.repeat(40)}`);
	const bodies = [
		...['', 'no JSON', '"text"', '1', 'null', '[]', '{}', '{"source":"aws.secretsmanager"}'],
		...[
			{ ...NATIVE, detail: 'text' },
			{ ...NATIVE, detail: {} },
			{ ...NATIVE, detail: [] },
		].map(each => JSON.stringify(each)),
		JSON.stringify({ ...NATIVE, resources: ['arn:aws:s3:::bucket'] }),
		JSON.stringify({ ...NATIVE, more: deep }),
		JSON.stringify({ ...NATIVE, padding: 'x'.repeat(262_144) }),
		'{"__proto__":{"source":"aws.secretsmanager","detail-type":"Secret Label Updated","detail":{}}}',
		'['.repeat(100_000),
	];
	for (const body of bodies) {
		t.is(parseNotices(body, NOW).kind, 'malformed', body.slice(0, 80));
	}
});

test('whatever the body is, reading it ends and every notice is about names', t => {
	const events = fc.oneof(
		fc.string().map(text => text),
		fc.json(),
		fc
			.record({ key: fc.constantFrom(...Object.keys(NATIVE)), value: fc.jsonValue() })
			.map(({ key, value }) => JSON.stringify({ ...NATIVE, [key]: value })),
		fc
			.dictionary(fc.constantFrom('name', 'labelUpdated', 'versionId', '__proto__'), fc.jsonValue())
			.map(detail => JSON.stringify({ ...NATIVE, detail })),
	);
	fc.assert(
		fc.property(events, body => {
			const parsed = parseNotices(body, NOW);
			for (const notice of parsed.kind === 'notices' ? parsed.notices : []) {
				const { at, ...names } = notice;
				t.true(at <= NOW);
				t.true(Object.values(names).every(each => typeof each === 'string'));
			}
		}),
		{ numRuns: 2_000 },
	);
	t.pass();
});
