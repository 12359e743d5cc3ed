// The rendered manifests of the installation, as a stage applies them: all of them, or under names of their own.
import { readFileSync } from 'node:fs';
import { loadAll } from 'js-yaml';

export type Profile = 'write-only' | 'self-heal';

export type Manifest = {
	readonly apiVersion: string;
	readonly kind: string;
	readonly metadata: { readonly name: string; readonly namespace?: string };
};

/** Kinds that a controller cannot do without; the rest is the business of the cluster it runs in. */
const NEEDED = [
	'Namespace',
	'ServiceAccount',
	'ClusterRole',
	'ClusterRoleBinding',
	'Role',
	'RoleBinding',
	'Secret',
];
const GUARD = ['ValidatingAdmissionPolicy', 'ValidatingAdmissionPolicyBinding'];

/** As rendered, in order. */
export function installation(profile: Profile): Manifest[] {
	const file = new URL(`../../../deploy/${profile}.yaml`, import.meta.url);
	return loadAll(readFileSync(file, 'utf8')) as Manifest[];
}

/**
 * The installation beside others on one cluster: its namespace and everything cluster-wide is called `name`
 * where it is called `jasm` otherwise. Only what the API server acts on.
 */
export function installationNamed(profile: Profile, name: string, { guard }: { guard: boolean }): Manifest[] {
	const kinds = guard ? [...NEEDED, ...GUARD] : NEEDED;
	return installation(profile)
		.filter(({ kind }) => kinds.includes(kind))
		.map(manifest => renamed(manifest, name) as Manifest);
}

/** Fields that hold the name of the namespace or of something cluster-wide. */
function renamed(node: unknown, name: string, parents: readonly string[] = []): unknown {
	if (Array.isArray(node)) {
		return node.map(item => renamed(item, name, parents));
	}

	if (typeof node === 'object' && node !== null) {
		const { kind = '' } = node as { kind?: string };
		const trail = [...parents, kind];
		return Object.fromEntries(
			Object.entries(node).map(([field, value]) => [field, renamedField({ field, value, name, trail })]),
		);
	}

	return node;
}

type Field = {
	readonly field: string;
	readonly value: unknown;
	readonly name: string;
	readonly trail: readonly string[];
};

const NAMESPACED = ['ServiceAccount', 'Role', 'RoleBinding', 'Secret'];

function renamedField({ field, value, name, trail }: Field): unknown {
	if (typeof value !== 'string') {
		return renamed(value, name, trail);
	}

	const owner = trail.findLast(kind => kind !== '') ?? '';
	switch (field) {
		case 'namespace':
			return name;
		case 'expression':
			return value
				.replaceAll('system:serviceaccount:jasm:', `system:serviceaccount:${name}:`)
				.replaceAll("request.namespace != 'jasm'", `request.namespace != '${name}'`);
		case 'policyName':
			return value.replace(/^jasm/, name);
		case 'name':
			return NAMESPACED.includes(owner) ? value : value.replace(/^jasm(?=$|-secrets$)/, name);
		default:
			return value;
	}
}
