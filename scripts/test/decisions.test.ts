// The rules for decision records: each has a number of its own and a line in the index.
import test from 'ava';
import { decisionErrors } from '../decisions.ts';

const first = { file: '0001-one.md', text: '# 1. One\n\ntext' };
const second = { file: '0002-two.md', text: '# 2. Two\n' };
const index = '# Decisions\n\n- [1. One](0001-one.md)\n- [2. Two](0002-two.md)\n';

test('pages with consecutive numbers and a line each in the index are right', t => {
	t.deepEqual(decisionErrors([second, first], index), []);
});

test('two pages with one number are named', t => {
	const twice = { file: '0001-two.md', text: '# 1. Two\n' };
	const errors = decisionErrors([first, twice], index);
	t.deepEqual(errors, [
		'0001-two.md: the next number is 0002-: numbers are unique, without gaps',
		'0001-two.md: the first line must begin with "# 2. "',
		'docs/decisions/README.md: add the line - [1. Two](0001-two.md)',
	]);
});

test('a gap in the numbers is named', t => {
	const third = { file: '0003-three.md', text: '# 3. Three\n' };
	t.true(
		decisionErrors([first, third], index).some(error =>
			error.startsWith('0003-three.md: the next number is 0002-'),
		),
	);
});

test('a page whose title is not the one of the index is named', t => {
	const renamed = { file: '0002-two.md', text: '# 2. Second\n' };
	t.deepEqual(decisionErrors([first, renamed], index), [
		'docs/decisions/README.md: add the line - [2. Second](0002-two.md)',
	]);
});
