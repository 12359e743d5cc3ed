// The annotation that makes a pod wait: what it may say, and what an unreadable value means.
import test from 'ava';
import { parseStart, START_PATTERN } from '../../src/requests/start-annotation.ts';

test('a pod without the annotation, or with at-once, does not wait', t => {
	t.deepEqual(parseStart(undefined), { waits: false });
	t.deepEqual(parseStart('at-once'), { waits: false });
});

test('a pod with after-sync waits without a deadline', t => {
	t.deepEqual(parseStart('after-sync'), { waits: true, valid: true });
});

test('a number of seconds after after-sync is the deadline', t => {
	t.deepEqual(parseStart('after-sync, 60s'), { waits: true, valid: true, deadlineMs: 60_000 });
	t.deepEqual(parseStart('after-sync,5s'), { waits: true, valid: true, deadlineMs: 5_000 });
	t.deepEqual(parseStart('after-sync, 99999s'), { waits: true, valid: true, deadlineMs: 99_999_000 });
});

test('an unreadable value makes the pod wait without a deadline, so that a typing error starts no pod early', t => {
	for (const text of [
		'',
		'after-snyc',
		'AFTER-SYNC',
		'after-sync 60',
		'after-sync, 0s',
		'after-sync, 60',
		'no',
	]) {
		t.deepEqual(parseStart(text), { waits: true, valid: false }, text);
	}
});

test('the pattern that the admission policy checks accepts exactly the values that are read as valid', t => {
	const pattern = new RegExp(START_PATTERN);
	for (const text of ['at-once', 'after-sync', 'after-sync, 1s', 'after-sync,60s', 'after-sync,  7s']) {
		t.true(pattern.test(text), text);
	}
	for (const text of [
		'',
		'at-once ',
		'after-sync, 01s',
		'after-sync, 100000s',
		'after-sync, 5m',
		'after-sync,\n5s',
	]) {
		t.false(pattern.test(text), text);
	}
});
