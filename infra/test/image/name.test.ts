// The image's name: a tag that follows the content of the sources.
import test from 'ava';
import fc from 'fast-check';
import { contentHash } from '../../image/name.ts';

test('the content tag depends on every name and every byte, not on the order of the files', t => {
	const files = fc.uniqueArray(fc.tuple(fc.string({ minLength: 1 }), fc.uint8Array()), {
		minLength: 1,
		selector: ([name]) => name,
	});
	fc.assert(
		fc.property(files, fc.nat(), (entries, pick) => {
			const tag = contentHash(entries);
			t.regex(tag, /^[0-9a-f]{12}$/);
			t.is(contentHash([...entries].reverse()), tag);
			const index = pick % entries.length;
			const changed = entries.map(
				([name, content], at) => [name, at === index ? Uint8Array.of(...content, 1) : content] as const,
			);
			t.not(contentHash(changed), tag);
			t.not(
				contentHash(
					entries.map(([name, content], at) => [at === index ? `${name}x` : name, content] as const),
				),
				tag,
			);
		}),
	);
});
