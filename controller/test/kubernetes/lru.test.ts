// What the bounded map promises: it keeps what is used and forgets what is not.
import test from 'ava';
import { Lru } from '../../src/kubernetes/lru.ts';

test('a value is made once and then kept', t => {
	const lru = new Lru<string, object>(2);
	const made = lru.take('a', () => ({}));
	t.is(
		lru.take('a', () => t.fail() as never),
		made,
	);
});

test('the least recently used entry goes first', t => {
	const lru = new Lru<string, number>(2);
	lru.take('a', () => 1);
	lru.take('b', () => 1);
	lru.take('a', () => 2);
	lru.take('c', () => 1);
	t.is(lru.size, 2);
	t.is(
		lru.take('a', () => 2),
		1,
	);
	t.is(
		lru.take('b', () => 2),
		2,
	);
});
