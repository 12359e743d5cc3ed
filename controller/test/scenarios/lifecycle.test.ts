// The process seen from outside: how it starts, what it prints, and how it ends.

import { once } from 'node:events';
import { createServer } from 'node:net';
import test from 'ava';
import { ControllerProcess } from '../helpers/environment/controller-process.ts';
import { annotation, startEnvironment } from '../helpers/environment/test-environment.ts';

const names = (prefix: string, count: number) =>
	Array.from({ length: count }, (_, index) => `${prefix}-${index}`);

test.serial(
	'it starts, serves, answers probes, and ends with 0 on SIGTERM, without a word on standard error',
	async t => {
		const environment = await startEnvironment(t);
		const controller = await environment.startProcess();
		const team = await environment.namespace('team');
		await controller.leading();
		await environment.ask(team, 'web');
		await environment.event(team, 'web', 'SecretSyncSuccess');
		for (const path of ['/livez', '/healthz', '/readyz']) {
			t.deepEqual(await controller.probe(path), { status: 200, text: 'ok\n' });
		}

		t.is((await controller.probe('/secrets')).status, 404);
		controller.signal('SIGTERM');
		t.deepEqual(await controller.exited, { code: 0, signal: null });
		t.is(controller.stderr, '');
		t.true(
			controller.log.lines.every(
				({ level, time, message }) => level !== 'none' && Boolean(time) && Boolean(message),
			),
		);
		t.deepEqual(
			controller.log.lines.slice(-2).map(({ message }) => message),
			['stopping', 'stopped'],
		);
		t.is(controller.log.count({ level: 'fatal' }) + controller.log.count({ level: 'error' }), 0);
	},
);

test.serial('every error of flags and file is listed at once, with its place, in one coded line', async t => {
	const environment = await startEnvironment(t, { embedded: true });
	const config = {
		profil: 'write-only',
		providers: { aws: { kind: 'aws-secretsmanager', region: 'nowhere', colour: 'red' } },
		policy: [{ namespaces: ['Team_A'], provider: 'asw', paths: ['/a/../b'] }],
		limits: { burst: 0 },
	};
	const controller = new ControllerProcess({
		argv: ['--config', environment.file(JSON.stringify(config)), '--leader-elct', '--zap-log-level=loud'],
		env: {},
	});
	t.deepEqual(await controller.exited, { code: 1, signal: null });
	t.is(controller.log.lines.length, 1);
	const [{ level, error, message } = { level: '', error: undefined, message: '' }] = controller.log.lines;
	t.is(level, 'fatal');
	t.is(error?.code, 'CONFIG_INVALID');
	const text = String(message);
	for (const place of [
		'--leader-elct',
		'--zap-log-level',
		'profil',
		'region',
		'colour',
		'namespaces',
		'provider',
		'paths',
		'burst',
	]) {
		t.true(text.includes(place), `${place}: ${text}`);
	}
});

for (const [flag, expected] of [
	['--help', /--kubeconfig FILE/],
	['--version', /^\d+\.\d+\.\d+/],
] as const) {
	test.serial(`${flag} prints and ends with 0, whatever the configuration is`, async t => {
		const controller = new ControllerProcess({ argv: [flag, '--config=/does/not/exist'], env: {} });
		t.deepEqual(await controller.exited, { code: 0, signal: null });
		t.regex(controller.log.text.join('\n'), expected);
	});
}

test.serial('an error that prevents the start is one fatal line with a code and a remedy', async t => {
	const environment = await startEnvironment(t, { guard: false });
	const taken = createServer();
	taken.listen(0, '127.0.0.1');
	await once(taken, 'listening');
	t.teardown(() => taken.close());
	const { port } = taken.address() as { port: number };
	for (const [code, options] of [
		['KUBERNETES_CONFIG_INVALID', { argv: ['--kubeconfig', '/does/not/exist'] }],
		['KUBERNETES_CONFIG_INVALID', { kubeconfig: 'not: a kubeconfig' }],
		['ADDRESS_UNAVAILABLE', { argv: [`--metrics-bind-address=127.0.0.1:${port}`] }],
		['GUARD_MISSING', { argv: ['--allow-unguarded=false'] }],
	] as const) {
		const controller = await environment.startProcess(options);
		t.deepEqual(await controller.exited, { code: 1, signal: null }, code);
		const fatal = controller.log.filter({ level: 'fatal' });
		t.is(fatal.length, 1, code);
		t.is(fatal[0]!.error!.code, code);
		t.truthy(fatal[0]!['remedy']);
		t.is(controller.stderr, '', code);
	}
});

test.serial('an unexpected error is one coded fatal line without its text, and the end', async t => {
	const environment = await startEnvironment(t, { embedded: true });
	for (const accident of [
		"Promise.reject(new SyntaxError('Unexpected token in hunter2'))",
		"{ throw new TypeError('hunter2 is not a function') }",
	]) {
		const controller = await environment.startProcess({
			preload: `process.on('SIGUSR2', () => ${accident});`,
		});
		await controller.leading();
		controller.signal('SIGUSR2');
		t.deepEqual(await controller.exited, { code: 1, signal: null });
		const fatal = controller.log.filter({ level: 'fatal' });
		t.is(fatal.length, 1);
		t.is(fatal[0]!.error!.code, 'INTERNAL');
		t.false(controller.log.text.join('').includes('hunter2'));
		t.is(controller.stderr, '');
	}
});

test.serial('the first signal lets started work finish, the second ends at once with 1', async t => {
	const environment = await startEnvironment(t, { embedded: true });
	const controller = await environment.startProcess();
	const team = await environment.namespace('team');
	environment.secretsManager.inject('hang');
	await controller.leading();
	await environment.ask(team, 'web');
	await environment.secretsManager.waitForCall(({ name }) => name === '/prod/web');
	controller.signal('SIGTERM');
	await controller.log.waitFor({ message: 'stopping' });
	t.deepEqual(await controller.probe('/readyz'), { status: 503, text: 'stopping\n' });
	t.true(controller.running);
	controller.signal('SIGINT');
	t.deepEqual(await controller.exited, { code: 1, signal: null });
	t.is(controller.log.filter({ level: 'fatal' })[0]!.error!.code, 'ABORTED');
});

test.serial(
	'a stop in the middle of a burst leaves whole Secrets, and the next start does the rest',
	async t => {
		const environment = await startEnvironment(t);
		const team = await environment.namespace('team');
		const all = names('web', 60);
		for (const name of all) {
			environment.secretsManager.put(`/prod/${name}`, { name, twice: name });
		}

		const first = await environment.start();
		const pods = environment.each(all, name =>
			environment.pod(team, name, annotation({ path: `/prod/${name}`, secretName: name })),
		);
		await first.log.waitFor({ message: 'secret synced' }, 5);
		t.is(await first.stop(), undefined);
		await pods;
		const whole = (name: string) => {
			const { data } = environment.world.secret(team, name) ?? {};
			return data === undefined || (data['name'] === name && data['twice'] === name);
		};
		t.true(all.every(whole));
		const failures = first.log.filter({ message: 'secret not synced' });
		t.deepEqual(
			failures.filter(({ secret }) => String(secret).startsWith(team)),
			[],
		);
		await environment.start();
		for (const name of all) {
			t.is((await environment.secret(team, name)).data['twice'], name);
			await environment.event(team, name, 'SecretSyncSuccess');
		}
	},
);

test.serial(
	'a process that is killed in the middle of a burst leaves whole Secrets, and the next start does the rest',
	async t => {
		const environment = await startEnvironment(t);
		const team = await environment.namespace('team');
		const all = names('web', 40);
		for (const name of all) {
			environment.secretsManager.put(`/prod/${name}`, { name, twice: name });
		}

		const first = await (await environment.startProcess()).leading();
		const pods = environment.each(all, name =>
			environment.pod(team, name, annotation({ path: `/prod/${name}`, secretName: name })),
		);
		await first.log.waitFor({ message: 'secret synced' }, 3);
		first.signal('SIGKILL');
		await first.exited;
		await pods;
		await environment.start();
		for (const name of all) {
			const { data } = await environment.secret(team, name);
			t.deepEqual({ ...data }, { name, twice: name });
			await environment.event(team, name, 'SecretSyncSuccess');
		}
	},
);

test.serial('a stop waits at most 15 s for started runs, and for their Events', async t => {
	const environment = await startEnvironment(t, { virtualTime: true });
	const controller = await environment.start();
	const team = await environment.namespace('team');
	const held = environment.secretsManager.inject('hang', { when: ({ name }) => name === '/prod/slow' });
	await environment.ask(team, 'slow');
	await environment.secretsManager.waitForCall(({ name }) => name === '/prod/slow');
	const ended = controller.stop();
	const took = await environment.clock.runUntil(() => !controller.running, { maxMs: 60_000 });
	t.true(took <= 25_000, `${took} ms`);
	t.is(await ended, undefined);
	t.is(environment.events(team, 'slow').filter(({ type }) => type === 'Normal').length, 0);
	held.stop();
});
