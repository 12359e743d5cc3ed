// What people see of pods that wait: their gate, their annotation, and that they are released.
import { GATE, START_KEY } from '../../../src/requests/start-annotation.ts';
import type { TestEnvironment } from './test-environment.ts';

const GIVE_UP_MS = 45_000;

export function createStartGateUsers(environment: TestEnvironment) {
	/** Gate and annotation of a pod as the API server has them. */
	async function gateOf(namespace: string, name: string) {
		const { metadata, spec } = await environment.core.readNamespacedPod({ namespace, name });
		return {
			gated: (spec!.schedulingGates ?? []).some(gate => gate.name === GATE),
			start: metadata!.annotations?.[START_KEY],
		};
	}

	/** Waits until the pod has neither; each answer of the API server is a new look. */
	async function released(namespace: string, name: string): Promise<void> {
		const began = performance.now();
		for (;;) {
			const { gated, start } = await gateOf(namespace, name);
			if (!gated && start === undefined) {
				return;
			}

			if (performance.now() - began > GIVE_UP_MS) {
				const seen = JSON.stringify(environment.events(namespace, name), undefined, 1);
				throw new Error(
					`pod ${namespace}/${name} is not released: ${JSON.stringify({ gated, start })}; ${seen}`,
				);
			}
		}
	}

	/** Requests that patched this pod; 1 on a real server, which keeps no log for tests. */
	const patchesOf = (namespace: string, name: string): number =>
		environment.cluster.embedded?.requests.all.filter(
			request =>
				request.verb === 'patch' &&
				request.namespace === namespace &&
				request.name === name &&
				request.query['fieldManager'] === 'jasm',
		).length ?? 1;

	return { gateOf, released, patchesOf };
}
