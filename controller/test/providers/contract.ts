// What every provider promises, whatever its store: values, classes of errors, deadlines, silence about values.
import { inspect } from 'node:util';
import test, { type ExecutionContext } from 'ava';
import { type ErrorCode, JasmError } from '../../src/errors.ts';
import { payloadToValues } from '../../src/payload.ts';
import type { Environment, ProviderConfig } from '../../src/providers/provider.ts';
import { createProviders } from '../../src/providers/registry.ts';
import { type Clock, systemClock } from '../../src/runtime/clock.ts';
import type { SecretValue } from '../../src/secret-value.ts';
import { VirtualClock } from '../helpers/virtual-clock.ts';

/** Ways in which a store can fail; each provider's test brings them about on the wire. */
export const FAULTS = [
	'denied',
	'unauthenticated',
	'throttled',
	'unavailable',
	'garbage',
	'truncated',
	'stalled',
	'hung',
] as const;

export type Fault = (typeof FAULTS)[number];

/** A running store with what a provider needs to reach it. */
export type Store = {
	/** The provider's configuration; the contract adds `timeoutMs`. */
	readonly config: ProviderConfig;
	readonly env: Environment;
	/** Writes a new current version of a secret; JSON text where `form` is json. */
	put(path: string, payload: string | Buffer): { readonly version: string };
	/** Removes a secret so that the store answers as if it had never been. */
	remove(path: string): void;
	/** Makes every read fail in one way until `stop`. */
	fail(fault: Fault): { stop(): void };
	/** Reads that arrived so far. */
	reads(): number;
	/** Resolves once so many reads have arrived. */
	arrived(reads: number): Promise<unknown>;
	close(): Promise<void>;
};

export type ProviderUnderTest = {
	/** Begins the titles. */
	readonly name: string;
	start(): Promise<Store>;
	/** Payloads other than JSON objects that the store can hold. */
	readonly forms: readonly ('text' | 'binary')[];
	/** Paths that this provider refuses, beyond those that all refuse. */
	readonly refusedPaths?: readonly string[];
};

const NAME = 'under-test';
const TIMEOUT_MS = 5_000;

/** Refused by every provider, and by each before anything leaves the process. */
const REFUSED = [
	'',
	'..',
	'../other',
	'a/../b',
	'a//b',
	'a%2e%2e/b',
	'a\\b',
	'a\u0000b',
	'a b',
	'a ',
	'a\n',
	'a?b',
	'a#b',
	'pröd/db',
	'a\u202eb',
	'рrod/db',
	'a/',
	'x'.repeat(2_000),
];

const CANARIES = ['QZ7text-canary', 'QZ7nested-canary', '7429187429187429'];
const CANARY_PAYLOAD = `{"QZ7key-canary":"${CANARIES[0]}","o":{"n":"${CANARIES[1]}"},"n":${CANARIES[2]}}`;

const EXPECTED: Readonly<Record<Exclude<Fault, 'stalled' | 'hung'>, ErrorCode>> = {
	denied: 'PROVIDER_DENIED',
	unauthenticated: 'PROVIDER_AUTH',
	throttled: 'PROVIDER_THROTTLED',
	unavailable: 'PROVIDER_UNAVAILABLE',
	garbage: 'PROVIDER_UNAVAILABLE',
	truncated: 'PROVIDER_UNAVAILABLE',
};

export function testProvider({ name, start, forms, refusedPaths = [] }: ProviderUnderTest): void {
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
		const numbers = '"int":12345678901234567890,"money":1.10,"deep":{"n":[9007199254740993]}';
		store.put('prod/db', `{"text":"p\u00e4ss \\"w\\"","flag":true,"none":null,${numbers}}`);
		const value = await read('prod/db');
		t.false(value.binary);
		t.deepEqual(
			Object.fromEntries(Array.from(payloadToValues(value), ([key, bytes]) => [key, bytes.toString()])),
			{
				text: 'p\u00e4ss "w"',
				flag: 'true',
				none: '',
				int: '12345678901234567890',
				money: '1.10',
				deep: '{"n":[9007199254740993]}',
			},
		);
	});

	test(`${name}: a read gives the current version, and a new value is a new version`, async t => {
		const { store, read } = await harness(t);
		const first = store.put('prod/db', '{"a":"1"}');
		t.is((await read('prod/db')).version, first.version);
		const second = store.put('prod/db', '{"a":"2"}');
		const value = await read('prod/db');
		t.is(value.version, second.version);
		t.not(first.version, second.version);
		t.is(payloadToValues(value).get('a')?.toString(), '2');
	});

	test(`${name}: a pinned version is read even when it is not the current one`, async t => {
		const { store, read } = await harness(t);
		const first = store.put('prod/db', '{"a":"1"}');
		store.put('prod/db', '{"a":"2"}');
		const value = await read('prod/db', first.version);
		t.is(value.version, first.version);
		t.is(payloadToValues(value).get('a')?.toString(), '1');
	});

	if (forms.includes('text')) {
		test(`${name}: plain text arrives byte for byte`, async t => {
			const { store, read } = await harness(t);
			store.put('prod/text', ' line\r\n\tpäss\u{1f511} ');
			t.is((await read('prod/text')).payload().toString(), ' line\r\n\tpäss\u{1f511} ');
		});
	}

	if (forms.includes('binary')) {
		test(`${name}: bytes arrive as they are and are known as binary`, async t => {
			const { store, read } = await harness(t);
			const bytes = Buffer.from([0, 255, 0xc3, 0x28, 13, 10]);
			store.put('prod/bytes', bytes);
			const value = await read('prod/bytes');
			t.true(value.binary);
			t.deepEqual(value.payload(), bytes);
		});
	}

	test(`${name}: a secret that never was, and one that is gone, are reported as absent`, async t => {
		const { store, read } = await harness(t);
		t.is((await refusal(read('prod/never'))).code, 'SECRET_NOT_FOUND');
		store.put('prod/gone', '{"a":"1"}');
		store.remove('prod/gone');
		t.is((await refusal(read('prod/gone'))).code, 'SECRET_NOT_FOUND');
	});

	test(`${name}: a denied read is not reported as absent, be the secret there or not`, async t => {
		const { store, read } = await harness(t);
		store.put('prod/db', '{"a":"1"}');
		store.fail('denied');
		const errors = [await refusal(read('prod/db')), await refusal(read('prod/not'))];
		t.deepEqual(
			errors.map(({ code }) => code),
			['PROVIDER_DENIED', 'PROVIDER_DENIED'],
		);
		t.is(errors[1]!.message, errors[0]!.message.replace('prod/db', 'prod/not'));
	});

	for (const [fault, code] of Object.entries(EXPECTED) as [keyof typeof EXPECTED, ErrorCode][]) {
		test(`${name}: a store that is ${fault} is ${code}, and a later read is well again`, async t => {
			const { store, read } = await harness(t);
			store.put('prod/db', '{"a":"1"}');
			const injected = store.fail(fault);
			t.is((await refusal(read('prod/db'))).code, code);
			injected.stop();
			t.is((await read('prod/db')).payload().toString(), '{"a":"1"}');
		});
	}

	for (const fault of ['hung', 'stalled'] as const) {
		test(`${name}: a ${fault} read ends at its deadline as an outage, never as absence`, async t => {
			const clock = new VirtualClock();
			const { store, read } = await harness(t, clock);
			store.put('prod/db', '{"a":"1"}');
			store.fail(fault);
			const error = refusal(read('prod/db'));
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
		const error = refusal(provider.read({ path: 'prod/db' }, controller.signal));
		await store.arrived(1);
		controller.abort();
		t.is((await error).code, 'ABORTED');
		const before = store.reads();
		t.is((await refusal(provider.read({ path: 'prod/db' }, controller.signal))).code, 'ABORTED');
		t.is(store.reads(), before);
	});

	test(`${name}: closing ends what is being read, and nothing is read afterwards`, async t => {
		const { store, registry, read } = await harness(t);
		store.fail('hung');
		const error = refusal(read('prod/db'));
		await store.arrived(1);
		await registry.close();
		t.is((await error).code, 'ABORTED');
		const before = store.reads();
		t.is((await refusal(read('prod/db'))).code, 'ABORTED');
		t.is(store.reads(), before);
	});

	test(`${name}: a finished read leaves no timer behind`, async t => {
		const clock = new VirtualClock();
		const { store, read } = await harness(t, clock);
		store.put('prod/db', '{"a":"1"}');
		await read('prod/db');
		await refusal(read('prod/never'));
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

	test(`${name}: no error shows a value, a key, or keeps what the store answered`, async t => {
		const clock = new VirtualClock();
		const { store, read } = await harness(t, clock);
		store.put('prod/db', CANARY_PAYLOAD);
		for (const fault of FAULTS) {
			const injected = store.fail(fault);
			const before = store.reads();
			const failed = refusal(read('prod/db'));
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

/** The coded error that a read fails with; anything else fails the test. */
export async function refusal(read: Promise<SecretValue>): Promise<JasmError> {
	const error = await read.then(
		() => new Error('expected the read to fail'),
		(reason: unknown) => reason,
	);
	if (error instanceof JasmError) {
		return error;
	}

	throw error;
}
