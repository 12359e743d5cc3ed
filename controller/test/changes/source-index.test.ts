// The index of sources: every Secret is found by the source that it is written from, and by no other.
import test from 'ava';
import fc from 'fast-check';
import { SourceIndex } from '../../src/changes/source-index.ts';

test('the index finds what a plain list finds, after any changes', t => {
	const keys = fc.constantFrom('ns/a', 'ns/b', 'ns/c', 'other/a');
	const source = fc.record({ provider: fc.constantFrom('aws', 'vault'), path: fc.constantFrom('/x', '/y') });
	fc.assert(
		fc.property(fc.array(fc.tuple(keys, fc.option(source, { nil: undefined }))), changes => {
			const index = new SourceIndex();
			const plain = new Map<string, { provider: string; path: string } | undefined>();
			for (const [key, to] of changes) {
				index.set(key, to);
				plain.set(key, to);
			}

			for (const provider of ['aws', 'vault']) {
				for (const path of ['/x', '/y']) {
					const expected = [...plain].filter(([, at]) => at?.provider === provider && at.path === path);
					t.deepEqual([...index.keysOf({ provider, path })].sort(), expected.map(([key]) => key).sort());
				}
			}

			const sources = [...plain.values()].filter(each => each !== undefined);
			t.is(index.size, new Set(sources.map(each => JSON.stringify([each.provider, each.path]))).size);
		}),
	);
});

test('a path finds the Secrets of every spelling that differs in case only', t => {
	const index = new SourceIndex();
	index.set('ns/a', { provider: 'keyvault', path: 'DB-Password' });
	index.set('ns/b', { provider: 'keyvault', path: 'db-password' });
	t.deepEqual([...index.keysOf({ provider: 'keyvault', path: 'db-PASSWORD' })].sort(), ['ns/a', 'ns/b']);
});
