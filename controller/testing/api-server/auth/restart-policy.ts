// The installation's policy for workloads, enforced natively while it and a binding are stored: JASM's account may
// change one annotation of a pod template that asks for restarts, and nothing else.
import { kindNamed } from '../objects/kinds.ts';
import { isRecord, type KubeObject, sameJson } from '../objects/object.ts';
import { TEMPLATE_GENERATION } from '../objects/prepare.ts';
import { StatusError } from '../objects/status.ts';
import type { Storage } from '../storage/storage.ts';
import type { GuardOptions } from './guard.ts';
import type { User } from './tokens.ts';

const policy = 'jasm-restart-only';
const syncKey = 'jasm.codnod.io/secret-sync';
const restartedKey = 'jasm.codnod.io/restarted-for';
const asks = /onChange["']?\s*:\s*["']?restart/;
const judged: readonly string[] = ['Deployment', 'StatefulSet', 'DaemonSet'];

const policies = kindNamed('ValidatingAdmissionPolicy');
const bindings = kindNamed('ValidatingAdmissionPolicyBinding');

const recordAt = (object: unknown, ...path: string[]): Record<string, unknown> => {
	let at: unknown = object;
	for (const step of path) at = isRecord(at) ? at[step] : undefined;
	return isRecord(at) ? at : {};
};
const without = (value: Record<string, unknown>, ...keys: string[]): Record<string, unknown> =>
	Object.fromEntries(Object.entries(value).filter(([key]) => !keys.includes(key)));

/** The request as admission sees it. */
type WorkloadRequest = {
	readonly kind: { readonly kind: string; readonly plural: string };
	readonly user: User;
	readonly namespace: string;
	readonly subresource: string;
};

export class RestartPolicy {
	readonly #storage: Storage;
	readonly #options: GuardOptions;

	constructor(storage: Storage, options: GuardOptions) {
		this.#storage = storage;
		this.#options = options;
	}

	/** The name of the binding that denies; undefined while the policy or its binding is missing. */
	#binding(): string | undefined {
		if (!this.#storage.get(policies, '', policy)) return undefined;
		return this.#storage.list(bindings).find(({ object }) => {
			const { policyName, validationActions } = recordAt(object, 'spec');
			return policyName === policy && Array.isArray(validationActions) && validationActions.includes('Deny');
		})?.name;
	}

	/** Throws the 422 of a denied request. `old` is absent on a creation. */
	check(request: WorkloadRequest, object: KubeObject, old: KubeObject | undefined): void {
		const { kind, user } = request;
		if (!judged.includes(kind.kind) || user.username !== this.#options.user) return;
		const why = this.#violation(request, object, old);
		const binding = why === undefined ? undefined : this.#binding();
		if (binding === undefined) return;
		const name = object.metadata.name ?? '';
		const message = `ValidatingAdmissionPolicy '${policy}' with binding '${binding}' denied request: ${why}`;
		throw new StatusError(422, 'Invalid', `${kind.plural}.apps "${name}" is forbidden: ${message}`, {
			name,
			group: 'apps',
			kind: kind.plural,
			causes: [{ message }],
		});
	}

	/** The first rule that is broken, in the order of the policy. */
	#violation(
		{ kind, namespace, subresource }: WorkloadRequest,
		object: KubeObject,
		old: KubeObject | undefined,
	): string | undefined {
		if (old === undefined || subresource !== '') return 'JASM only restarts workloads';
		const before = recordAt(old, 'spec', 'template', 'metadata', 'annotations');
		const after = recordAt(object, 'spec', 'template', 'metadata', 'annotations');
		if (!asks.test(String(before[syncKey] ?? ''))) {
			return 'the pod template does not ask for restarts';
		}
		if (namespace.startsWith('kube-') || namespace === this.#options.ownNamespace) {
			return 'JASM never restarts a workload of a system namespace or its own';
		}
		if (!/^[0-9a-f]{16}$/.test(String(after[restartedKey] ?? ''))) {
			return `the value of ${restartedKey} is none of JASM's`;
		}
		const same = (path: string[], ...free: string[]): boolean =>
			sameJson(without(recordAt(object, ...path), ...free), without(recordAt(old, ...path), ...free));
		if (!same(['spec', 'template', 'metadata', 'annotations'], restartedKey)) {
			return 'JASM changes one annotation of the pod template and no other';
		}
		if (!same(['spec', 'template'], 'metadata')) return 'JASM changes nothing else of the pod template';
		if (!same(['spec', 'template', 'metadata'], 'annotations')) {
			return 'JASM changes no other metadata of the pod template';
		}
		if (!same(['spec'], 'template')) return 'JASM changes nothing else of the workload';
		if (recordAt(object, 'spec')['paused'] === true) return 'the Deployment is paused';
		if (recordAt(object, 'spec', 'updateStrategy')['type'] === 'OnDelete') {
			return 'its pods are replaced by hand (OnDelete)';
		}
		if (!same(['metadata'], 'annotations', 'managedFields', 'generation', 'resourceVersion')) {
			return 'JASM changes no metadata of the workload';
		}
		const counted = kind.kind === 'DaemonSet' ? [TEMPLATE_GENERATION] : [];
		if (!same(['metadata', 'annotations'], ...counted)) {
			return 'JASM changes no annotation of the workload';
		}
		return same([], 'metadata', 'spec') ? undefined : 'JASM changes nothing else of the object';
	}
}
