// A kind of provider from outside the package, word by word as its page has it.
import { type ChildProcess, spawn, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { mkdirSync, mkdtempSync, readFileSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import test, { type ExecutionContext } from 'ava';
import type { ProviderKind } from '../../src/providers/provider.ts';
import { systemClock } from '../../src/runtime/clock.ts';
import { annotation, startEnvironment } from '../helpers/environment/test-environment.ts';

const PACKAGE = new URL('../..', import.meta.url).pathname;
const PAGE = new URL('../../../docs/providers/custom.md', import.meta.url);

const blocks = (language: string): string[] =>
	Array.from(
		readFileSync(PAGE, 'utf8').matchAll(new RegExp(`^\`\`\`${language}\\n(.*?)^\`\`\``, 'gms')),
		([, code]) => code!,
	);

/** A program of its own that depends on the package, with the files of the page and a secret. */
function program(t: ExecutionContext): string {
	const folder = mkdtempSync(join(tmpdir(), 'jasm-custom-'));
	t.teardown(() => rmSync(folder, { recursive: true }));
	const [kind = '', main = ''] = blocks('ts');
	writeFileSync(join(folder, 'package.json'), '{"type": "module"}');
	writeFileSync(join(folder, 'files-kind.ts'), kind);
	writeFileSync(join(folder, 'main.ts'), main);
	mkdirSync(join(folder, 'node_modules/@jasm'), { recursive: true });
	symlinkSync(PACKAGE, join(folder, 'node_modules/@jasm/controller'));
	symlinkSync(join(PACKAGE, 'node_modules/zod'), join(folder, 'node_modules/zod'));
	mkdirSync(join(folder, 'secrets/prod'), { recursive: true });
	writeFileSync(join(folder, 'secrets/prod/db'), '{"user":"app","port":5432}');
	return folder;
}

async function stopped(child: ChildProcess): Promise<void> {
	if (child.exitCode === null) {
		child.kill('SIGTERM');
		await once(child, 'exit');
	}
}

/** The configuration of the page, for a folder and the namespaces of the test. */
function configFor(folder: string, id: string): string {
	const [config = ''] = blocks('yaml');
	return config
		.replace('/secrets', join(folder, 'secrets'))
		.replace('team-*', `*-${id}`)
		.replace('{namespace}/**', 'prod/**');
}

test('the program of docs/providers/custom.md syncs an annotated pod from its own store', async t => {
	const folder = program(t);
	const environment = await startEnvironment(t);
	const team = await environment.namespace('team');
	const { id, home, guarded } = environment.cluster;
	writeFileSync(
		join(folder, 'kubeconfig'),
		environment.cluster.kubeconfigFor(await environment.cluster.createToken()),
	);
	writeFileSync(join(folder, 'config.yaml'), configFor(folder, id));
	const child = spawn(
		process.execPath,
		[
			...['main.ts', '--config', 'config.yaml', '--kubeconfig', 'kubeconfig'],
			...['--metrics-bind-address=0', '--health-probe-bind-address=0', `--allow-unguarded=${!guarded}`],
		],
		{ cwd: folder, env: { POD_NAMESPACE: home, POD_NAME: `jasm-${id}-0` }, stdio: 'ignore' },
	);
	try {
		await environment.pod(team, 'web', annotation({ provider: 'files', path: 'prod/db' }));
		t.deepEqual({ ...(await environment.secret(team, 'db')).data }, { user: 'app', port: '5432' });
		t.is(environment.world.secret(team, 'db')?.labels['jasm.codnod.io/provider'], 'files');
	} finally {
		await stopped(child);
	}

	t.is(child.exitCode, 0);
});

test('faults of its fields are named like those of any other provider', t => {
	const folder = program(t);
	writeFileSync(
		join(folder, 'config.yaml'),
		'providers: {a: {kind: files, folder: secrets, foldr: x}, b: {kind: file}, c: {kind: files}}',
	);
	const { status, stderr, stdout } = spawnSync(process.execPath, ['main.ts', '--config', 'config.yaml'], {
		cwd: folder,
		env: {},
		encoding: 'utf8',
	});
	t.not(status, 0);
	for (const fault of [
		'providers.a.folder: "secrets" is not an absolute path',
		'providers.a.foldr: unknown field, did you mean "folder"?',
		'providers.b.kind: "file" is not allowed, did you mean "files"?',
		'providers.c.folder: is required',
	]) {
		t.true((stderr + stdout).includes(fault), fault);
	}
});

test('its errors reach the pod as those of any other provider, and the policy stands before it', async t => {
	const folder = program(t);
	const { files } = (await import(join(folder, 'files-kind.ts'))) as { files: ProviderKind };
	const environment = await startEnvironment(t);
	const { id } = environment.cluster;
	await environment.start({
		kinds: [files],
		config: {
			providers: { files: { kind: 'files', folder: join(folder, 'secrets') } },
			policy: [{ namespaces: [`*-${id}`], provider: 'files', paths: ['prod/**'] }],
		},
	});
	const team = await environment.namespace('team');
	for (const [pod, path, reason, code] of [
		['missing', 'prod/none', 'SecretFetchFailed', 'SECRET_NOT_FOUND'],
		['wrong', 'prod/DB', 'SecretFetchFailed', 'PROVIDER_REQUEST_INVALID'],
		['denied', 'other/db', 'PolicyDenied', 'POLICY_DENIED'],
	] as const) {
		await environment.pod(team, pod, annotation({ provider: 'files', path, secretName: pod }));
		t.true((await environment.event(team, pod, reason)).note.includes(`(${code})`));
	}
});

test('a program may bring along providers that are objects, without a kind and without configuration', async t => {
	const folder = program(t);
	const { files } = (await import(join(folder, 'files-kind.ts'))) as { files: ProviderKind };
	const config = { kind: 'files', folder: join(folder, 'secrets') };
	const context = { name: 'files', env: {}, clock: systemClock, warn: () => {} };
	const environment = await startEnvironment(t);
	await environment.start({
		providers: { own: await files.prepare(config, context).open() },
		config: {
			providers: {},
			policy: [{ namespaces: [`*-${environment.cluster.id}`], provider: 'own', paths: ['prod/**'] }],
		},
	});
	const team = await environment.namespace('team');
	await environment.pod(team, 'web', annotation({ provider: 'own', path: 'prod/db' }));
	t.is((await environment.secret(team, 'db')).data['user'], 'app');
});
