// The files of the controller's image: Node from the lockfile, its shared libraries, CA certificates, the bundle.
import { execFileSync } from 'node:child_process';
import { existsSync, readdirSync, readFileSync, realpathSync } from 'node:fs';
import { createRequire } from 'node:module';
import { basename, dirname, join } from 'node:path';
import { rootCertificates } from 'node:tls';
import { fileURLToPath } from 'node:url';
import { type TarEntry, withDirectories } from './tar.ts';

/** Where Node stands in the image, as in the distroless images. */
export const NODE = 'nodejs/bin/node';

const ROOT = fileURLToPath(new URL('../..', import.meta.url));
const DIST = join(ROOT, 'controller/dist');

// Loaded by libc at run time and therefore not among a binary's own libraries; part of libc since 2.34.
const NAME_SERVICE = ['libnss_files.so.2', 'libnss_dns.so.2', 'libresolv.so.2'];

/** Node and what it needs from a system: changes with the lockfile only. */
export function runtimeFiles(): TarEntry[] {
	const node = nodeBinary();
	const libraries = sharedLibraries(node);
	const text = (path: string, content: string) => ({ path, mode: 0o644, content: Buffer.from(content) });
	return withDirectories([
		{ path: 'tmp/', mode: 0o1777 },
		{ path: NODE, mode: 0o755, content: readFileSync(node) },
		...libraries.map(({ path, file }) => ({ path, mode: 0o755, content: readFileSync(file) })),
		text(
			'etc/passwd',
			'root:x:0:0:root:/root:/sbin/nologin\nnonroot:x:65532:65532:nonroot:/home/nonroot:/sbin/nologin\n',
		),
		text('etc/group', 'root:x:0:\nnonroot:x:65532:\n'),
		text('etc/nsswitch.conf', 'passwd: files\ngroup: files\nhosts: files dns\n'),
		text('etc/ssl/certs/ca-certificates.crt', `${rootCertificates.join('\n')}\n`),
	]);
}

/** The bundle as `pnpm build` left it. Throws where it was not built. */
export function bundleFiles(dist = DIST): TarEntry[] {
	if (!existsSync(join(dist, 'controller.js')))
		throw new Error('assembling the image: run `pnpm build` first');
	const files = readdirSync(dist, { recursive: true, withFileTypes: true })
		.filter(entry => entry.isFile() && entry.name !== 'metafile.json')
		.map(entry => join(entry.parentPath, entry.name))
		.sort();
	const entries = files.map(file => ({
		path: `app${file.slice(dist.length).replaceAll('\\', '/')}`,
		mode: 0o644,
		content: readFileSync(file),
	}));
	return withDirectories(entries);
}

/** The Node binary of the lockfile's own package for this machine. */
function nodeBinary(): string {
	const name = `node-linux-${process.arch}`;
	try {
		const manifest = createRequire(join(ROOT, 'package.json')).resolve(`${name}/package.json`);
		return realpathSync(join(dirname(manifest), 'bin/node'));
	} catch {
		throw new Error(
			`assembling the image: ${name} is not installed; an image is assembled on Linux x64 or arm64`,
		);
	}
}

/** What the dynamic linker loads, each at the path where it looks for it. */
export function sharedLibraries(binary: string): { path: string; file: string }[] {
	const lines = execFileSync('ldd', [binary], { encoding: 'utf8' }).split('\n');
	const found = lines.flatMap(line => {
		const [, path] = /(?:=> )?(\/\S+) \(0x/.exec(line) ?? [];
		return path === undefined ? [] : [path];
	});
	const libc = found.find(path => basename(path).startsWith('libc.so'));
	if (libc === undefined) throw new Error('assembling the image: ldd names no libc');
	const extra = NAME_SERVICE.map(name => join(dirname(libc), name)).filter(existsSync);
	return [...new Set([...found, ...extra])]
		.sort()
		.map(path => ({ path: path.slice(1), file: realpathSync(path) }));
}
