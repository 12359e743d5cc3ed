// What events of Azure Key Vault say, in both schemas of Event Grid, and that no body breaks the reader.
import test from 'ava';
import fc from 'fast-check';
import { parseAzureEvents } from '../../src/changes/azure-notice.ts';

const NOW = Date.UTC(2026, 1, 1);
const VERSION = 'ee059b2bb5bc48398a53b168c6cdcb10';
const ID = `https://sample-kv.vault.azure.net/secrets/newsecret/${VERSION}`;

/** As in the manual of Key Vault, with its odd spaces. */
const GRID = {
	id: '00eccf70-95a7-4e7c-8299-2eb17ee9ad64',
	topic: '/subscriptions/s/resourceGroups/g/providers/Microsoft.KeyVault/vaults/sample-kv',
	subject: 'newsecret',
	eventType: 'Microsoft.KeyVault.SecretNewVersionCreated',
	eventTime: '2019-07-25T01:08:33.1036736Z',
	dataVersion: '1',
	metadataVersion: '1',
	data: {
		Id: ID,
		VaultName: 'sample-kv',
		ObjectType: 'Secret',
		'ObjectName ': 'newsecret',
		Version: ` ${VERSION}`,
		NBF: '1559081980',
	},
};

const CLOUD = {
	id: GRID.id,
	source: GRID.topic,
	subject: 'newsecret',
	type: GRID.eventType,
	time: GRID.eventTime,
	specversion: '1.0',
	data: GRID.data,
};

const parse = (event: unknown) => parseAzureEvents(event, NOW);
const noticesOf = (event: unknown) => {
	const parsed = parse(event);
	return parsed.kind === 'notices' ? parsed.notices : parsed.kind;
};

const NOTICE = {
	origin: 'azure',
	host: 'sample-kv.vault.azure.net',
	path: 'newsecret',
	version: VERSION,
	id: GRID.id,
	at: Date.UTC(2019, 6, 25, 1, 8, 33, 103),
} as const;

test('both schemas name vault, secret, version and time, alone and in a list', t => {
	for (const event of [GRID, CLOUD]) {
		t.deepEqual(noticesOf(event), [NOTICE]);
		t.deepEqual(noticesOf([event]), [NOTICE]);
		t.deepEqual(noticesOf([event, event]), [NOTICE, NOTICE]);
	}
});

test('only the id of the object counts, under a key of any case and with any space around it', t => {
	for (const data of [
		{ id: ID },
		{ ' ID ': ` ${ID} ` },
		{ ...GRID.data, ObjectName: 'other', VaultName: 'x' },
	]) {
		t.deepEqual(noticesOf({ ...GRID, data }), [NOTICE]);
	}

	const upper = 'https://SAMPLE-KV.VAULT.AZURE.NET/secrets/newsecret/EE059B2BB5BC48398A53B168C6CDCB10';
	t.deepEqual(noticesOf({ ...GRID, data: { Id: upper } }), [NOTICE]);
});

test('a new version of a certificate is one of the secret of its name', t => {
	const data = { Id: ID.replace('/secrets/', '/certificates/') };
	t.deepEqual(noticesOf({ ...GRID, eventType: 'Microsoft.KeyVault.CertificateNewVersionCreated', data }), [
		NOTICE,
	]);
});

test('an event that changes no value is no notice', t => {
	for (const type of [
		'SecretNearExpiry',
		'SecretExpired',
		'KeyNewVersionCreated',
		'VaultAccessPolicyChanged',
	]) {
		t.deepEqual(noticesOf({ ...GRID, eventType: `Microsoft.KeyVault.${type}` }), []);
		t.deepEqual(noticesOf({ ...CLOUD, type: `Microsoft.KeyVault.${type}` }), []);
	}
});

test('an event of another service is foreign, and does not hide one of Key Vault beside it', t => {
	const other = { ...GRID, eventType: 'Microsoft.Storage.BlobCreated' };
	t.is(noticesOf(other), 'foreign');
	t.is(noticesOf([other, other]), 'foreign');
	t.deepEqual(noticesOf([other, GRID]), [NOTICE]);
});

test('an event without a version names the current one, and one from the future happened now', t => {
	const { version: _, ...current } = NOTICE;
	const data = { Id: 'https://sample-kv.vault.azure.net/secrets/newsecret' };
	t.deepEqual(noticesOf({ ...GRID, data }), [current]);
	t.deepEqual(noticesOf({ ...GRID, eventTime: '2999-01-01T00:00:00Z' }), [{ ...NOTICE, at: NOW }]);
	t.deepEqual(noticesOf({ ...CLOUD, time: 'yesterday' }), [{ ...NOTICE, at: NOW }]);
});

test('a body that is no event, or that names no secret of a vault, is malformed', t => {
	const ids = [
		'http://sample-kv.vault.azure.net/secrets/newsecret',
		'https://sample-kv.vault.azure.net/keys/newsecret',
		'https://sample-kv.vault.azure.net/secrets/../keys/x',
		'https://sample-kv.vault.azure.net/secrets/a%2Fb',
		`https://sample-kv.vault.azure.net/secrets/newsecret/${VERSION}/more`,
		'newsecret',
		'',
		7,
	];
	const { id: _, ...unnamed } = GRID;
	const bodies = [
		...ids.map(Id => ({ ...GRID, data: { Id } })),
		...[undefined, null, [], 'text'].map(data => ({ ...GRID, data })),
		...[null, 1, 'text', [], {}, [[GRID]], unnamed, [GRID, {}]],
		JSON.parse(`{"__proto__":${JSON.stringify(GRID)}}`),
	];
	for (const body of bodies) {
		t.is(parse(body).kind, 'malformed', JSON.stringify(body)?.slice(0, 80));
	}
});

test('whatever the body is, reading it ends and every notice is about names', t => {
	const mutated = fc
		.record({ key: fc.constantFrom(...Object.keys({ ...GRID, ...CLOUD })), value: fc.jsonValue() })
		.chain(({ key, value }) => fc.constantFrom({ ...GRID, [key]: value }, { ...CLOUD, [key]: value }));
	const data = fc
		.dictionary(fc.constantFrom('Id', 'id', ' ID', '__proto__'), fc.oneof(fc.webUrl(), fc.jsonValue()))
		.map(value => ({ ...GRID, data: value }));
	fc.assert(
		fc.property(fc.oneof(fc.jsonValue(), mutated, data, fc.array(mutated)), body => {
			const parsed = parse(body);
			for (const { at, ...names } of parsed.kind === 'notices' ? parsed.notices : []) {
				t.true(at <= NOW);
				t.true(Object.values(names).every(each => typeof each === 'string'));
			}
		}),
		{ numRuns: 2_000 },
	);
	t.pass();
});
