// The notes of a release, and why there may be none.
import test from 'ava';
import { notesOf } from '../release-notes.ts';

const CHANGELOG = `# Changelog

One line for each change.

## 1.1.0 (not released)

- Coming.

## 1.0.0 (2026-05-04)

- First.
- Second.

## 1.0.0-rc.1

`;

test('the notes of a version are the lines below its heading', t => {
	t.is(notesOf(CHANGELOG, '1.0.0'), '- First.\n- Second.\n');
});

test('a version without a heading, with an open one, or without lines has no notes', t => {
	t.throws(() => notesOf(CHANGELOG, '1.0.1'), { message: /no heading "## 1.0.1"/ });
	t.throws(() => notesOf(CHANGELOG, '1.1.0'), { message: /write the date in place of "not released"/ });
	t.throws(() => notesOf(CHANGELOG, '1.0.0-rc.1'), { message: /no line below/ });
});
