// Which names count as mistyped.
import test from 'ava';
import { nearestName } from '../../src/util/nearest-name.ts';

const known = ['provider', 'path', 'secretName', 'keys', 'key', 'version', 'type'];

test('another case or another separator is the same name', t => {
	t.is(nearestName('secretname', known), 'secretName');
	t.is(nearestName('secret_name', known), 'secretName');
	t.is(nearestName('Secret-Name', known), 'secretName');
});

test('one or two slips find the name', t => {
	t.is(nearestName('porvider', known), 'provider');
	t.is(nearestName('verison', known), 'version');
	t.is(nearestName('kyes', known), 'keys');
});

test('the nearest of several wins', t => {
	t.is(nearestName('keyz', known), 'keys');
	t.is(nearestName('ke', known), 'key');
});

test('a word far from every name finds none', t => {
	t.is(nearestName('region', known), undefined);
	t.is(nearestName('', known), undefined);
	t.is(nearestName('constructor', known), undefined);
});

test('an absurdly long name is not compared', t => {
	t.is(nearestName(`${'-'.repeat(1_000_000)}path`, known), undefined);
});
