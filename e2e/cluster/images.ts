// Images that a run assembles without a container builder: a probe's, and what the manual takes from a registry.
import { createHash } from 'node:crypto';
import { mkdirSync, readFileSync, realpathSync, rmSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { dockerArchive } from '../../infra/image/archive.ts';
import { bundleFiles, NODE, runtimeFiles, sharedLibraries } from '../../infra/image/files.ts';
import { imageName } from '../../infra/image/name.ts';
import { type TarEntry, withDirectories } from '../../infra/image/tar.ts';
import { pullsImages } from './adapter.ts';
import type { Cluster } from './cluster.ts';
import { find } from './tools.ts';
import { PATHS } from './workspace.ts';

// Prints one line, when it started and with which variables, and stays until SIGTERM.
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

/** Commands of the manual's own pod, which asks for busybox. */
const BUSYBOX = ['sh', 'env', 'grep', 'sleep'];

/** Loads the probe, and what the manual pulls where the node cannot pull; returns the references. */
export async function loadImages(cluster: Cluster): Promise<Images> {
	const script = withDirectories([{ path: 'probe/probe.js', mode: 0o644, content: Buffer.from(PROBE) }]);
	const print = createHash('sha256').update(PROBE).digest('hex').slice(0, 12);
	const images = { controller: imageName(PATHS.clone), probe: `jasm-probe:${print}` };
	await load(cluster, images.probe, [runtimeFiles(), script]);
	if (!pullsImages(cluster.profile)) await load(cluster, 'busybox:1.37', [hostCommands(BUSYBOX)]);
	return images;
}

/** Puts the controller's image onto a node under a name of the manual's registry, which is a made-up one. */
export async function loadPublished(cluster: Cluster, reference: string): Promise<void> {
	await load(cluster, reference, [runtimeFiles(), bundleFiles(PATHS.bundle)]);
}

/** Commands of this host with their libraries, in the one folder that the image has on its PATH. */
function hostCommands(names: readonly string[]): TarEntry[] {
	const found = names.map(name => [name, realpathSync(find(name) ?? name)] as const);
	const commands = found.map(([name, file]) => {
		return { path: `${dirname(NODE)}/${name}`, mode: 0o755, content: readFileSync(file) };
	});
	const libraries = new Map(
		found.flatMap(([, file]) => sharedLibraries(file)).map(({ path, file }) => [path, file]),
	);
	const files = [...libraries].map(([path, file]) => ({ path, mode: 0o755, content: readFileSync(file) }));
	return withDirectories([...commands, ...files]);
}

async function load(
	cluster: Cluster,
	reference: string,
	layers: readonly (readonly TarEntry[])[],
): Promise<void> {
	mkdirSync(PATHS.images, { recursive: true });
	const file = join(PATHS.images, `${reference.replaceAll(/[:/]/g, '-')}.tar`);
	writeFileSync(file, dockerArchive(reference, layers));
	await cluster.minikube('image load', file);
	rmSync(file);
}
