// What scanning promises: the same as parsing every byte, with a fraction of the work.
import test from 'ava';
import * as fc from 'fast-check';
import {
	LineFramer,
	MalformedError,
	needleOf,
	parseJson,
	readHead,
} from '../../../src/kubernetes/watch/line-scanner.ts';
import { ANNOTATION, anyCuts, anyMeta, line, pieces, podMeta } from '../../helpers/watches/watch-lines.ts';

const needle = needleOf(ANNOTATION);

function linesOf(chunks: Iterable<Buffer>, maxLine?: number): string[] {
	const framer = new LineFramer(maxLine);
	const lines: string[] = [];
	for (const chunk of chunks) framer.push(chunk, bytes => lines.push(bytes.toString()));
	return lines;
}

test('lines come out the same however the bytes are cut', t => {
	const texts = fc.array(
		fc.string({ unit: 'binary' }).map(s => s.replace(/[\r\n]/g, '')),
		{ maxLength: 12 },
	);
	fc.assert(
		fc.property(texts, anyCuts, fc.constantFrom('\n', '\r\n'), (lines, cuts, end) => {
			const bytes = Buffer.from(lines.map(text => text + end).join(''));
			t.deepEqual(linesOf(pieces(bytes, cuts)), bytes.toString().split(end).filter(Boolean));
		}),
	);
});

test('a line without an end is kept back, and counted', t => {
	const framer = new LineFramer();
	framer.push(Buffer.from('abc'), () => t.fail());
	t.is(framer.pending, 3);
});

test('a line beyond the limit is refused before it is held in memory', t => {
	t.deepEqual(linesOf([Buffer.from('12345678\n')], 8), ['12345678']);
	t.throws(() => linesOf([Buffer.from('12345'), Buffer.from('6789')], 8), {
		instanceOf: MalformedError,
		message: 'a line is longer than 8 bytes',
	});
});

test('a chunk may be reused by its owner as soon as push returned', t => {
	const framer = new LineFramer();
	const chunk = Buffer.from('first half, ');
	framer.push(chunk, () => {});
	chunk.fill('x');
	framer.push(Buffer.from('second\n'), bytes => t.is(bytes.toString(), 'first half, second'));
});

test('the head of a line says what parsing the line says', t => {
	fc.assert(
		fc.property(fc.constantFrom('ADDED', 'MODIFIED', 'DELETED'), anyMeta, (type, meta) => {
			const { uid, resourceVersion } = meta;
			t.deepEqual(readHead(Buffer.from(line(type, meta))), { type, uid, resourceVersion });
		}),
	);
});

test('a head in another order, with escapes or cut short is not guessed at', t => {
	const { name, namespace, uid, resourceVersion } = podMeta();
	const odd = [
		line('ADDED', { uid, name, namespace, resourceVersion }),
		line('ADDED', { name, namespace, resourceVersion, uid }),
		line('ADDED', { name, annotations: { uid: 'x' }, uid, resourceVersion }),
		line('ADDED', { name: 'a"b', namespace, uid, resourceVersion }),
		line('ADDED', { name, namespace, uid: 'a\\', resourceVersion }),
		line('ADDED', { name, namespace, uid: '', resourceVersion }),
		line('BOOKMARK', { resourceVersion }),
		line('ADDED', podMeta()).replaceAll('/', '\\/'),
		line('ADDED', podMeta()).replaceAll(':', ': '),
		JSON.stringify({ object: {}, type: 'ADDED' }),
		'{"type":"ERROR","object":{"kind":"Status"}}',
		'{"type":"ADDED',
		'',
	];
	for (const text of odd) t.is(readHead(Buffer.from(text)), undefined, text);
	const whole = line('ADDED', podMeta());
	const end = whole.indexOf('"resourceVersion":"1"') + '"resourceVersion":"1"'.length;
	for (let length = 0; length < end; length++) t.is(readHead(Buffer.from(whole.slice(0, length))), undefined);
});

test('the longest names that Kubernetes allows leave the head readable', t => {
	const name = 'n'.repeat(253);
	const meta = {
		...podMeta({ name, version: '9'.repeat(20) }),
		generateName: name,
		namespace: 'x'.repeat(63),
	};
	t.is(readHead(Buffer.from(line('ADDED', meta)))?.resourceVersion, '9'.repeat(20));
});

test('the needle is in the bytes of an object exactly when the annotation is set', t => {
	fc.assert(
		fc.property(anyMeta, meta => {
			const found = Buffer.from(line('ADDED', meta)).indexOf(needle) >= 0;
			t.is(found, ANNOTATION in meta.annotations!);
		}),
	);
});

test('a byte order mark is no fault, other garbage is one that does not repeat the bytes', t => {
	t.deepEqual(parseJson(Buffer.from('\ufeff{"a":1}'), 'a line'), { a: 1 });
	t.throws(() => parseJson(Buffer.from('{"password":"hunter2"'), 'a line'), {
		instanceOf: MalformedError,
		message: 'a line of 21 bytes is not JSON',
	});
});
