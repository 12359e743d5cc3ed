// Which annotation keys of a pod are unknown, what is said of them, and how often.
import test from 'ava';
import { UnknownKeys, unknownKeysOf } from '../../src/requests/unknown-keys.ts';

const keysOf = (...keys: string[]) =>
	unknownKeysOf(Object.fromEntries(keys.map(key => [`jasm.codnod.io/${key}`, ''])));

test('a misspelt key is named with the key that was meant', t => {
	const meant = 'did you mean "jasm.codnod.io/secret-sync"?';
	for (const key of ['secretsync', 'secret-sycn', 'secrets-sync', 'Secret_Sync', 'secret-sync2']) {
		t.is(keysOf(key), `unknown annotation "jasm.codnod.io/${key}", ${meant}`);
	}
	t.is(keysOf('strat'), 'unknown annotation "jasm.codnod.io/strat", did you mean "jasm.codnod.io/start"?');
});

test('a key that is near to none is answered with all keys', t => {
	const known = 'known are jasm.codnod.io/secret-sync and jasm.codnod.io/start';
	t.is(keysOf('provider'), `unknown annotation "jasm.codnod.io/provider", ${known}`);
	t.is(keysOf(''), `unknown annotation "jasm.codnod.io/", ${known}`);
});

test('keys of people, of a restart, of the installation and of others are no mistake', t => {
	t.is(keysOf('secret-sync', 'start', 'restarted-for', 'config-hash'), undefined);
	t.is(unknownKeysOf({ 'example.com/jasm.codnod.io': '', 'jasm.codnod.io': '' }), undefined);
	t.is(unknownKeysOf(undefined), undefined);
});

test('many unknown keys of one pod make one short text in one order', t => {
	const said = keysOf('e', 'd', 'c', 'b', 'a');
	t.is(said, keysOf('a', 'b', 'c', 'd', 'e'));
	t.regex(said ?? '', /io\/a".*io\/b".*io\/c".*; and 2 more$/);
});

/** A pod with these keys, as the watch has it. */
const pod = (uid: string, keys: readonly string[], deletionTimestamp?: string) => ({
	uid,
	namespace: 'team',
	name: uid,
	resourceVersion: '1',
	creationTimestamp: '',
	annotations: Object.fromEntries(keys.map(key => [`jasm.codnod.io/${key}`, ''])),
	...(deletionTimestamp !== undefined && { deletionTimestamp }),
});

function observed() {
	const reports: string[] = [];
	const keys = new UnknownKeys({
		unknownKeys: ({ name }, fault) => reports.push(`${name} ${/io\/([\w-]+)"/.exec(fault)?.[1]}`),
	});
	return { keys, reports };
}

test('a leader reports a pod once, and again when its unknown keys change', t => {
	const { keys, reports } = observed();
	keys.lead();
	keys.seen(pod('a', ['secretsync']));
	keys.seen(pod('a', ['secretsync', 'start']));
	t.deepEqual(reports, ['a secretsync']);
	keys.seen(pod('a', ['secret-sycn']));
	keys.seen(pod('a', ['secret-sync']));
	keys.seen(pod('a', ['secret-sycn']));
	t.deepEqual(reports, ['a secretsync', 'a secret-sycn', 'a secret-sycn']);
});

test('what a standby saw is reported when it leads, without pods that were corrected or are ending', t => {
	const { keys, reports } = observed();
	keys.seen(pod('a', ['secretsync']));
	keys.seen(pod('corrected', ['secretsync']));
	keys.seen(pod('corrected', ['secret-sync']));
	keys.seen(pod('ending', ['secretsync']));
	keys.seen(pod('ending', ['secretsync'], '2026-01-01T00:00:00Z'));
	t.deepEqual(reports, []);
	keys.lead();
	keys.seen(pod('a', ['secretsync']));
	t.deepEqual(reports, ['a secretsync']);
});

test('a bounded number of pods is remembered: the one that was seen first is forgotten', t => {
	const { keys, reports } = observed();
	keys.lead();
	for (let index = 0; index <= 2_000; index++) keys.seen(pod(`pod-${index}`, ['secretsync']));
	t.is(reports.length, 2_001);
	keys.seen(pod('pod-2000', ['secretsync']));
	keys.seen(pod('pod-1', ['secretsync']));
	t.is(reports.length, 2_001);
	keys.seen(pod('pod-0', ['secretsync']));
	t.is(reports.length, 2_002);
});
