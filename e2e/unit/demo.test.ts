// The demo's commands: what they refuse, and that a refusal changes nothing and repeats no value.
import { existsSync } from 'node:fs';
import { mkdtemp, readFile, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import test from 'ava';
import { takeFolder } from '../demo/environment.ts';
import { RotateError, rotationOf } from '../demo/new-value.ts';

test('a rotation changes the named keys and keeps the others', t => {
	const { path, change } = rotationOf(['/prod/db', 'PASSWORD=a=b', 'USER=']);
	t.is(path, '/prod/db');
	t.deepEqual(JSON.parse(change('{"PASSWORD":"old","HOST":"db","USER":"x"}')), {
		...{ PASSWORD: 'a=b', HOST: 'db', USER: '' },
	});
});

test('a rotation replaces a whole text only where it is told so', t => {
	t.is(rotationOf(['/prod/db', '--text', 'new text']).change('old'), 'new text');
});

for (const [what, args] of [
	['no arguments', []],
	['no change', ['/prod/db']],
	['an option in place of the path', ['--help']],
	['a text without an equals sign', ['/prod/db', 'canary']],
	['a change without a key', ['/prod/db', '=canary']],
	['a text that is not quoted', ['/prod/db', '--text', 'canary', 'word']],
	['an option without its text', ['/prod/db', '--text']],
] as const) {
	test(`a rotation with ${what} is refused with the usage and without the value`, t => {
		const { message } = t.throws(() => rotationOf(args), { instanceOf: RotateError })!;
		t.regex(message, /usage: pnpm rotate/);
		t.notRegex(message, /canary/);
	});
}

for (const stored of ['canary', '"canary"', '["canary"]', 'null', '{"canary":']) {
	test(`keys of a stored value that is no object are refused without the value: ${JSON.stringify(stored)}`, t => {
		const { change } = rotationOf(['/prod/db', 'KEY=new']);
		const { message } = t.throws(() => change(stored), { instanceOf: RotateError })!;
		t.regex(message, /--text TEXT/);
		t.notRegex(message, /canary/);
	});
}

test('a second demo leaves the folder of a running one as it is', async t => {
	const folder = await mkdtemp(join(tmpdir(), 'jasm-demo-'));
	await takeFolder(folder);
	await writeFile(join(folder, 'kubeconfig'), 'of the first');
	await t.throwsAsync(takeFolder(folder), { message: /a demo runs in this workspace already/ });
	t.is(await readFile(join(folder, 'kubeconfig'), 'utf8'), 'of the first');
});

test('a demo takes the folder of one that crashed', async t => {
	const folder = await mkdtemp(join(tmpdir(), 'jasm-demo-'));
	await writeFile(join(folder, 'kubeconfig'), 'of the first');
	// No process has a number above the kernel's limit.
	await writeFile(join(folder, 'pid'), '99999999');
	await takeFolder(folder);
	t.false(existsSync(join(folder, 'kubeconfig')));
});
