// Values become base64 in the bytes of the request, whatever their size, form and characters.
import test from 'ava';
import fc from 'fast-check';
import { encodeValues, type Value } from '../../src/sync/encode-values.ts';

const decoded = (entries: readonly (readonly [string, Value])[]) =>
	Object.entries(JSON.parse(Buffer.concat(encodeValues(entries).pieces()).toString())).map(
		([key, value]) => [key, Buffer.from(value as string, 'base64')] as const,
	);

const arrives = (entries: readonly (readonly [string, Value])[]) => {
	const result = decoded(entries);
	return (
		result.length === entries.length &&
		entries.every(
			([key, value], index) =>
				result[index]![0] === key && result[index]![1].equals(Buffer.from(value as string)),
		)
	);
};

test('no values are an empty object, and several stay in their order', t => {
	t.deepEqual(decoded([]), []);
	t.true(
		arrives([
			['b', '2'],
			['a', Buffer.from([0, 255])],
			['c', ''],
		]),
	);
});

test('the text is the shortest: no spaces, padding only at the end of a value', t => {
	const text = Buffer.concat(
		encodeValues([
			['a', 'x'.repeat(100_000)],
			['b', 'y'],
		]).pieces(),
	).toString();
	t.is(text, `{"a":"${Buffer.from('x'.repeat(100_000)).toString('base64')}","b":"eQ=="}`);
});

test('large texts and bytes arrive byte for byte, whatever their characters', t => {
	const unit = fc.constantFrom('a', '\u0000', '\n', 'ä', '€', '\u{1f511}', '\ud800', '\udc00', '"');
	const large = fc
		.tuple(fc.array(unit, { minLength: 1, maxLength: 40 }), fc.integer({ min: 24_000, max: 80_000 }))
		.map(([units, length]) => units.join('').repeat(Math.ceil(length / units.length)));
	fc.assert(
		fc.property(
			fc.array(
				fc.oneof(
					fc.string(),
					large,
					large.map(text => Buffer.from(text)),
				),
				{ maxLength: 4 },
			),
			values => arrives(values.map((value, index) => [`k${index}`, value] as const)),
		),
		{ numRuns: 60 },
	);
	t.pass();
});

test('nothing of a large value is left in the buffer that is reused', t => {
	encodeValues([['a', 'canary'.repeat(20_000)]]);
	t.true(arrives([['b', 'x'.repeat(24_577)]]));
});
