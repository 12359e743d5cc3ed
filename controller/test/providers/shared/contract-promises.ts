// The promises of every provider that hold wherever it runs: within a test, and within the controller as it is shipped.
import test, { type ExecutionContext } from 'ava';
import type { ErrorCode } from '../../../src/errors.ts';
import { EXPECTED, NUMBERS, type ProviderUnderTest, REFUSED, type Store } from './contract-store.ts';

/** What a read gave. */
export type Got = {
	readonly version: string;
	/** The values by key, for `members`; the payload under one key, for `whole`. */
	readonly values: Readonly<Record<string, Buffer>>;
};

/** What a read failed with. */
export type Refusal = { readonly code: ErrorCode; readonly message: string };

/** A store, and a provider that reads from it. */
export type Opened = {
	readonly store: Store;
	/** Takes a JSON object member by member. */
	members(path: string, version?: string): Promise<Got>;
	/** Takes the payload as it is, under the key `whole`. */
	whole(path: string, version?: string): Promise<Got>;
	/** What the read of the path fails with; fails itself where the read succeeds. */
	refused(path: string): Promise<Refusal>;
};

/** Reserves a store for one test when that is declared; opens it when the test runs. */
export type Reserve = (product: ProviderUnderTest) => (t: ExecutionContext) => Promise<Opened>;

export function testPromises(product: ProviderUnderTest, reserve: Reserve): void {
	const { name, forms, refusedPaths = [], pathOf = path => path, versions = true } = product;
	const { numbers = 'exact' } = product;
	const db = pathOf('prod/db');
	const gone = pathOf('prod/gone');
	const never = pathOf('prod/never');
	const other = pathOf('prod/not');

	const promise = (title: string, check: (t: ExecutionContext, opened: Opened) => Promise<void>): void => {
		const open = reserve(product);
		test(`${name}: ${title}`, async t => check(t, await open(t)));
	};

	promise('a JSON object arrives member by member, its numbers as they were written', async (t, opened) => {
		const written = '"int":12345678901234567890,"money":1.10,"deep":{"n":[9007199254740993]}';
		await opened.store.put(db, `{"text":"p\u00e4ss \\"w\\"","flag":true,"none":null,${written}}`);
		const { values } = await opened.members(db);
		t.deepEqual(textsOf(values), { text: 'p\u00e4ss "w"', flag: 'true', none: '', ...NUMBERS[numbers] });
	});

	promise('a read gives the current version, and a new value is a new version', async (t, opened) => {
		const first = await opened.store.put(db, '{"a":"1"}');
		t.is((await opened.members(db)).version, first.version);
		const second = await opened.store.put(db, '{"a":"2"}');
		const { version, values } = await opened.members(db);
		t.is(version, second.version);
		t.is(first.version !== second.version, versions);
		t.deepEqual(textsOf(values), { a: '2' });
	});

	if (versions) {
		promise('a pinned version is read even when it is not the current one', async (t, opened) => {
			const first = await opened.store.put(db, '{"a":"1"}');
			await opened.store.put(db, '{"a":"2"}');
			const { version, values } = await opened.members(db, first.version);
			t.is(version, first.version);
			t.deepEqual(textsOf(values), { a: '1' });
		});
	}

	if (forms.includes('text')) {
		promise('plain text arrives byte for byte', async (t, opened) => {
			await opened.store.put(db, ' line\r\n\tpäss\u{1f511} ');
			t.deepEqual(textsOf((await opened.whole(db)).values), { whole: ' line\r\n\tpäss\u{1f511} ' });
		});
	}

	if (forms.includes('binary')) {
		promise('bytes arrive as they are', async (t, opened) => {
			const bytes = Buffer.from([0, 255, 0xc3, 0x28, 13, 10]);
			await opened.store.put(db, bytes);
			t.deepEqual((await opened.whole(db)).values['whole'], bytes);
		});
	}

	promise('a secret that never was, and one that is gone, are reported as absent', async (t, opened) => {
		t.is((await opened.refused(never)).code, 'SECRET_NOT_FOUND');
		await opened.store.put(gone, '{"a":"1"}');
		await opened.store.remove(gone);
		t.is((await opened.refused(gone)).code, 'SECRET_NOT_FOUND');
	});

	promise('a denied read is not reported as absent, be the secret there or not', async (t, opened) => {
		await opened.store.put(db, '{"a":"1"}');
		opened.store.fail('denied');
		const there = await opened.refused(db);
		const missing = await opened.refused(other);
		t.deepEqual([there.code, missing.code], ['PROVIDER_DENIED', 'PROVIDER_DENIED']);
		t.is(missing.message, there.message.replaceAll(db, other));
	});

	for (const [fault, code] of Object.entries(EXPECTED) as [keyof typeof EXPECTED, ErrorCode][]) {
		promise(`a store that is ${fault} is ${code}, and a later read is well again`, async (t, opened) => {
			await opened.store.put(db, '{"a":"1"}');
			const injected = opened.store.fail(fault);
			t.is((await opened.refused(db)).code, code);
			injected.stop();
			t.deepEqual(textsOf((await opened.members(db)).values), { a: '1' });
		});
	}

	promise('a path that could lead elsewhere is refused before any call', async (t, opened) => {
		const paths = [...REFUSED, ...refusedPaths];
		const refusals = await Promise.all(paths.map(path => opened.refused(path)));
		for (const [index, { code }] of refusals.entries()) {
			const expected = ['PROVIDER_REQUEST_INVALID', 'POLICY_DENIED', 'ANNOTATION_INVALID'];
			t.true(expected.includes(code), `${paths[index]}: ${code}`);
		}

		t.is(opened.store.reads(), 0);
	});
}

const textsOf = (values: Got['values']): Record<string, string> =>
	Object.fromEntries(Object.entries(values).map(([key, bytes]) => [key, bytes.toString()]));
