// The closing line of `pnpm test`.
import test from 'ava';
import { TestTotal } from '../test-total.ts';

const totalOf = (...lines: string[]) => {
	const total = new TestTotal();
	for (const line of lines) {
		total.add(line);
	}
	return total;
};

test('the total is the sum over the packages', t => {
	const total = totalOf(
		'controller test:   ✔ sync › 3 tests passed is a title',
		'controller test:   1417 tests passed',
		'infra test: \u001B[32m  154 tests passed\u001B[39m',
		'e2e test:   1 test passed',
	);
	t.is(total.summary(0), '1572 tests in 3 packages passed');
});

test('a single package prints without its name', t => {
	t.is(totalOf('  1 test passed').summary(0), '1 test in 1 package passed');
});

test('the total of a failed run names each package and what failed in it', t => {
	const total = totalOf(
		'controller test:   1 test failed',
		'controller test:   1416 tests passed',
		'infra test:   154 tests passed',
		'infra test:   2 uncaught exceptions',
	);
	t.is(
		total.summary(1),
		'1570 tests in 2 packages passed; controller: test failed (1), infra: uncaught exceptions (2)',
	);
});

test('a failure that no runner counted is still said', t => {
	t.is(
		totalOf('e2e test: sh: ava: not found').summary(1),
		'0 tests in 0 packages passed; the run ended with exit code 1',
	);
});

test('the closing line is not counted a second time by a sum over the runners', t => {
	const counted =
		/[0-9]+ tests? passed|[0-9]+ (tests? failed|uncaught exceptions?|unhandled rejections?)|[0-9]+ failed$/;
	t.notRegex(totalOf('a test:   2 tests passed').summary(0), counted);
	t.notRegex(totalOf('a test:   3 tests failed', 'a test:   2 tests passed').summary(1), counted);
	t.notRegex(totalOf().summary(1), counted);
});
