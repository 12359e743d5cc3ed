// Go's flag syntax, the flags of the Go program, and what happens to all others.
import test from 'ava';
import fc from 'fast-check';
import { FLAGS, parseFlags, usage } from '../../src/config/flags.ts';

const valuesOf = (...argv: string[]) => Object.fromEntries(parseFlags(argv).values);
const faultsOf = (...argv: string[]) => parseFlags(argv).faults;

test('one dash or two, a value after a blank or an equals sign', t => {
	for (const argv of [['--config=f'], ['-config=f'], ['--config', 'f'], ['-config', 'f']]) {
		t.deepEqual(valuesOf(...argv), { config: 'f' });
	}

	t.deepEqual(valuesOf('--config=a=b'), { config: 'a=b' });
	t.deepEqual(valuesOf('--config', '-x'), { config: '-x' });
});

test('a boolean takes a value only after an equals sign, in all of the spellings of Go', t => {
	for (const text of ['1', 't', 'T', 'TRUE', 'true', 'True']) {
		t.deepEqual(valuesOf(`-leader-elect=${text}`), { 'leader-elect': true });
	}

	for (const text of ['0', 'f', 'F', 'FALSE', 'false', 'False']) {
		t.deepEqual(valuesOf(`--leader-elect=${text}`), { 'leader-elect': false });
	}

	t.deepEqual(valuesOf('--leader-elect', '--config', 'f'), { 'leader-elect': true, config: 'f' });
	t.deepEqual(faultsOf('--leader-elect=yes'), ['--leader-elect: must be true or false']);
	t.deepEqual(faultsOf('--leader-elect', 'false'), ['unexpected argument "false"']);
});

test('the last of several values wins', t => {
	t.deepEqual(valuesOf('--config=a', '--config=b'), { config: 'b' });
});

test("every flag of the Go program's manifests is accepted", t => {
	const { faults, ignored, values } = parseFlags([
		'--metrics-bind-address=:8080',
		'--health-probe-bind-address=:8081',
		'--leader-elect',
		'--kubeconfig=/tmp/k',
		'--zap-log-level=debug',
		'--zap-devel',
		'--zap-encoder=json',
		'--zap-stacktrace-level=error',
		'--zap-time-encoding=iso8601',
	]);
	t.deepEqual(faults, []);
	t.deepEqual(ignored, ['--zap-devel', '--zap-encoder', '--zap-stacktrace-level', '--zap-time-encoding']);
	t.deepEqual(
		[...values.keys()],
		['metrics-bind-address', 'health-probe-bind-address', 'leader-elect', 'kubeconfig', 'zap-log-level'],
	);
});

test('other flags of the zap logger have no effect, with or without a value', t => {
	const { faults, ignored, values } = parseFlags([
		'--zap-new',
		'x',
		'--zap-other',
		'--config=f',
		'-zap-last',
	]);
	t.deepEqual(faults, []);
	t.deepEqual(ignored, ['--zap-new', '--zap-other', '--zap-last']);
	t.deepEqual([...values], [['config', 'f']]);
});

test('all faults are found at once', t => {
	t.deepEqual(faultsOf('--cofnig', 'f', 'x', '--leader-elect=2', '--what', '--kubeconfig'), [
		'unknown flag --cofnig, did you mean --config?',
		'unexpected argument "x"',
		'--leader-elect: must be true or false',
		'unknown flag --what, see --help',
		'--kubeconfig: needs a value',
	]);
});

test('names that are special in JavaScript are unknown flags', t => {
	t.deepEqual(faultsOf('--constructor', '--__proto__=x'), [
		'unknown flag --constructor, see --help',
		'unknown flag --__proto__, see --help',
	]);
});

test('the usage lists every flag', t => {
	for (const name of Object.keys(FLAGS)) {
		t.true(usage().includes(`--${name}`), name);
	}

	t.deepEqual(valuesOf('-h'), { help: true });
});

test('whatever the arguments, they are read or named printably', t => {
	const argument = fc.oneof(
		fc.string({ unit: 'binary', maxLength: 8 }),
		fc.constantFrom('--', '-', '--=', '-=x', '---x', '--zap-\u001b[2J', '--config', '--leader-elect='),
	);
	fc.assert(
		fc.property(fc.array(argument), argv => {
			const { faults, ignored } = parseFlags(argv);
			return ![...faults, ...ignored].some(text => /[\p{Cc}\p{Cf}]/u.test(text));
		}),
	);
	t.pass();
});
