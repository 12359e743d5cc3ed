// The installation's policies for pods, enforced natively where their objects are stored: the one that adds the
// scheduling gate, the one that checks how a pod asks to wait, and the one that holds JASM's account to a release.
import { kindNamed } from '../objects/kinds.ts';
import { isRecord, type KubeObject, sameJson } from '../objects/object.ts';
import { StatusError } from '../objects/status.ts';
import type { Storage } from '../storage/storage.ts';
import type { GuardOptions } from './guard.ts';
import type { User } from './tokens.ts';

const gateName = 'jasm.codnod.io/secret';
const syncKey = 'jasm.codnod.io/secret-sync';
const startKey = 'jasm.codnod.io/start';
const validStart = /^(at-once|after-sync(, *[1-9][0-9]{0,4}s)?)$/;
const systemNamespaces = ['kube-system', 'kube-public', 'kube-node-lease'];

const validating = [
	kindNamed('ValidatingAdmissionPolicy'),
	kindNamed('ValidatingAdmissionPolicyBinding'),
] as const;
const mutating = [kindNamed('MutatingAdmissionPolicy'), kindNamed('MutatingAdmissionPolicyBinding')] as const;

const specOf = (object: KubeObject): Record<string, unknown> =>
	isRecord(object['spec']) ? object['spec'] : {};
const gatesOf = (object: KubeObject): { name?: unknown }[] => {
	const gates = specOf(object)['schedulingGates'];
	return Array.isArray(gates) ? gates : [];
};
const annotationsOf = (object: KubeObject): Record<string, string> => object.metadata.annotations ?? {};
const isGated = (object: KubeObject): boolean => gatesOf(object).some(({ name }) => name === gateName);
const waits = (object: KubeObject): boolean =>
	(annotationsOf(object)[startKey] ?? '').startsWith('after-sync');

/** The request as admission sees it. */
type PodRequest = { readonly user: User; readonly namespace: string; readonly subresource: string };

export class PodPolicies {
	readonly #storage: Storage;
	readonly #options: GuardOptions;

	constructor(storage: Storage, options: GuardOptions) {
		this.#storage = storage;
		this.#options = options;
	}

	/** The binding of a stored policy; undefined while either is missing. */
	#bindingOf([policies, bindings]: typeof validating | typeof mutating, policy: string): string | undefined {
		if (!this.#storage.get(policies, '', policy)) return undefined;
		return this.#storage.list(bindings).find(({ object }) => specOf(object)['policyName'] === policy)?.name;
	}

	/** Adds the gate to a new pod that asks to wait, and under `jasm-start-all` to each that asks for secrets. */
	mutate(namespace: string, object: KubeObject): void {
		const bound = typeof specOf(object)['nodeName'] === 'string' && specOf(object)['nodeName'] !== '';
		const exempt = systemNamespaces.includes(namespace) || namespace === this.#options.ownNamespace;
		if (exempt || bound || isGated(object) || !Object.hasOwn(annotationsOf(object), syncKey)) return;
		const everyPod =
			!Object.hasOwn(annotationsOf(object), startKey) &&
			this.#bindingOf(mutating, 'jasm-start-all') !== undefined;
		const asks = waits(object) && this.#bindingOf(mutating, 'jasm-start') !== undefined;
		if (!everyPod && !asks) return;
		if (everyPod) object.metadata.annotations = { ...annotationsOf(object), [startKey]: 'after-sync, 60s' };
		object['spec'] = { ...specOf(object), schedulingGates: [...gatesOf(object), { name: gateName }] };
	}

	/** Throws the 422 of a denied request. `old` is absent on a creation. */
	check(request: PodRequest, object: KubeObject, old: KubeObject | undefined): void {
		if (old === undefined) this.#deny('jasm-start', object, this.#startViolation(request.namespace, object));
		if (request.user.username === this.#options.user) {
			this.#deny('jasm-pods', object, this.#releaseViolation(request, object, old));
		}
	}

	#deny(policy: string, object: KubeObject, why: string | undefined): void {
		const binding = why === undefined ? undefined : this.#bindingOf(validating, policy);
		if (binding === undefined) return;
		const name = object.metadata.name ?? '';
		const message = `ValidatingAdmissionPolicy '${policy}' with binding '${binding}' denied request: ${why}`;
		throw new StatusError(422, 'Invalid', `pods "${name}" is forbidden: ${message}`, {
			name,
			kind: 'pods',
			causes: [{ message }],
		});
	}

	#startViolation(namespace: string, object: KubeObject): string | undefined {
		const annotations = annotationsOf(object);
		if (Object.hasOwn(annotations, 'kubernetes.io/config.mirror')) return undefined;
		const gated = isGated(object);
		const start = annotations[startKey];
		if (!gated && start === undefined) return undefined;
		if (start !== undefined && !validStart.test(start)) {
			return 'jasm.codnod.io/start is at-once, after-sync, or after-sync with a deadline: after-sync, 60s';
		}
		const system = namespace.startsWith('kube-') || namespace === this.#options.ownNamespace;
		if (waits(object) && system) return "pods of system namespaces and of JASM's own do not wait";
		if ((gated || waits(object)) && !Object.hasOwn(annotations, syncKey)) {
			return 'a pod that waits for its secrets needs the annotation jasm.codnod.io/secret-sync, which names them; compare its spelling, and put it on the pod template';
		}
		if (gated && !waits(object)) {
			return 'the scheduling gate jasm.codnod.io/secret needs the annotation jasm.codnod.io/start: after-sync; without it JASM never removes the gate';
		}
		if (waits(object) && !gated) {
			return 'jasm.codnod.io/start: after-sync needs the scheduling gate jasm.codnod.io/secret in spec.schedulingGates (and no spec.nodeName): the pod would not wait';
		}
		return undefined;
	}

	#releaseViolation(
		request: PodRequest,
		object: KubeObject,
		old: KubeObject | undefined,
	): string | undefined {
		const { namespace, subresource } = request;
		if (old === undefined || subresource !== '') return 'JASM only releases pods';
		if (namespace.startsWith('kube-') || namespace === this.#options.ownNamespace) {
			return 'JASM never touches a pod of a system namespace or its own';
		}
		if (
			!sameJson(
				gatesOf(object),
				gatesOf(old).filter(({ name }) => name !== gateName),
			)
		) {
			return 'JASM removes its own scheduling gate and no other';
		}
		const without = (value: Record<string, unknown>, ...keys: string[]) =>
			Object.fromEntries(Object.entries(value).filter(([key]) => !keys.includes(key)));
		if (!sameJson(without(specOf(object), 'schedulingGates'), without(specOf(old), 'schedulingGates'))) {
			return "JASM changes nothing else of a pod's spec";
		}
		const free = ['annotations', 'managedFields', 'generation', 'resourceVersion'];
		if (!sameJson(without({ ...object.metadata }, ...free), without({ ...old.metadata }, ...free))) {
			return "JASM changes nothing else of a pod's metadata";
		}
		if (!sameJson(annotationsOf(object), without(annotationsOf(old), startKey))) {
			return 'JASM removes its own annotation jasm.codnod.io/start and no other';
		}
		if (!sameJson(without(object, 'metadata', 'spec'), without(old, 'metadata', 'spec'))) {
			return 'JASM changes nothing else of a pod';
		}
		return undefined;
	}
}
