// What decoding a watch promises: every change that matters, in order, and a version to resume from.
import test from 'ava';
import * as fc from 'fast-check';
import { StreamEnded, WatchDecoder } from '../../../src/kubernetes/watch/decoder.ts';
import { MalformedError, needleOf } from '../../../src/kubernetes/watch/line-scanner.ts';
import type { StreamMessage } from '../../../src/runtime/watch/list-watch.ts';
import {
	ANNOTATION,
	anyCuts,
	anyMeta,
	bookmark,
	line,
	pieces,
	podMeta,
} from '../../helpers/watches/watch-lines.ts';

type Pod = { readonly uid: string; readonly annotation: string };
type Message = StreamMessage<Pod>;

/** Decodes into messages and keeps the records as a store would. */
function decoding({ initial = false, filtered = true } = {}) {
	const messages: Message[] = [];
	const records = new Map<string, string>();
	const decoder = new WatchDecoder<Pod>({
		needle: filtered ? needleOf(ANNOTATION) : undefined,
		initial,
		toRecord: ({ uid, annotations }) => {
			const annotation = annotations?.[ANNOTATION];
			return annotation === undefined ? undefined : { uid, annotation };
		},
		isTracked: uid => records.has(uid),
		sink(message) {
			messages.push(message);
			if (message.type === 'apply') records.set(message.record.uid, message.record.annotation);
			if (message.type === 'delete') records.delete(message.uid);
		},
		endOf: () => ({ reason: 'expired' }),
	});
	return { decoder, messages, records, push: (text: string) => decoder.push(Buffer.from(text)) };
}

test('an annotated pod is told, one that was never annotated is not', t => {
	const { push, messages } = decoding();
	push(
		line('ADDED', podMeta({ name: 'a', version: 5, annotation: 'x' })) +
			line('ADDED', podMeta({ name: 'b', version: 6 })),
	);
	t.deepEqual(messages, [
		{ type: 'apply', record: { uid: 'uid-a', annotation: 'x' } },
		{ type: 'progress', resourceVersion: '6' },
	]);
});

test('managed fields are parsed only where the records need them', t => {
	const meta = { ...podMeta({ name: 'a', version: 5, annotation: 'x' }), managedFields: [{ manager: 'm' }] };
	for (const [managedFields, expected] of [
		[undefined, undefined],
		[true, meta.managedFields],
	] as const) {
		let seen: unknown = 'nothing';
		const decoder = new WatchDecoder<Pod>({
			needle: needleOf(ANNOTATION),
			...(managedFields && { managedFields }),
			initial: false,
			toRecord(found) {
				seen = found.managedFields;
				return undefined;
			},
			isTracked: () => false,
			sink() {},
			endOf: () => ({ reason: 'expired' }),
		});
		decoder.push(Buffer.from(line('ADDED', meta)));
		t.deepEqual(seen, expected);
	}
});

test('a pod that lost its annotation or its life is told as deleted, once', t => {
	for (const [type, annotation] of [
		['MODIFIED', undefined],
		['DELETED', undefined],
		['DELETED', 'x'],
	] as const) {
		const { push, messages } = decoding();
		push(line('ADDED', podMeta({ version: 5, annotation: 'x' })));
		push(line(type, podMeta({ version: 6, ...(annotation && { annotation }) })));
		push(line('DELETED', podMeta({ version: 7 })));
		t.deepEqual(
			messages.filter(({ type }) => type === 'delete'),
			[{ type: 'delete', uid: 'uid-web-1' }],
		);
	}
});

test('progress is told at most once per chunk and never from inside a line', t => {
	const { push, messages } = decoding();
	const text = [1, 2, 3].map(version => line('MODIFIED', podMeta({ version }))).join('');
	push(text.slice(0, -10));
	t.deepEqual(messages, [{ type: 'progress', resourceVersion: '2' }]);
	push(text.slice(-10));
	t.deepEqual(messages.at(-1), { type: 'progress', resourceVersion: '3' });
	push(bookmark(3));
	t.is(messages.length, 2);
	push(bookmark(9));
	t.deepEqual(messages.at(-1), { type: 'progress', resourceVersion: '9' });
});

test('the present collection gives no version until it is complete', t => {
	const { push, messages } = decoding({ initial: true });
	push(line('ADDED', podMeta({ name: 'a', version: 50, annotation: 'x' })));
	push(line('ADDED', podMeta({ name: 'b', version: 7 })) + bookmark(20));
	t.deepEqual(messages, [{ type: 'apply', record: { uid: 'uid-a', annotation: 'x' } }]);
	push(bookmark(60, true) + line('ADDED', podMeta({ name: 'c', version: 61 })));
	t.deepEqual(messages.slice(1), [
		{ type: 'initial-end', resourceVersion: '60' },
		{ type: 'progress', resourceVersion: '61' },
	]);
});

test('an ERROR event ends the stream with its meaning, after what came before it', t => {
	const { push, messages } = decoding();
	const error = t.throws(
		() => push(`${bookmark(4)}{"type":"ERROR","object":{"kind":"Status","code":410}}\n`),
		{
			instanceOf: StreamEnded,
		},
	);
	t.deepEqual(error?.end, { reason: 'expired' });
	t.deepEqual(messages, [{ type: 'progress', resourceVersion: '4' }]);
});

test('a line that is no event is refused, and the version before it stays', t => {
	const { uid, ...noUid } = podMeta({ annotation: 'x' });
	const { resourceVersion, ...noVersion } = podMeta({ annotation: 'x' });
	const garbage = [
		'not json\n',
		'null\n',
		'[]\n',
		'{}\n',
		'{"type":"ADDED"}\n',
		line('RENAMED', podMeta()),
		line('ADDED', noUid),
		line('ADDED', noVersion),
	];
	for (const text of garbage) {
		const { push, messages } = decoding();
		t.throws(() => push(bookmark(4) + text + bookmark(5)), { instanceOf: MalformedError }, text);
		t.deepEqual(messages, [{ type: 'progress', resourceVersion: '4' }]);
	}
});

/** Another encoder's hand: same meaning, other bytes. */
const rewritten = fc.constantFrom<(text: string) => string>(
	text => text,
	text => text.replaceAll('/', '\\/'),
	text => `${JSON.stringify(JSON.parse(text), undefined, 1).replaceAll('\n', ' ')}\n`,
	text => {
		const { type, object } = JSON.parse(text);
		const metadata = Object.fromEntries(Object.entries(object.metadata).reverse());
		return `${JSON.stringify({ object: { ...object, metadata }, type })}\r\n`;
	},
);

test('the pre-filter changes nothing: every stream means what parsing all of it means', t => {
	const event = fc.record({
		type: fc.constantFrom('ADDED', 'MODIFIED', 'DELETED'),
		meta: anyMeta,
		rewrite: rewritten,
	});
	fc.assert(
		fc.property(fc.array(event, { maxLength: 8 }), anyCuts, fc.boolean(), (events, cuts, initial) => {
			const bytes = Buffer.from(events.map(({ type, meta, rewrite }) => rewrite(line(type, meta))).join(''));
			const filtered = decoding({ initial });
			const parsed = decoding({ initial, filtered: false });
			for (const piece of pieces(bytes, cuts)) {
				filtered.decoder.push(piece);
				parsed.decoder.push(piece);
			}
			t.deepEqual(filtered.messages, parsed.messages);
			const expected = new Map<string, string>();
			for (const { type, meta } of events) {
				const annotation = meta.annotations?.[ANNOTATION];
				if (type !== 'DELETED' && annotation !== undefined) expected.set(meta.uid, annotation);
				else if (!initial || type !== 'ADDED') expected.delete(meta.uid);
			}
			t.deepEqual(filtered.records, expected);
		}),
	);
});

test('a stream that is cut at any byte resumes with nothing lost and nothing twice', t => {
	const texts = [5, 6, 7, 8].map(version =>
		line(
			'MODIFIED',
			podMeta({ name: `p${version}`, version, ...(version !== 6 && { annotation: `v${version}` }) }),
		),
	);
	const whole = Buffer.from(texts.join(''));
	for (let cut = 0; cut <= whole.length; cut++) {
		const first = decoding();
		first.decoder.push(whole.subarray(0, cut));
		const resumed = first.messages.findLast(({ type }) => type === 'progress');
		const from = resumed?.type === 'progress' ? Number(resumed.resourceVersion) : 4;
		const second = decoding();
		second.push(texts.slice(from - 4).join(''));
		const applied = [...first.messages, ...second.messages].filter(({ type }) => type === 'apply');
		t.deepEqual(
			applied.map(message => message.type === 'apply' && message.record.annotation),
			['v5', 'v7', 'v8'],
		);
	}
});
