// A fourth provider from outside the package, word by word as its page has it.
import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdirSync, mkdtempSync, readFileSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import test, { type ExecutionContext } from 'ava';
import type { SecretProvider } from '../../src/providers/provider.ts';
import { annotation, startStage } from '../helpers/stage.ts';

const PACKAGE = new URL('../..', import.meta.url).pathname;
const PAGE = new URL('../../../docs/providers/custom.md', import.meta.url);

/** A program of its own that depends on the package, with the two files of the page and a secret. */
function program(t: ExecutionContext): string {
	const folder = mkdtempSync(join(tmpdir(), 'jasm-custom-'));
	t.teardown(() => rmSync(folder, { recursive: true }));
	const [provider = '', main = ''] = Array.from(
		readFileSync(PAGE, 'utf8').matchAll(/^```ts\n(.*?)^```/gms),
		([, code]) => code,
	);
	writeFileSync(join(folder, 'package.json'), '{"type": "module"}');
	writeFileSync(join(folder, 'files-provider.ts'), provider);
	writeFileSync(join(folder, 'main.ts'), main);
	mkdirSync(join(folder, 'node_modules/@jasm'), { recursive: true });
	symlinkSync(PACKAGE, join(folder, 'node_modules/@jasm/controller'));
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

const policyOf = (id: string) => [{ namespaces: [`*-${id}`], provider: 'files', paths: ['prod/**'] }];

test('the program of docs/providers/custom.md syncs an annotated pod from its own store', async t => {
	const folder = program(t);
	const stage = await startStage(t);
	const team = await stage.namespace('team');
	const { id, home, guarded } = stage.cluster;
	writeFileSync(join(folder, 'kubeconfig'), stage.cluster.kubeconfigFor(await stage.cluster.createToken()));
	writeFileSync(join(folder, 'config.json'), JSON.stringify({ policy: policyOf(id) }));
	const child = spawn(
		process.execPath,
		[
			...['main.ts', '--config', 'config.json', '--kubeconfig', 'kubeconfig'],
			...['--metrics-bind-address=0', '--health-probe-bind-address=0', `--allow-unguarded=${!guarded}`],
		],
		{
			cwd: folder,
			env: { SECRETS_FOLDER: join(folder, 'secrets'), POD_NAMESPACE: home, POD_NAME: `jasm-${id}-0` },
			stdio: 'ignore',
		},
	);
	try {
		await stage.pod(team, 'web', annotation({ provider: 'files', path: 'prod/db' }));
		t.deepEqual({ ...(await stage.secret(team, 'db')).data }, { user: 'app', port: '5432' });
		t.is(stage.world.secret(team, 'db')?.labels['jasm.codnod.io/provider'], 'files');
	} finally {
		await stopped(child);
	}

	t.is(child.exitCode, 0);
});

test('its errors reach the pod as those of any other provider, and the policy stands before it', async t => {
	const folder = program(t);
	const { FilesProvider } = (await import(join(folder, 'files-provider.ts'))) as {
		FilesProvider: new (folder: string) => SecretProvider;
	};
	const files = new FilesProvider(join(folder, 'secrets'));
	const stage = await startStage(t);
	await stage.start({
		providers: { files },
		config: { providers: {}, policy: policyOf(stage.cluster.id) },
	});
	const team = await stage.namespace('team');
	for (const [pod, path, reason, code] of [
		['missing', 'prod/none', 'SecretFetchFailed', 'SECRET_NOT_FOUND'],
		['wrong', 'prod/DB', 'SecretFetchFailed', 'PROVIDER_REQUEST_INVALID'],
		['denied', 'other/db', 'PolicyDenied', 'POLICY_DENIED'],
	] as const) {
		await stage.pod(team, pod, annotation({ provider: 'files', path, secretName: pod }));
		t.true((await stage.event(team, pod, reason)).note.includes(`(${code})`));
	}
});
