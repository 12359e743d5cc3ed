// The parts of the run that need only Node: tools, cleaning up, waiting, counting, the table.
import { spawn } from 'node:child_process';
import { chmodSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { delimiter, dirname, join } from 'node:path';
import test from 'ava';
import { alternativeNames } from '../cloud/certificate.ts';
import { vaultPolicy } from '../cloud/vault-setup.ts';
import { counts } from '../cluster/stack.ts';
import { findTools } from '../cluster/tools.ts';
import { stays, until } from '../cluster/until.ts';
import { AWS_PROFILE, ROOT, readerPath, STAGE, stageEnvironment } from '../cluster/workspace.ts';
import { percentiles, Report, within } from '../report/report.ts';
import { attacks } from '../users/attacker.ts';

test('every missing command is named at once, with the place it comes from', t => {
	const folder = mkdtempSync(join(tmpdir(), 'jasm-tools-'));
	t.teardown(() => rmSync(folder, { recursive: true }));
	for (const name of ['kubectl', 'python3', 'pulumi']) {
		writeFileSync(join(folder, name), '#!/bin/sh\n');
		chmodSync(join(folder, name), name === 'pulumi' ? 0o644 : 0o755);
	}
	const error = t.throws(() => findTools(folder));
	t.regex(error?.message ?? '', /minikube: https:/);
	t.regex(error?.message ?? '', /pulumi: https:/, 'a file that cannot be run is no command');
	t.notRegex(error?.message ?? '', /kubectl:/);
});

test('a reader has the commands installed inside the checkout, and none of those that a script of it gets', t => {
	const installed = [join(ROOT, 'tools', 'pulumi'), join(ROOT, 'bin'), '/usr/bin'];
	const scripts = [join(ROOT, 'node_modules', '.bin'), dirname(process.execPath)];
	t.is(readerPath([...scripts, ...installed].join(delimiter)), installed.join(delimiter));
});

test('a certificate names hosts as hosts and addresses as addresses, each once', t => {
	const hosts = ['host.minikube.internal', 'localhost', '127.0.0.1', '::1', '127.0.0.1'];
	t.is(alternativeNames(hosts), 'DNS:host.minikube.internal,DNS:localhost,IP:127.0.0.1,IP:::1');
});

test("Vault's policy reads both secrets engines and refuses one path if one is given", t => {
	t.regex(vaultPolicy(), /path "secret\/data\/prod\/\*" \{ capabilities = \["read"\] \}/);
	t.regex(vaultPolicy(), /path "kv1\/prod\/\*"/);
	t.notRegex(vaultPolicy(), /deny/);
	t.regex(vaultPolicy('prod/a'), /path "secret\/data\/prod\/a" \{ capabilities = \["deny"\] \}/);
});

test('nothing in the environment of commands points to an account or a cluster of the person', t => {
	const foreign = {
		AWS_ACCESS_KEY_ID: 'x',
		AWS_PROFILE: 'mine',
		KUBECONFIG: '/mine',
		PULUMI_ACCESS_TOKEN: 'x',
	};
	Object.assign(process.env, foreign);
	const env = stageEnvironment();
	t.is(env['AWS_ACCESS_KEY_ID'], undefined);
	t.is(env['PULUMI_ACCESS_TOKEN'], undefined);
	t.is(env['AWS_PROFILE'], AWS_PROFILE);
	for (const name of ['KUBECONFIG', 'MINIKUBE_HOME', 'PULUMI_HOME', 'HOME', 'AWS_CONFIG_FILE']) {
		t.true(env[name]?.startsWith(STAGE), name);
	}
});

test('waiting ends with the value that was seen, or with an error that names what was waited for', async t => {
	let looks = 0;
	t.is(await until('three looks', () => (++looks === 3 ? 'seen' : undefined), { everyMs: 1 }), 'seen');
	const vain = until('a miracle', () => Promise.reject(new Error('none')), { timeoutMs: 5, everyMs: 1 });
	await t.throwsAsync(vain, { message: /without seeing a miracle \(none\)/ });
	await t.throwsAsync(
		stays('a lie', () => false, 1),
		{ message: /a lie/ },
	);
});

test('the counts of Pulumi are read from its last summary', t => {
	const output =
		'x\n    7 created\nResources:\n    + 12 created\n    ~ 1 to update\n    +-1 replaced\n    3 unchanged\n\nDuration: 4s';
	t.deepEqual(counts(output), { created: 12, update: 1, replaced: 1, unchanged: 3 });
	t.deepEqual(counts(`Resources:\n    + 12 to create\n\n${output}`)['created'], 12, 'a preview comes first');
	t.deepEqual(counts('error: refused'), {});
});

test('percentiles are values that were seen', t => {
	const { p50, p99 } = percentiles(Array.from({ length: 100 }, (_, index) => 100 - index));
	t.is(p50, 50);
	t.is(p99, 99);
	t.is(percentiles([7]).p99, 7);
});

test('a failed scenario is in the table, and the scenarios after it run', async t => {
	const said: string[] = [];
	let kept = 0;
	const report = new Report({ say: line => said.push(line), failed: async () => void kept++ });
	await report.scenario('first', 'breaks', () => Promise.reject(new Error('because')));
	await report.scenario('second', 'holds', async () => '5 ms');
	report.cannotShow('third', 'no such thing here');
	const lines = report.table().split('\n');
	t.is(kept, 1);
	t.false(report.passed);
	t.regex(lines[1] ?? '', /^first +breaks +FAILED: because$/);
	t.regex(lines[2] ?? '', /^second +holds +5 ms$/);
	t.is(lines.at(-1), '1 passed, 1 failed');
});

test('a scenario over its budget is marked and does not fail', async t => {
	const report = new Report({ say: () => {}, failed: async () => t.fail() });
	await report.scenario('slow', 'recovers', async () => within(2_100, 2_000, ', 0 missed'));
	await report.scenario('fast', 'recovers', async () => within(2_000, 2_000));
	const lines = report.table().split('\n');
	t.true(report.passed);
	t.regex(lines[1] ?? '', /^slow +recovers +OVER BUDGET: 2\.1 s \(budget 2 s\), 0 missed$/);
	t.is(lines.at(-2), 'over their budget: slow');
	t.is(lines.at(-1), '2 passed, 0 failed');
});

test('an attacker tries every verb, every kind of patch, dry runs, subresources and preconditions', t => {
	const target = { namespace: 'n', name: 's', uid: 'u', resourceVersion: '7', key: 'k' };
	const all = attacks(target);
	t.true(all.length > 100);
	t.deepEqual([...new Set(all.map(({ method }) => method))].sort(), [
		'DELETE',
		'GET',
		'HEAD',
		'OPTIONS',
		'PATCH',
		'POST',
		'PUT',
	]);
	t.is(new Set(all.filter(({ method }) => method === 'PATCH').map(({ type }) => type)).size, 4);
	t.true(all.some(({ path }) => path.includes('dryRun=All')));
	t.true(all.some(({ path }) => path.endsWith('/status')));
	t.true(all.some(({ body }) => JSON.stringify(body)?.includes('"from":"/data/k"')));
});

test('on SIGINT everything that was started ends in reverse order, even if one end fails', async t => {
	const module = new URL('../cluster/cleanup.ts', import.meta.url).href;
	const script = `
		const { onEnd, finishOnSignals } = await import(${JSON.stringify(module)});
		finishOnSignals(line => console.log(line));
		onEnd('first', () => console.log('end of first'));
		onEnd('second', () => { throw new Error('stuck'); });
		onEnd('third', () => console.log('end of third'));
		setInterval(() => {}, 1000);
		console.log('started');
	`;
	const child = spawn(process.execPath, ['--input-type=module', '-e', script]);
	let said = '';
	child.stdout.setEncoding('utf8').on('data', (text: string) => {
		said += text;
		if (text.includes('started')) child.kill('SIGINT');
	});
	const code = await new Promise(resolve => child.once('close', resolve));
	t.is(code, 130);
	t.deepEqual(said.trim().split('\n'), [
		'started',
		'SIGINT: cleaning up',
		'end of third',
		'end of first',
		'left behind: second: stuck',
	]);
});
