// What every provider promises within a process: all promises of the contract, deadlines, silence about values.
import { isUtf8 } from 'node:buffer';
import { setImmediate as turn } from 'node:timers/promises';
import { inspect } from 'node:util';
import { queryObjects } from 'node:v8';
import test, { type ExecutionContext } from 'ava';
import { JasmError } from '../../../src/errors.ts';
import { createProviders } from '../../../src/providers/registry.ts';
import { SecretValue } from '../../../src/providers/secret-value.ts';
import { type Clock, systemClock } from '../../../src/runtime/clock.ts';
import { payloadToValues } from '../../../src/sync/payload.ts';
import { VirtualClock } from '../../helpers/clocks/virtual-clock.ts';
import { testPromises } from './contract-promises.ts';
import { FAULTS, type ProviderUnderTest, REFUSED, refusal } from './contract-store.ts';

export { type Fault, refusal } from './contract-store.ts';

const NAME = 'under-test';
const TIMEOUT_MS = 5_000;

const CANARIES = ['QZ7text-canary', 'QZ7nested-canary', '7429187429187429'];
const CANARY_PAYLOAD = `{"QZ7key-canary":"${CANARIES[0]}","o":{"n":"${CANARIES[1]}"},"n":${CANARIES[2]}}`;

export function testProvider(product: ProviderUnderTest): void {
	const { name, start, refusedPaths = [], pathOf = path => path } = product;
	const db = pathOf('prod/db');
	const never = pathOf('prod/never');

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

	testPromises(product, () => async t => {
		const { store, read } = await harness(t);
		return {
			store,
			async members(path, version) {
				const value = await read(path, version);
				const entries = Array.from(
					payloadToValues(value),
					([key, bytes]) => [key, Buffer.from(bytes as string)] as const,
				);
				return { version: value.version, values: Object.fromEntries(entries) };
			},
			async whole(path, version) {
				const value = await read(path, version);
				t.is(value.binary, !isUtf8(value.payload()));
				return { version: value.version, values: { whole: value.payload() } };
			},
			refused: path => refusal(read(path)),
		};
	});

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

	test(`${name}: what refuses a path needs no store: validatePath and read agree`, async t => {
		const { registry, read } = await harness(t);
		for (const path of [...REFUSED, ...refusedPaths]) {
			const error = t.throws(() => registry.validatePath(NAME, { path }), { instanceOf: JasmError }, path);
			t.is((await refusal(read(path))).code, error.code, path);
		}
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
