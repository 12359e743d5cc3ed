// The image archive: a well-formed archive whose parts agree, the same bytes for the same files.
import { createHash } from 'node:crypto';
import { existsSync, mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import test from 'ava';
import { dockerArchive } from '../image/archive.ts';
import { stageContext } from '../image/context.ts';
import { type TarEntry, tar, withDirectories } from '../image/tar.ts';

/** Reads an archive back by the format's own rules, checksum included. */
function untar(archive: Buffer): Map<string, { mode: number; type: string; content: Buffer }> {
	const entries = new Map<string, { mode: number; type: string; content: Buffer }>();
	for (let at = 0; archive[at] !== 0; ) {
		const header = archive.subarray(at, at + 512);
		const text = (offset: number, length: number) =>
			header.toString('latin1', offset, offset + length).split('\0')[0] ?? '';
		const number = (offset: number, length: number) => Number.parseInt(text(offset, length), 8);
		const sum = header.reduce((total, byte, index) => total + (index >= 148 && index < 156 ? 32 : byte), 0);
		if (sum !== number(148, 8) || text(257, 6) !== 'ustar') throw new Error(`bad header at ${at}`);
		const size = number(124, 12);
		entries.set(text(0, 100), {
			mode: number(100, 8),
			type: text(156, 1),
			content: archive.subarray(at + 512, at + 512 + size),
		});
		at += 512 + Math.ceil(size / 512) * 512;
	}
	return entries;
}

const file = (path: string, content: string): TarEntry => ({
	path,
	mode: 0o644,
	content: Buffer.from(content),
});
const sha256 = (content: Uint8Array) => createHash('sha256').update(content).digest('hex');

test('an archive gives back every entry with its mode and content', t => {
	const entries = untar(
		tar([{ path: 'bin/', mode: 0o755 }, file('bin/a', 'x'.repeat(513)), file('empty', '')]),
	);
	t.is(entries.get('bin/')?.type, '5');
	t.is(entries.get('bin/a')?.content.toString(), 'x'.repeat(513));
	t.is(entries.get('bin/a')?.mode, 0o644);
	t.is(entries.get('empty')?.content.length, 0);
});

test('every file finds its directories before it', t => {
	const paths = withDirectories([file('a/b/c', ''), file('a/d', '')]).map(({ path }) => path);
	t.deepEqual(paths, ['a/', 'a/b/', 'a/b/c', 'a/d']);
});

test('a path that the format cannot hold is refused, not cut', t => {
	t.throws(() => tar([file('x'.repeat(101), '')]), { message: /path too long/ });
});

test('manifest, configuration and layers of an image agree by digest', t => {
	const archive = untar(dockerArchive('jasm-controller:abc', [[file('a', '1')], [file('b', '2')]]));
	const [manifest] = JSON.parse(archive.get('manifest.json')?.content.toString() ?? '[]');
	t.deepEqual(manifest.RepoTags, ['jasm-controller:abc']);
	const config = archive.get(manifest.Config)?.content ?? Buffer.of();
	t.is(manifest.Config, `${sha256(config)}.json`);
	const { rootfs, config: run } = JSON.parse(config.toString());
	t.deepEqual(
		rootfs.diff_ids,
		manifest.Layers.map((layer: string) => `sha256:${sha256(archive.get(layer)?.content ?? Buffer.of())}`),
	);
	t.is(run.User, '65532:65532');
});

test('the same files make the same bytes', t => {
	const build = () => dockerArchive('jasm-controller:abc', [[file('a', '1')], [file('b', '2')]]);
	t.true(build().equals(build()));
});

test('both ways to an image start the controller with the same command', t => {
	const archive = untar(dockerArchive('x:1', []));
	const [manifest] = JSON.parse(archive.get('manifest.json')?.content.toString() ?? '[]');
	const { Entrypoint } = JSON.parse(archive.get(manifest.Config)?.content.toString() ?? '{}').config;
	const dockerfile = readFileSync(new URL('../../controller/Dockerfile', import.meta.url), 'utf8');
	const [, declared = '[]'] = /^ENTRYPOINT (\[.*\])$/m.exec(dockerfile) ?? [];
	t.deepEqual(Entrypoint, JSON.parse(declared));
});

test('the build context holds everything that the Dockerfile copies, and no installed package', t => {
	const folder = mkdtempSync(join(tmpdir(), 'jasm-context-'));
	t.teardown(() => rmSync(folder, { recursive: true }));
	stageContext(folder);
	const dockerfile = readFileSync(join(folder, 'controller/Dockerfile'), 'utf8');
	const copied = [...dockerfile.matchAll(/^COPY (?!--from)(.*) \S+$/gm)].flatMap(([, sources = '']) =>
		sources.split(' '),
	);
	t.true(copied.length > 5);
	for (const source of copied) t.true(existsSync(join(folder, source)), source);
	const files = readdirSync(folder, { recursive: true, encoding: 'utf8' });
	t.deepEqual(
		files.filter(file => /(^|\/)(node_modules|dist)(\/|$)/.test(file)),
		[],
	);
});
