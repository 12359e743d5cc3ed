// Brings the controller's image into minikube, before Pulumi declares the pods that run it.
import * as pulumi from '@pulumi/pulumi';
import { imageName, ROOT } from '../../image/name.ts';
import type { ImageConfig } from '../config/config.ts';
import { type Cluster, type GuardPorts, lastLine } from './local-commands.ts';

const ARCHIVE = 'infra/dist/jasm-controller.tar';
const CONTEXT = 'infra/dist/context';

/** Enough for base images from a registry and for a cold build. */
const BUILD_TIMEOUT_MS = 1_200_000;

type Image = GuardPorts & { readonly image: ImageConfig; readonly cluster: Cluster };

/**
 * Answers the image's reference, once the node has the image. A node that has it already is left alone; a
 * preview builds nothing. The image is not part of Pulumi's state: the node itself is asked what it has.
 */
export async function provideImage(options: Image): Promise<string> {
	const { image, cluster, preview, run, say } = options;
	if (image.kind === 'given') return image.reference;
	const reference = imageName();
	const listed = await isOnNode(options, reference);
	if (listed === true) return reference;
	if (preview) {
		say(`the update builds ${reference} and loads it into minikube`);
		return reference;
	}

	say(`building ${reference} for minikube`);
	const minikube = ['minikube', '-p', cluster.context, 'image'];
	const steps =
		image.kind === 'archive'
			? [
					[process.execPath, 'controller/build.ts'],
					[process.execPath, 'infra/image/archive.ts', '--tag', reference, '--output', ARCHIVE],
					[...minikube, 'load', ARCHIVE],
				]
			: [
					[process.execPath, 'infra/image/context.ts', CONTEXT],
					[...minikube, 'build', '-t', reference, '-f', 'controller/Dockerfile', CONTEXT],
				];
	for (const [command = '', ...args] of steps) {
		const { code, stderr } = await run(command, args, {
			cwd: ROOT,
			env: { KUBECONFIG: cluster.kubeconfig },
			timeoutMs: BUILD_TIMEOUT_MS,
		});
		if (code !== 0) fail(lastLine(stderr), [command, ...args]);
	}
	// `minikube image build` of some versions answers 0 for a build that failed.
	if ((await isOnNode(options, reference)) === false) {
		fail(`minikube does not list ${reference} after the build`, steps.at(-1) ?? []);
	}

	return reference;
}

/** Undefined where this minikube cannot list images. */
async function isOnNode({ cluster, run }: Image, reference: string): Promise<boolean | undefined> {
	const { code, stdout } = await run('minikube', ['-p', cluster.context, 'image', 'ls']);
	if (code !== 0) return undefined;
	// Container runtimes put different registries in front of a local name: docker.io/library/, localhost/.
	return stdout.split('\n').some(line => line.trim() === reference || line.trim().endsWith(`/${reference}`));
}

function fail(problem: string, command: readonly string[]): never {
	throw new pulumi.RunError(
		`building the controller's image for minikube failed: ${problem}. Nothing was deployed. ` +
			`To see the whole output, run in ${ROOT}: ${command.join(' ')}`,
	);
}
