// What splitting a list promises: the items that parsing it gives, without holding it.
import test from 'ava';
import * as fc from 'fast-check';
import { MalformedError, needleOf } from '../../../src/kubernetes/watch/line-scanner.ts';
import { ListScanner } from '../../../src/kubernetes/watch/list-scanner.ts';
import { ANNOTATION, anyCuts, anyMeta, list, pieces, podMeta } from '../../helpers/watches/watch-lines.ts';

function scan(text: string, { cuts = [64], filtered = true } = {}) {
	const items: unknown[] = [];
	const scanner = new ListScanner({
		needle: filtered ? needleOf(ANNOTATION) : undefined,
		onItem: item => items.push(item),
	});
	for (const piece of pieces(Buffer.from(text), cuts)) scanner.push(piece);
	return { head: scanner.finish(), items };
}

test('a list gives its annotated items however its bytes are cut', t => {
	fc.assert(
		fc.property(
			fc.array(anyMeta, { maxLength: 6 }),
			anyCuts,
			fc.constantFrom('', '\n'),
			(metas, cuts, end) => {
				const { items } = scan(list(metas) + end, { cuts });
				t.deepEqual(
					items,
					metas.filter(meta => ANNOTATION in meta.annotations!),
				);
			},
		),
	);
});

test('without a needle every item is given', t => {
	const metas = [podMeta(), podMeta({ name: 'b', annotation: 'x' })];
	t.deepEqual(scan(list(metas), { filtered: false }).items, metas);
});

test('the head carries the version and the token of the next page', t => {
	const head = { resourceVersion: '7', continue: 'abc', remainingItemCount: 3 };
	for (const items of [[podMeta()], [], null]) {
		t.deepEqual(scan(list(items, head)).head, { resourceVersion: '7', continue: 'abc' });
		t.deepEqual(scan(list(items, { resourceVersion: '7', continue: '' })).head, { resourceVersion: '7' });
	}
});

test('a list that is written differently is parsed as a whole', t => {
	const metas = [podMeta(), podMeta({ name: 'b', annotation: 'x' })];
	const pretty = JSON.stringify(JSON.parse(list(metas)), undefined, 2);
	t.deepEqual(scan(`\ufeff${pretty}`), { head: { resourceVersion: '100' }, items: metas });
});

test('a list that is cut off is refused, never taken for a shorter one', t => {
	const whole = list([podMeta({ annotation: 'x' }), podMeta({ name: 'b', annotation: 'y' })]);
	for (let length = 0; length < whole.length; length++) {
		t.throws(() => scan(whole.slice(0, length)), { instanceOf: MalformedError }, `at ${length}`);
	}
});

test('items that no comma separates and lists without a version are refused', t => {
	const two = list([podMeta({ annotation: 'x' }), podMeta({ annotation: 'x' })]);
	t.throws(() => scan(two.replace('},{"kind"', '} {"kind"')), { instanceOf: MalformedError });
	t.throws(() => scan(list([podMeta()], {})), { instanceOf: MalformedError });
	t.throws(() => scan('null'), { instanceOf: MalformedError });
});

test('a list without an end is refused before it fills the memory', t => {
	const scanner = new ListScanner({ needle: undefined, onItem: () => {} });
	const chunk = Buffer.alloc(1024 * 1024, ' ');
	t.throws(
		() => {
			for (let i = 0; i < 100; i++) scanner.push(chunk);
		},
		{ instanceOf: MalformedError, message: /without an end/ },
	);
});
