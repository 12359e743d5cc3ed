// Component: the controller's image, built into minikube under a tag that follows its content.
import { createHash } from 'node:crypto';
import { readdirSync, readFileSync } from 'node:fs';
import { join, relative, sep } from 'node:path';
import { fileURLToPath } from 'node:url';
import * as command from '@pulumi/command';
import * as pulumi from '@pulumi/pulumi';

/** The repository's root: the build's context. */
export const ROOT = fileURLToPath(new URL('../..', import.meta.url));

// Whatever the image is made of. A change of anything else must not roll the pods.
const SOURCES = [
	'controller/src',
	'controller/build.ts',
	'controller/package.json',
	'controller/Dockerfile',
	'infra/image',
	'pnpm-lock.yaml',
];

/** Name and content tag of the image that the sources under `root` make, such as `jasm-controller:0123456789ab`. */
export function imageName(root = ROOT): string {
	const files = SOURCES.flatMap(source => filesOf(join(root, source)));
	const entries = files.map(file => [relative(root, file).split(sep).join('/'), readFileSync(file)] as const);
	return `jasm-controller:${contentHash(entries)}`;
}

/** Twelve hex digits over names and contents, whatever the order in which they are listed; pure. */
export function contentHash(entries: readonly (readonly [path: string, content: Uint8Array])[]): string {
	const hash = createHash('sha256');
	for (const [path, content] of [...entries].sort(([a], [b]) => (a < b ? -1 : 1))) {
		hash.update(`${path.length}:${path}:${content.length}:`).update(content);
	}
	return hash.digest('hex').slice(0, 12);
}

export type ControllerImageArgs = {
	/** `minikube-build` needs base images from a registry; `archive` needs nothing but the workspace. */
	readonly kind: 'minikube-build' | 'archive';
	/** Name of the minikube profile that gets the image. */
	readonly minikube: string;
	/** A cluster made anew has no image, whatever the state says. */
	readonly clusterId: string;
};

export class ControllerImage extends pulumi.ComponentResource {
	/** The image's reference, known once the node has the image. */
	readonly reference: pulumi.Output<string>;

	constructor(name: string, args: ControllerImageArgs, options?: pulumi.ComponentResourceOptions) {
		super('jasm:infra:ControllerImage', name, {}, options);
		const image = imageName();
		const archive = 'infra/dist/jasm-controller.tar';
		const context = 'infra/dist/context';
		const create =
			args.kind === 'archive'
				? `pnpm run image --tag ${image} --output ${archive} && minikube -p ${args.minikube} image load ${archive}`
				: `node infra/image/context.ts ${context} && ` +
					`minikube -p ${args.minikube} image build -t ${image} -f controller/Dockerfile ${context}`;
		const build = new command.local.Command(
			name,
			{ create, dir: ROOT, triggers: [image, args.clusterId] },
			{ parent: this },
		);
		this.reference = build.id.apply(() => image);
		this.registerOutputs({ reference: this.reference });
	}
}

function filesOf(path: string): string[] {
	let entries: string[];
	try {
		entries = readdirSync(path);
	} catch (error) {
		if ((error as NodeJS.ErrnoException).code === 'ENOTDIR') return [path];
		throw error;
	}
	return entries.flatMap(entry => filesOf(join(path, entry)));
}
