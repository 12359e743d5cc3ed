// A provider of one's own, as the manual has it: its files and its command, on the embedded API server.

import { mkdirSync, mkdtempSync, readFileSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { startApiServer } from '@jasm/controller/testing';
import * as k8s from '@kubernetes/client-node';
import test from 'ava';
import { until } from '../cluster/until.ts';
import { ROOT } from '../cluster/workspace.ts';
import { fileNames, manual } from '../users/manual.ts';
import { Terminal } from '../users/terminal.ts';

const PAGE = 'docs/providers/custom.md';

test('the provider of the manual runs as pasted and a pod gets the content of a file', async t => {
	t.timeout(120_000, 'a controller has to start');
	const folder = mkdtempSync(join(tmpdir(), 'jasm-provider-'));
	const server = await startApiServer();
	server.apply(k8s.loadAllYaml(readFileSync(join(ROOT, 'deploy/write-only.yaml'), 'utf8')) as object[]);
	const blocks = manual().filter(({ page }) => page === PAGE);
	const program = blocks.filter(({ language }) => language === 'ts');
	const names = fileNames(program);
	const [config] = blocks.filter(({ language }) => language === 'yaml');
	const [command] = blocks.filter(({ language, notRun }) => language === 'sh' && notRun === undefined);
	const files: Record<string, string> = {
		'package.json': '{"type": "module"}',
		...Object.fromEntries(program.map(({ text }, index) => [names[index], text])),
		// The folder of the page is one of the root directory.
		'config.yaml': config?.text.replace('/secrets', join(folder, 'secrets')) ?? '',
		'secrets/team-a/database': '{"DB_PASSWORD": "fake"}',
		kubeconfig: server.kubeconfig({ token: server.createToken('jasm', 'jasm') }),
	};
	for (const [name, text] of Object.entries(files)) {
		mkdirSync(dirname(join(folder, name)), { recursive: true });
		writeFileSync(join(folder, name), text);
	}
	mkdirSync(join(folder, 'node_modules/@jasm'), { recursive: true });
	symlinkSync(join(ROOT, 'controller'), join(folder, 'node_modules/@jasm/controller'));
	symlinkSync(join(ROOT, 'controller/node_modules/zod'), join(folder, 'node_modules/zod'));
	const PATH = `${dirname(process.execPath)}:${process.env['PATH']}`;
	const env = { PATH, KUBECONFIG: join(folder, 'kubeconfig') };
	const terminal = new Terminal({ name: 'provider', cwd: folder, env });
	t.teardown(async () => {
		await terminal.close();
		await server.close();
		rmSync(folder, { recursive: true });
	});
	await terminal.start(command?.text ?? '', /"message":"(leading)"/);
	const admin = new k8s.KubeConfig();
	admin.loadFromString(server.kubeconfig({ namespace: 'team-a' }));
	const core = admin.makeApiClient(k8s.CoreV1Api);
	await core.createNamespace({ body: { metadata: { name: 'team-a' } } });
	const request = JSON.stringify({ provider: 'files', path: 'team-a/database', secretName: 'database' });
	await core.createNamespacedPod({
		namespace: 'team-a',
		body: {
			metadata: { name: 'web', annotations: { 'jasm.codnod.io/secret-sync': request } },
			spec: { containers: [{ name: 'app', image: 'example/app:1' }] },
		},
	});
	const secret = await until('the Secret', () =>
		core.readNamespacedSecret({ namespace: 'team-a', name: 'database' }),
	);
	t.is(Buffer.from(secret.data?.['DB_PASSWORD'] ?? '', 'base64').toString(), 'fake');
});
