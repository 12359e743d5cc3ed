// The installation's ValidatingAdmissionPolicy, enforced natively: what JASM's ServiceAccount may do to Secrets.
import { kindNamed } from '../objects/kinds.ts';
import { isRecord, type KubeObject } from '../objects/object.ts';
import { StatusError } from '../objects/status.ts';
import type { Storage } from '../storage/storage.ts';
import type { User } from './tokens.ts';

export type GuardOptions = {
	/** Name of the ValidatingAdmissionPolicy whose presence, with a binding that denies, switches the guard on. */
	readonly policy: string;
	/** The one user that the guard holds, `system:serviceaccount:<namespace>:<name>`. */
	readonly user: string;
	/** JASM's own namespace: no Secret may be written there. */
	readonly ownNamespace: string;
	/** Secret types that may be written. */
	readonly types: readonly string[];
};

/** The guard of an installation under its default names. */
export const defaultGuard: GuardOptions = {
	policy: 'jasm-secrets',
	user: 'system:serviceaccount:jasm:jasm',
	ownNamespace: 'jasm',
	types: [
		'Opaque',
		'kubernetes.io/basic-auth',
		'kubernetes.io/dockerconfigjson',
		'kubernetes.io/ssh-auth',
		'kubernetes.io/tls',
	],
};

const reserved = ['kube-system', 'kube-public', 'kube-node-lease'];

const policies = kindNamed('ValidatingAdmissionPolicy');
const bindings = kindNamed('ValidatingAdmissionPolicyBinding');
const managed = (object: KubeObject): boolean =>
	object.metadata.labels?.['app.kubernetes.io/managed-by'] === 'jasm';

/** Refuses what the policy refuses, with the real refusal's shape. */
export class Guard {
	/** `true` and `false` override what is stored; `undefined` leaves it to the stored policy and binding. */
	forced: boolean | undefined;
	readonly options: GuardOptions;
	readonly #storage: Storage;

	constructor(storage: Storage, options: GuardOptions) {
		this.#storage = storage;
		this.options = options;
	}

	/** The name of the binding that denies by the policy, `undefined` while the guard is off. */
	#binding(): string | undefined {
		const { policy } = this.options;
		if (this.forced === false) return undefined;
		const bound = this.#storage.list(bindings).find(({ object }) => {
			const spec = isRecord(object['spec']) ? object['spec'] : {};
			const actions = Array.isArray(spec['validationActions']) ? spec['validationActions'] : [];
			return spec['policyName'] === policy && actions.includes('Deny');
		});
		if (bound && this.#storage.get(policies, '', policy)) return bound.name;
		return this.forced === true ? policy : undefined;
	}

	/** Throws the 422 of a denied request. `old` is absent on a creation. */
	check(user: User, namespace: string, object: KubeObject, old: KubeObject | undefined): void {
		if (user.username !== this.options.user) return;
		const binding = this.#binding();
		if (binding === undefined) return;
		const why = this.#violation(namespace, object, old);
		if (why === undefined) return;
		const message = `ValidatingAdmissionPolicy '${this.options.policy}' with binding '${binding}' denied request: ${why}`;
		const name = object.metadata.name ?? '';
		throw new StatusError(422, 'Invalid', `secrets "${name}" is forbidden: ${message}`, {
			name,
			kind: 'secrets',
			causes: [{ message }],
		});
	}

	#violation(namespace: string, object: KubeObject, old: KubeObject | undefined): string | undefined {
		if (!managed(object)) return 'the Secret must carry the label app.kubernetes.io/managed-by=jasm';
		if (old && !managed(old))
			return 'the existing Secret does not carry the label app.kubernetes.io/managed-by=jasm';
		if (!this.options.types.includes(String(object['type'])))
			return 'the Secret type is not on the allow-list';
		return this.#isOpen(namespace) ? undefined : 'JASM never writes into a system namespace or its own';
	}

	/** A stored policy opens further namespaces that begin with `kube-` by `request.namespace.matches('…')`. */
	#isOpen(namespace: string): boolean {
		if (namespace === this.options.ownNamespace) return false;
		if (!namespace.startsWith('kube-')) return true;
		if (reserved.includes(namespace)) return false;
		const stored = this.#storage.get(policies, '', this.options.policy)?.object['spec'];
		const validations = isRecord(stored) && Array.isArray(stored['validations']) ? stored['validations'] : [];
		return validations.some(validation => {
			const expression = isRecord(validation) ? String(validation['expression']) : '';
			const [, pattern] = /request\.namespace\.matches\('([^']*)'\)/.exec(expression) ?? [];
			return pattern !== undefined && new RegExp(pattern).test(namespace);
		});
	}
}
