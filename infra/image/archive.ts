// `pnpm image`: assembles the controller's image as a docker archive, without Docker and without a registry.
import { createHash } from 'node:crypto';
import { mkdirSync, writeFileSync } from 'node:fs';
import { dirname, resolve } from 'node:path';
import { parseArgs } from 'node:util';
import { gzipSync } from 'node:zlib';
import { PORTS } from '../src/documents/contract.ts';
import { bundleFiles, NODE, runtimeFiles } from './files.ts';
import { imageName } from './name.ts';
import { type TarEntry, tar } from './tar.ts';

// Node's memory switches are measured ones; the same as in controller/Dockerfile.
const ENTRYPOINT = [
	`/${NODE}`,
	'--lite-mode',
	'--max-semi-space-size=1',
	'--max-old-space-size=64',
	'--disable-sigusr1',
	'controller.js',
];

/** A docker archive (`docker load`, `minikube image load`) of the layers under a tag; pure. */
export function dockerArchive(tag: string, layers: readonly (readonly TarEntry[])[]): Buffer {
	const archives = layers.map(entries => tar(entries));
	const digest = (content: Uint8Array) => createHash('sha256').update(content).digest('hex');
	const digests = archives.map(digest);
	const config = JSON.stringify({
		architecture: process.arch === 'arm64' ? 'arm64' : 'amd64',
		os: 'linux',
		config: {
			User: '65532:65532',
			WorkingDir: '/app',
			Entrypoint: ENTRYPOINT,
			Env: ['PATH=/nodejs/bin', 'SSL_CERT_FILE=/etc/ssl/certs/ca-certificates.crt'],
			ExposedPorts: Object.fromEntries(Object.values(PORTS).map(port => [`${port}/tcp`, {}])),
		},
		rootfs: { type: 'layers', diff_ids: digests.map(hex => `sha256:${hex}`) },
	});
	const configFile = `${digest(Buffer.from(config))}.json`;
	const layerFiles = digests.map(hex => `${hex}.tar`);
	const manifest = JSON.stringify([{ Config: configFile, RepoTags: [tag], Layers: layerFiles }]);
	return tar([
		{ path: 'manifest.json', mode: 0o644, content: Buffer.from(manifest) },
		{ path: configFile, mode: 0o644, content: Buffer.from(config) },
		...archives.map((content, index) => ({ path: layerFiles[index] as string, mode: 0o644, content })),
	]);
}

if (import.meta.main) {
	const { values } = parseArgs({
		options: {
			tag: { type: 'string', default: imageName() },
			output: { type: 'string', default: 'infra/dist/jasm-controller.tar' },
		},
	});
	const archive = dockerArchive(values.tag, [runtimeFiles(), bundleFiles()]);
	const output = resolve(process.cwd(), values.output);
	mkdirSync(dirname(output), { recursive: true });
	writeFileSync(output, archive);
	const megabytes = (bytes: number) => `${(bytes / 1e6).toFixed(1)} MB`;
	process.stdout.write(
		`${values.tag}  ${megabytes(archive.length)} (compressed ${megabytes(gzipSync(archive).length)})  ${values.output}\n`,
	);
}
