// Flags, environment and file become one configuration, or one error with every fault.
import test from 'ava';
import { FLAGS, helpText, type LogLevel, loadConfig, PORTS } from '../../src/config/config.ts';
import { JasmError } from '../../src/errors.ts';

const NAMESPACE_FILE = '/var/run/secrets/kubernetes.io/serviceaccount/namespace';

type Files = Record<string, string>;

const load = (argv: string[] = [], env: Record<string, string> = {}, files: Files = {}) =>
	loadConfig({
		argv,
		env,
		readFile(path) {
			if (!Object.hasOwn(files, path)) {
				throw Object.assign(new Error('none'), { code: 'ENOENT' });
			}

			return files[path]!;
		},
	});

function faultsOf(argv: string[], env: Record<string, string> = {}, files: Files = {}): string[] {
	try {
		load(argv, env, files);
	} catch (error) {
		if (error instanceof JasmError && error.code === 'CONFIG_INVALID') {
			const faults = [...error.faults];
			return error.message === `reading the configuration: ${faults.join('; ')}` ? faults : [];
		}
	}

	return [];
}

test('without anything the defaults of the Go program hold', t => {
	const config = load();
	t.like(config, {
		metricsAddress: `:${PORTS.metrics}`,
		healthAddress: `:${PORTS.health}`,
		leaderElect: false,
		allowUnguarded: false,
		logLevel: 'info',
		profile: 'write-only',
		namespace: 'jasm',
		kubeconfig: undefined,
		podName: undefined,
	});
	t.true(Object.isFrozen(config));
});

test('flags are read', t => {
	t.like(
		load([
			'--leader-elect',
			'-allow-unguarded',
			'--kubeconfig=/k',
			'--metrics-bind-address=127.0.0.1:0',
			'--health-probe-bind-address',
			'[::1]:9000',
			'--namespace=ops',
		]),
		{
			leaderElect: true,
			allowUnguarded: true,
			kubeconfig: '/k',
			metricsAddress: '127.0.0.1:0',
			healthAddress: '[::1]:9000',
			namespace: 'ops',
		},
	);
});

test('the file is read; its warnings are kept apart from the notices of the flags', t => {
	const config = load(['--config=/c', '--zap-devel'], {}, { '/c': 'profile: self-heal' });
	t.is(config.profile, 'self-heal');
	t.deepEqual(config.notices, ['flags without effect: --zap-devel']);
	t.deepEqual(config.warnings, ['no provider is configured: nothing can be read']);
	t.false('$schema' in config);
});

test("the own namespace is the flag's, the environment's, the pod's, or jasm", t => {
	const files = { [NAMESPACE_FILE]: 'mounted\n' };
	const env = { POD_NAMESPACE: 'named' };
	t.is(load(['--namespace=given'], env, files).namespace, 'given');
	t.is(load([], env, files).namespace, 'named');
	t.is(load([], {}, files).namespace, 'mounted');
	t.is(load([], { POD_NAMESPACE: '' }, {}).namespace, 'jasm');
});

test('a namespace that is none is a fault that says where it comes from', t => {
	const message = (source: string) => [`${source}: "A b" is not the name of a namespace`];
	t.deepEqual(faultsOf(['--namespace=A b']), message('--namespace'));
	t.deepEqual(faultsOf([], { POD_NAMESPACE: 'A b' }), message('POD_NAMESPACE'));
	t.deepEqual(faultsOf([], {}, { [NAMESPACE_FILE]: 'A b' }), message(NAMESPACE_FILE));
});

test('the name of the pod comes from the environment', t => {
	t.is(load([], { POD_NAME: 'jasm-0' }).podName, 'jasm-0');
});

test("zap's levels become levels of the log", t => {
	const levels: Record<string, LogLevel> = {
		debug: 'debug',
		INFO: 'info',
		error: 'error',
		panic: 'fatal',
		1: 'debug',
		2: 'trace',
		10: 'trace',
	};
	for (const [level, expected] of Object.entries(levels)) {
		t.is(load([`--zap-log-level=${level}`]).logLevel, expected);
	}

	for (const level of ['0', '-1', 'loud', '1.5', 'warn!']) {
		t.deepEqual(faultsOf([`--zap-log-level=${level}`]), [
			`--zap-log-level: "${level}" is not debug, info, error, panic or a number above 0`,
		]);
	}
});

test('an address is a host and a port, a port, or 0', t => {
	for (const address of ['0', ':0', ':65535', 'localhost:80', '0.0.0.0:8080', '[::]:8080']) {
		t.is(load([`--metrics-bind-address=${address}`]).metricsAddress, address);
	}

	for (const address of ['8080', ':65536', ':x', 'a b:1', '::1:80', 'http://x:80']) {
		t.deepEqual(faultsOf([`--metrics-bind-address=${address}`]), [
			`--metrics-bind-address: "${address}" is not HOST:PORT, :PORT or 0`,
		]);
	}
});

test('two listeners do not share an address, unless it is none or any free one', t => {
	t.deepEqual(faultsOf(['--metrics-bind-address=:8081']), [
		'--health-probe-bind-address: must differ from --metrics-bind-address',
	]);
	t.deepEqual(faultsOf(['--metrics-bind-address=:0', '--health-probe-bind-address=:0']), []);
	t.deepEqual(faultsOf(['--metrics-bind-address=0', '--health-probe-bind-address=0']), []);
});

test('faults of flags, environment and file come in one error', t => {
	const faults = faultsOf(
		['--config=/c', '--leader-elect=x', '--metrics-bind-address=x', '--nope'],
		{ POD_NAMESPACE: 'Not_A_Namespace' },
		{ '/c': 'profil: x\npolicy: [{namespaces: [a], provider: b, paths: [c]}]' },
	);
	t.deepEqual(faults, [
		'--leader-elect: must be true or false',
		'unknown flag --nope, see --help',
		'--metrics-bind-address: "x" is not HOST:PORT, :PORT or 0',
		'POD_NAMESPACE: "Not_A_Namespace" is not the name of a namespace',
		'profil: unknown field, did you mean "profile"?',
		'policy[0].provider: "b" is not a configured provider, none is configured',
	]);
});

test('credentials of the environment are not part of the configuration, which may be logged', t => {
	const config = load([], { AWS_REGION: 'eu-west-1', AWS_SECRET_ACCESS_KEY: 'hunter2' });
	t.false(JSON.stringify(config).includes('hunter2'));
});

test('help and version are printed instead of running, whatever else is wrong', t => {
	t.is(helpText('1.2.3', ['--version', '--nope']), '1.2.3\n');
	t.true(helpText('1.2.3', ['-h'])?.includes('--leader-elect'));
	t.is(helpText('1.2.3', ['--help=false']), undefined);
	t.is(helpText('1.2.3', ['--config', '--help']), undefined);
	t.true(Object.hasOwn(FLAGS, 'allow-unguarded'));
});
