// What requests say to the webhook: CloudEvents in their three forms, events of AWS and Azure, and no body breaks it.
import test from 'ava';
import fc from 'fast-check';
import { readEvents } from '../../../src/changes/webhook/body.ts';
import type { Notice } from '../../../src/providers/notice.ts';

const NOW = Date.UTC(2026, 1, 1);
const CLOUD = {
	specversion: '1.0',
	type: 'io.codnod.jasm.secret.changed.v1',
	source: '/pipelines/7',
	id: 'an-event',
	time: '2026-01-01T00:00:00Z',
	data: { provider: 'vault', path: 'prod/db', version: '7' },
};
const NOTICE = {
	origin: 'named',
	provider: 'vault',
	path: 'prod/db',
	version: '7',
	id: 'an-event',
	at: Date.UTC(2026, 0, 1),
} as const;
const AWS = {
	id: 'of-aws',
	'detail-type': 'Secret Label Updated',
	source: 'aws.secretsmanager',
	account: '012345678901',
	region: 'us-west-2',
	resources: ['arn:aws:secretsmanager:us-west-2:012345678901:secret:prod/db-a1b2c3'],
	detail: { name: 'prod/db', labelUpdated: 'AWSCURRENT', versionId: 'v2' },
};
const GRID = {
	id: 'of-azure',
	eventType: 'Microsoft.KeyVault.SecretNewVersionCreated',
	eventTime: '2026-01-01T00:00:00Z',
	data: { Id: 'https://contoso.vault.azure.net/secrets/db' },
};

const STRUCTURED = 'application/cloudevents+json; charset=utf-8';
const BATCH = 'application/cloudevents-batch+json';
const JSON_TYPE = 'application/json';
const read = (type: string | undefined, body: unknown, headers: Record<string, string> = {}) =>
	readEvents(
		{ ...(type !== undefined && { 'content-type': type }), ...headers },
		Buffer.from(typeof body === 'string' ? body : JSON.stringify(body)),
		NOW,
	);
type Seen = Notice | string;
const noticesIn = (...args: Parameters<typeof read>): readonly Seen[] => {
	const found = read(...args);
	return found.kind === 'events'
		? found.events.flatMap((each): readonly Seen[] => (each.kind === 'notices' ? each.notices : [each.kind]))
		: [found.kind];
};

test('a CloudEvent names provider, path, version and time in each of its three forms', t => {
	t.deepEqual(noticesIn(STRUCTURED, CLOUD), [NOTICE]);
	t.deepEqual(noticesIn(BATCH, [CLOUD, CLOUD]), [NOTICE, NOTICE]);
	const { data, ...attributes } = CLOUD;
	const headers = Object.fromEntries(
		Object.entries(attributes).map(([name, value]) => [`ce-${name}`, value]),
	);
	t.deepEqual(noticesIn(JSON_TYPE, data, headers), [NOTICE]);
	t.deepEqual(noticesIn(JSON_TYPE, CLOUD), [NOTICE]);
});

test('a version is text or a number, and may be left out', t => {
	const { version: _, ...current } = NOTICE;
	const versions = [
		[7, NOTICE],
		['7', NOTICE],
		['', current],
		[null, current],
		[undefined, current],
	] as const;
	for (const [version, expected] of versions) {
		t.deepEqual(noticesIn(STRUCTURED, { ...CLOUD, data: { ...CLOUD.data, version } }), [expected]);
	}
});

test('objects of EventBridge and of Event Grid are understood as they are, alone and in lists', t => {
	t.like(noticesIn(JSON_TYPE, AWS) as object[], [{ origin: 'aws', path: 'prod/db', version: 'v2' }]);
	t.like(noticesIn(JSON_TYPE, [GRID]) as object[], [
		{ origin: 'azure', host: 'contoso.vault.azure.net', path: 'db' },
	]);
	const { eventType: type, eventTime: time, ...grid } = GRID;
	const cloud = { ...grid, specversion: '1.0', source: '/vault', type, time };
	t.like(noticesIn(STRUCTURED, cloud) as object[], [{ origin: 'azure', path: 'db' }]);
	t.like(noticesIn(JSON_TYPE, [AWS, GRID, CLOUD]) as object[], [
		{ id: 'of-aws' },
		{ id: 'of-azure' },
		NOTICE,
	]);
});

test('events of other types are foreign and do not spoil the request', t => {
	const other = { ...CLOUD, type: 'com.example.other' };
	t.deepEqual(noticesIn(BATCH, [other, CLOUD]), ['foreign', NOTICE]);
	t.deepEqual(noticesIn(JSON_TYPE, { ...AWS, source: 'my.app' }), ['foreign']);
	t.deepEqual(noticesIn(BATCH, []), []);
});

test('the question of Event Grid is answered with its code, and with no other text', t => {
	const event = (data: object) => ({
		id: 'v',
		eventType: 'Microsoft.EventGrid.SubscriptionValidationEvent',
		data,
	});
	const validationUrl = 'https://169.254.169.254/';
	t.deepEqual(read(JSON_TYPE, [event({ validationCode: 'abc-1', validationUrl })]), {
		kind: 'validation',
		code: 'abc-1',
	});
	for (const validationCode of ['', 'two words', 'x'.repeat(513), 7, '\r\n']) {
		t.not(read(JSON_TYPE, [event({ validationCode, validationUrl })]).kind, 'validation');
	}
});

test('one hundred events are read, and not one more', t => {
	t.is(read(BATCH, Array(100).fill(CLOUD)).kind, 'events');
	t.deepEqual(read(BATCH, Array(101).fill(CLOUD)), { kind: 'refused', status: 413 });
});

test('a body of another content type is refused with 415', t => {
	for (const type of [
		undefined,
		'',
		'text/plain',
		'application/x-www-form-urlencoded',
		'application/jsonp',
	]) {
		t.deepEqual(read(type, CLOUD), { kind: 'refused', status: 415 });
	}
});

test('a body that is no event, or not wholly events, is refused with 400', t => {
	const { data } = CLOUD;
	const deep = '{"a":'.repeat(40) + 1 + '}'.repeat(40);
	const bodies = [
		...['', 'no JSON', '"text"', '1', 'null', '{}', '[[]]', '['.repeat(100_000), deep, '[{}]'],
		...[{ specversion: '0.3' }, { id: '' }, { source: undefined }, { type: undefined }, { data: 'text' }].map(
			changes => JSON.stringify({ ...CLOUD, ...changes }),
		),
		...[
			{ provider: '' },
			{ path: 7 },
			{ path: undefined },
			{ path: 'x'.repeat(3_000) },
			{ version: {} },
			{ version: 1.5 },
		].map(changes => JSON.stringify({ ...CLOUD, data: { ...data, ...changes } })),
		JSON.stringify([CLOUD, {}]),
		`{"__proto__":${JSON.stringify(CLOUD)}}`,
	];
	for (const body of bodies) {
		t.deepEqual(read(JSON_TYPE, body), { kind: 'refused', status: 400 }, body.slice(0, 80));
	}

	t.deepEqual(read(STRUCTURED, [CLOUD]), { kind: 'refused', status: 400 });
	t.deepEqual(read(BATCH, CLOUD), { kind: 'refused', status: 400 });
	const latin = Buffer.from(JSON.stringify({ ...CLOUD, id: 'é' }), 'latin1');
	t.deepEqual(readEvents({ 'content-type': STRUCTURED }, latin, NOW), { kind: 'refused', status: 400 });
});

test('whatever headers and body are, reading them ends and every notice is about names', t => {
	const field = fc.constantFrom(...Object.keys({ ...CLOUD, ...AWS, ...GRID }));
	const mutated = fc
		.tuple(fc.constantFrom<object>(CLOUD, AWS, GRID), field, fc.jsonValue())
		.map(([event, key, value]) => ({ ...event, [key]: value }));
	const bodies = fc.oneof(
		fc.uint8Array(),
		fc.json().map(text => Buffer.from(text)),
		fc.oneof(mutated, fc.array(mutated)).map(event => Buffer.from(JSON.stringify(event))),
	);
	const headers = fc.record(
		{
			'content-type': fc.oneof(fc.constantFrom(STRUCTURED, BATCH, JSON_TYPE), fc.string()),
			'ce-specversion': fc.constantFrom('1.0', '%'),
			'ce-type': fc.constantFrom(CLOUD.type, '%FF', ''),
			'ce-id': fc.string(),
			'ce-__proto__': fc.string(),
		},
		{ requiredKeys: [] },
	);
	fc.assert(
		fc.property(headers, bodies, (head, body) => {
			const found = readEvents(head, body, NOW);
			for (const event of found.kind === 'events' ? found.events : []) {
				for (const { at, ...names } of event.kind === 'notices' ? event.notices : []) {
					t.true(at <= NOW);
					t.true(Object.values(names).every(each => typeof each === 'string'));
				}
			}
		}),
		{ numRuns: 3_000 },
	);
	t.pass();
});
