// Images of a run, assembled without a container builder: the controller's own and a probe's.
import { createHash } from 'node:crypto';
import { mkdirSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { dockerArchive } from '../../infra/image/archive.ts';
import { bundleFiles, NODE, runtimeFiles } from '../../infra/image/files.ts';
import { type TarEntry, withDirectories } from '../../infra/image/tar.ts';
import { imageName } from '../../infra/src/controller-image.ts';
import type { Cluster } from './cluster.ts';
import { PATHS } from './workspace.ts';

// Says once, in one line, when it started and what it was started with; then it lives until it is told to end.
// Ending at once on SIGTERM keeps the deletion of a hundred pods from taking half a minute each.
const PROBE = `
const started = Date.now() - process.uptime() * 1000;
const own = ([name]) => !/^(PATH|HOME|HOSTNAME|KUBERNETES_|SSL_CERT_FILE|NODE_VERSION)/.test(name);
const env = Object.fromEntries(Object.entries(process.env).filter(own));
console.log(JSON.stringify({ started, env }));
process.on('SIGTERM', () => process.exit(0));
setInterval(() => {}, 1 << 30);
`;

/** How the probe is started. */
export const PROBE_COMMAND = [`/${NODE}`, '/probe/probe.js'];

export type Images = { readonly controller: string; readonly probe: string };

/** Assembles both images and puts them into the cluster; answers their references. */
export async function loadImages(cluster: Cluster): Promise<Images> {
	const node = runtimeFiles();
	const script = withDirectories([{ path: 'probe/probe.js', mode: 0o644, content: Buffer.from(PROBE) }]);
	const print = createHash('sha256').update(PROBE).digest('hex').slice(0, 12);
	const images = { controller: imageName(), probe: `jasm-probe:${print}` };
	await load(cluster, images.controller, [node, bundleFiles(PATHS.bundle)]);
	await load(cluster, images.probe, [node, script]);
	return images;
}

async function load(
	cluster: Cluster,
	reference: string,
	layers: readonly (readonly TarEntry[])[],
): Promise<void> {
	mkdirSync(PATHS.images, { recursive: true });
	const file = join(PATHS.images, `${reference.replace(':', '-')}.tar`);
	writeFileSync(file, dockerArchive(reference, layers));
	await cluster.minikube('image load', file);
	rmSync(file);
}
