// What every provider promises, whatever its store: values, classes of errors, deadlines, silence about values.
import { setImmediate as turn } from 'node:timers/promises';
import { inspect } from 'node:util';
import { queryObjects } from 'node:v8';
import test, { type ExecutionContext } from 'ava';
import { type ErrorCode, JasmError } from '../../src/errors.ts';
import { payloadToValues } from '../../src/payload.ts';
import { createProviders } from '../../src/providers/registry.ts';
import { type Clock, systemClock } from '../../src/runtime/clock.ts';
import { SecretValue } from '../../src/secret-value.ts';
import { VirtualClock } from '../helpers/virtual-clock.ts';
import { EXPECTED, FAULTS, NUMBERS, type ProviderUnderTest, REFUSED, refusal } from './contract-store.ts';

export { type Fault, refusal } from './contract-store.ts';

const NAME = 'under-test';
const TIMEOUT_MS = 5_000;

const CANARIES = ['QZ7text-canary', 'QZ7nested-canary', '7429187429187429'];
const CANARY_PAYLOAD = `{"QZ7key-canary":"${CANARIES[0]}","o":{"n":"${CANARIES[1]}"},"n":${CANARIES[2]}}`;

export function testProvider({
	name,
	start,
	forms,
	refusedPaths = [],
	pathOf = path => path,
	versions = true,
	numbers = 'exact',
}: ProviderUnderTest): void {
	const [db, gone, never, other] = ['prod/db', 'prod/gone', 'prod/never', 'prod/not'].map(pathOf) as [
		string,
		string,
		string,
		string,
	];

	async function harness(t: ExecutionContext, clock: Clock = systemClock) {
		const store = await start();
		const { env } = store;
		const config = { ...store.config, timeoutMs: TIMEOUT_MS };
		const registry = createProviders({ [NAME]: config }, { env, clock, warn: () => {} });
		t.teardown(async () => {
			await registry.close();
			await store.close();
		});
		const provider = await registry.get(NAME);
		const read = (path: string, version?: string) =>
			provider.read(version === undefined ? { path } : { path, version }, new AbortController().signal);
		return { store, registry, provider, read };
	}

	test(`${name}: a JSON object arrives member by member, its numbers as they were written`, async t => {
		const { store, read } = await harness(t);
		const written = '"int":12345678901234567890,"money":1.10,"deep":{"n":[9007199254740993]}';
		await store.put(db, `{"text":"p\u00e4ss \\"w\\"","flag":true,"none":null,${written}}`);
		const value = await read(db);
		t.false(value.binary);
		t.deepEqual(
			Object.fromEntries(Array.from(payloadToValues(value), ([key, bytes]) => [key, bytes.toString()])),
			{
				text: 'p\u00e4ss "w"',
				flag: 'true',
				none: '',
				...NUMBERS[numbers],
			},
		);
	});

	test(`${name}: a read gives the current version, and a new value is a new version`, async t => {
		const { store, read } = await harness(t);
		const first = await store.put(db, '{"a":"1"}');
		t.is((await read(db)).version, first.version);
		const second = await store.put(db, '{"a":"2"}');
		const value = await read(db);
		t.is(value.version, second.version);
		t.is(first.version !== second.version, versions);
		t.is(payloadToValues(value).get('a')?.toString(), '2');
	});

	if (versions) {
		test(`${name}: a pinned version is read even when it is not the current one`, async t => {
			const { store, read } = await harness(t);
			const first = await store.put(db, '{"a":"1"}');
			await store.put(db, '{"a":"2"}');
			const value = await read(db, first.version);
			t.is(value.version, first.version);
			t.is(payloadToValues(value).get('a')?.toString(), '1');
		});
	}

	if (forms.includes('text')) {
		test(`${name}: plain text arrives byte for byte`, async t => {
			const { store, read } = await harness(t);
			await store.put(db, ' line\r\n\tpäss\u{1f511} ');
			t.is((await read(db)).payload().toString(), ' line\r\n\tpäss\u{1f511} ');
		});
	}

	if (forms.includes('binary')) {
		test(`${name}: bytes arrive as they are and are known as binary`, async t => {
			const { store, read } = await harness(t);
			const bytes = Buffer.from([0, 255, 0xc3, 0x28, 13, 10]);
			await store.put(db, bytes);
			const value = await read(db);
			t.true(value.binary);
			t.deepEqual(value.payload(), bytes);
		});
	}

	test(`${name}: a secret that never was, and one that is gone, are reported as absent`, async t => {
		const { store, read } = await harness(t);
		t.is((await refusal(read(never))).code, 'SECRET_NOT_FOUND');
		await store.put(gone, '{"a":"1"}');
		await store.remove(gone);
		t.is((await refusal(read(gone))).code, 'SECRET_NOT_FOUND');
	});

	test(`${name}: a denied read is not reported as absent, be the secret there or not`, async t => {
		const { store, read } = await harness(t);
		await store.put(db, '{"a":"1"}');
		store.fail('denied');
		const errors = [await refusal(read(db)), await refusal(read(other))];
		t.deepEqual(
			errors.map(({ code }) => code),
			['PROVIDER_DENIED', 'PROVIDER_DENIED'],
		);
		t.is(errors[1]!.message, errors[0]!.message.replace(db, other));
	});

	for (const [fault, code] of Object.entries(EXPECTED) as [keyof typeof EXPECTED, ErrorCode][]) {
		test(`${name}: a store that is ${fault} is ${code}, and a later read is well again`, async t => {
			const { store, read } = await harness(t);
			await store.put(db, '{"a":"1"}');
			const injected = store.fail(fault);
			t.is((await refusal(read(db))).code, code);
			injected.stop();
			t.is((await read(db)).payload().toString(), '{"a":"1"}');
		});
	}

	for (const fault of ['hung', 'stalled'] as const) {
		test(`${name}: a ${fault} read ends at its deadline as an outage, never as absence`, async t => {
			const clock = new VirtualClock();
			const { store, read } = await harness(t, clock);
			await store.put(db, '{"a":"1"}');
			store.fail(fault);
			const error = refusal(read(db));
			await store.arrived(1);
			t.true(clock.pending !== undefined && clock.pending <= 2 * TIMEOUT_MS);
			await clock.advance(2 * TIMEOUT_MS);
			t.is((await error).code, 'PROVIDER_UNAVAILABLE');
			t.is(clock.timers, 0);
		});
	}

	test(`${name}: cancelling ends a read at once, and a cancelled one never starts`, async t => {
		const { store, provider } = await harness(t);
		store.fail('hung');
		const controller = new AbortController();
		const error = refusal(provider.read({ path: db }, controller.signal));
		await store.arrived(1);
		controller.abort();
		t.is((await error).code, 'ABORTED');
		const before = store.reads();
		t.is((await refusal(provider.read({ path: db }, controller.signal))).code, 'ABORTED');
		t.is(store.reads(), before);
	});

	test(`${name}: closing ends what is being read, and nothing is read afterwards`, async t => {
		const { store, registry, read } = await harness(t);
		store.fail('hung');
		const error = refusal(read(db));
		await store.arrived(1);
		await registry.close();
		t.is((await error).code, 'ABORTED');
		const before = store.reads();
		t.is((await refusal(read(db))).code, 'ABORTED');
		t.is(store.reads(), before);
	});

	test(`${name}: a finished read leaves no timer behind`, async t => {
		const clock = new VirtualClock();
		const { store, read } = await harness(t, clock);
		await store.put(db, '{"a":"1"}');
		await read(db);
		await refusal(read(never));
		t.is(clock.timers, 0);
	});

	test(`${name}: a path that could lead elsewhere is refused before any call`, async t => {
		const { store, registry, read } = await harness(t);
		for (const path of [...REFUSED, ...refusedPaths]) {
			const error = t.throws(() => registry.validatePath(NAME, { path }), { instanceOf: JasmError }, path);
			t.true(['PROVIDER_REQUEST_INVALID', 'POLICY_DENIED'].includes(error.code), path);
			t.is((await refusal(read(path))).code, error.code, path);
		}

		t.is(store.reads(), 0);
	});

	// Serial, so that no other test of the file holds values meanwhile.
	test.serial(`${name}: a value that was read is forgotten with its reader`, async t => {
		const { store, read } = await harness(t);
		await store.put(db, '{"a":"1"}');
		let value: SecretValue | undefined = await read(db);
		const held = queryObjects(SecretValue, { format: 'count' });
		t.is(value.payload().toString(), '{"a":"1"}');
		value = undefined;
		await turn();
		t.is(queryObjects(SecretValue, { format: 'count' }), held - 1);
	});

	test(`${name}: no error shows a value, a key, or keeps what the store answered`, async t => {
		const clock = new VirtualClock();
		const { store, read } = await harness(t, clock);
		await store.put(db, CANARY_PAYLOAD);
		for (const fault of FAULTS) {
			const injected = store.fail(fault);
			const before = store.reads();
			const failed = refusal(read(db));
			if (fault === 'hung' || fault === 'stalled') {
				await store.arrived(before + 1);
				await clock.advance(2 * TIMEOUT_MS);
			}

			const error = await failed;
			injected.stop();
			t.is(error.cause, undefined, fault);
			const shown = [
				inspect(error, { showHidden: true, depth: 20 }),
				JSON.stringify(error),
				error.stack,
			].join();
			for (const canary of [...CANARIES, 'QZ7key-canary']) {
				t.false(shown.includes(canary.slice(0, 8)), `${fault}: ${canary}`);
				t.false(shown.includes(Buffer.from(canary).toString('base64').slice(0, 8)), `${fault}: ${canary}`);
			}
		}
	});
}
