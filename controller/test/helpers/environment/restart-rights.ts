// What an installation adds for restarts, from its rendered manifests: the right by namespace, its policy, the sentinel.
import {
	ApiException,
	AppsV1Api,
	type KubeConfig,
	PatchStrategy,
	setHeaderOptions,
} from '@kubernetes/client-node';
import { type Manifest, manifestsOf, renamedTo } from './installation.ts';

/** The namespace that a person has to write in place of this one. */
const PLACEHOLDER = 'NAMESPACE';

const rendered = () => manifestsOf('restarts.yaml');

/** Everything but the right in a listed namespace. `home`: the installation's name and namespace. */
export const restartRights = (home: string): Manifest[] =>
	rendered()
		.filter(({ metadata }) => metadata.namespace !== PLACEHOLDER)
		.map(manifest => renamedTo(home, manifest));

/** The right in one listed namespace. */
export function restartBinding(home: string, namespace: string): Manifest {
	const binding = rendered().find(({ metadata }) => metadata.namespace === PLACEHOLDER)!;
	const renamed = renamedTo(home, binding);
	return { ...renamed, metadata: { ...renamed.metadata, namespace } };
}

const RESTART = {
	spec: { template: { metadata: { annotations: { 'jasm.codnod.io/restarted-for': '0123456789abcdef' } } } },
};
const MERGE = setHeaderOptions('Content-Type', PatchStrategy.MergePatch);

/** Asks as JASM for a restart, as a dry run, until the answer `tells`. */
async function ask(
	asJasm: KubeConfig,
	workload: { readonly namespace: string; readonly name: string },
	tells: (answer: ApiException<unknown>) => boolean,
): Promise<void> {
	const apps = asJasm.makeApiClient(AppsV1Api);
	for (let tries = 0; tries < 1_000; tries++) {
		try {
			await apps.patchNamespacedDeployment({ ...workload, dryRun: 'All', body: RESTART }, MERGE);
		} catch (error) {
			if (error instanceof ApiException && tells(error)) {
				return;
			}
		}
	}

	throw new Error(`the API server does not take up the installation of restarts in ${workload.namespace}`);
}

/** The API server takes up a policy some moments after it was created: a restart of the sentinel tells when. */
export const restartGuardInForce = (asJasm: KubeConfig, home: string): Promise<void> =>
	ask(asJasm, { namespace: home, name: 'jasm-restart-sentinel' }, ({ body }) =>
		String(body).includes(`'${home}-restart-only'`),
	);

/** The same for a right: without it, JASM is not told that the workload does not exist. */
export const restartRightInForce = (asJasm: KubeConfig, namespace: string): Promise<void> =>
	ask(asJasm, { namespace, name: 'none-of-this-name' }, ({ code }) => code === 404);
