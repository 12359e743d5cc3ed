// The manual's blocks: every shell block is run somewhere or says why not, and can be pasted into any shell.
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import test from 'ava';
import { fencedBlocks, manual, place, shellBlocks } from '../users/manual.ts';
import { READINGS, Reader, readingOf } from '../users/reader.ts';
import { Terminal } from '../users/terminal.ts';

const LANGUAGES = ['sh', 'ts', 'yaml', 'json', 'text', 'mermaid'];
const blocks = manual();

test('every block of the manual names a language that a test knows', t => {
	const odd = blocks.filter(({ language }) => !LANGUAGES.includes(language));
	t.deepEqual(odd.map(place), []);
});

test('every shell block is run by a test, or says in the source of its page why it is not', t => {
	const forgotten = shellBlocks(blocks).filter(
		block => block.notRun === undefined && readingOf(block) === undefined,
	);
	const remedy =
		'add its section to READINGS in e2e/users/reader.ts, or <!-- not run: reason --> right above the block';
	t.deepEqual(forgotten.map(place), [], remedy);
	const marked = shellBlocks(blocks).filter(({ notRun }) => notRun !== undefined);
	for (const block of marked) t.log(`not run: ${place(block)}: ${block.notRun}`);
	t.true(marked.every(({ notRun = '' }) => notRun.length > 10));
});

test('every reading has a block to run', t => {
	const empty = READINGS.filter(reading => !shellBlocks(blocks).some(block => readingOf(block) === reading));
	t.deepEqual(empty, []);
});

test('a marker stands above a shell block and nowhere else', t => {
	const marked = blocks.filter(({ notRun }) => notRun !== undefined);
	t.deepEqual(marked.filter(({ language }) => language !== 'sh').map(place), []);
});

test('a shell block has no comments and no prompts: an interactive zsh takes a comment as arguments', t => {
	const withComment = shellBlocks(blocks).filter(({ text }) => /(^|\s)#\s|^\$ /m.test(text));
	t.deepEqual(withComment.map(place), []);
});

test('a block keeps its section, its line, and its text without the indentation of a list', t => {
	const page = [
		'# One',
		'',
		'1. Do:',
		'   <!-- not run: no such thing -->',
		'   ```sh',
		'   a <<X',
		'     b',
		'   X',
		'   ```',
	];
	t.deepEqual(fencedBlocks('p.md', page.join('\n')), [
		{ page: 'p.md', line: 5, section: 'One', language: 'sh', text: 'a <<X\n  b\nX', notRun: 'no such thing' },
	]);
	t.throws(() => fencedBlocks('p.md', '```sh\na'), { message: /p\.md:1: the fence is not closed/ });
});

test('a marker counts for the block right below it only', t => {
	const page =
		'<!-- not run: a reason -->\n\n```sh\na\n```\n\n<!-- not run: another -->\ntext\n```sh\nb\n```';
	t.deepEqual(
		fencedBlocks('p.md', page).map(({ notRun }) => notRun),
		['a reason', undefined],
	);
});

test('a terminal keeps variables and folder, goes on after a failed command and names it', async t => {
	const cwd = mkdtempSync(join(tmpdir(), 'jasm-terminal-'));
	const terminal = new Terminal({ name: 'unit', cwd, env: { PATH: process.env['PATH'] ?? '' } });
	t.teardown(async () => {
		await terminal.close();
		rmSync(cwd, { recursive: true });
	});
	await terminal.paste('export NAME=value\nmkdir inner && cd inner');
	const { output, failed } = await terminal.paste(
		'false || echo caught\nls missing 2>&1\necho "$NAME $(basename "$PWD")"',
	);
	t.regex(output, /caught\n[\s\S]*value inner/);
	t.true(
		failed.some(command => command === 'ls missing 2>&1'),
		failed.join(),
	);
	t.deepEqual((await terminal.paste('echo fine')).failed, []);
	const environment = await terminal.environment();
	t.is(environment['NAME'], 'value');
});

test('a reader stops at a failed command, and pastes no block of a section after a later one', async t => {
	const env = { PATH: process.env['PATH'] ?? '' };
	const reader = new Reader({ env, words: { 'host.example': 'localhost' } });
	const terminal = reader.open('unit-3', tmpdir());
	t.teardown(() => terminal.close());
	const block = (line: number, text: string) => {
		return { page: 'p.md', section: 's', language: 'sh', notRun: undefined, line, text };
	};
	t.is((await reader.paste(terminal, block(2, 'echo host.example'))).trim(), 'localhost');
	await t.throwsAsync(reader.paste(terminal, block(3, 'echo why; false')), {
		message: /p\.md:3: failed: false[\s\S]*why/,
	});
	await t.throwsAsync(reader.paste(terminal, block(1, 'true')), {
		message: /p\.md:1 is pasted out of order/,
	});
});

test('a block whose last command stays is waited for until it says that it is ready', async t => {
	const terminal = new Terminal({ name: 'unit-2', cwd: tmpdir(), env: { PATH: process.env['PATH'] ?? '' } });
	t.is(await terminal.start('echo port 42; sleep 60', /port (\d+)/), '42');
	await terminal.close();
	const gone = terminal.paste('echo late', { timeoutMs: 1000 });
	await t.throwsAsync(gone, { message: /terminal unit-2/ });
});
