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

/** How pods come to have the gate: the installation adds it, or the user writes it (Kubernetes 1.30 to 1.35). */
export type StartGate = 'added' | 'written';

/** The objects of a rendered file, in order. */
export const manifestsOf = (file: string) =>
	loadAll(readFileSync(new URL(`../../../../deploy/${file}`, import.meta.url), 'utf8')) as Manifest[];

/** As rendered, in order. */
export const installation = (profile: Profile): Manifest[] => manifestsOf(`${profile}.yaml`);

/** The policies that make pods wait. */
export const startGate = (gate: StartGate): Manifest[] =>
	manifestsOf(gate === 'added' ? 'start-gate.yaml' : 'start-gate-kubernetes-1.30.yaml');

/** The same for an installation that is called `name`. */
export const startGateNamed = (gate: StartGate, name: string): Manifest[] =>
	startGate(gate).map(manifest => renamedTo(name, manifest));

/** The same object of an installation that is called `name`. */
export const renamedTo = (name: string, manifest: Manifest): Manifest => renamed(manifest, name) as Manifest;

/**
 * The installation beside others on one cluster: its namespace and everything cluster-wide is called `name`
 * where it is called `jasm` otherwise. Only what the API server acts on.
 */
export function installationNamed(profile: Profile, name: string, { guard }: { guard: boolean }): Manifest[] {
	const kinds = guard ? [...NEEDED, ...GUARD] : NEEDED;
	return installation(profile)
		.filter(({ kind }) => kinds.includes(kind))
		.map(manifest => renamedTo(name, manifest));
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
	if (field === 'values') {
		return (value as string[]).map(text => (text === 'jasm' ? name : text));
	}

	if (typeof value !== 'string') {
		return renamed(value, name, trail);
	}

	const owner = trail.findLast(kind => kind !== '') ?? '';
	switch (field) {
		case 'namespace':
			return name;
		case 'expression':
			return (
				value
					// The policy holds the ServiceAccount in every namespace; beside others, it must not hold theirs.
					.replaceAll('system:serviceaccount:[^:]+:', `system:serviceaccount:${name}:`)
					.replaceAll("request.namespace == 'jasm'", `request.namespace == '${name}'`)
			);
		case 'policyName':
			return value.replace(/^jasm/, name);
		case 'name':
			return NAMESPACED.includes(owner)
				? value
				: value.replace(/^jasm(?=$|-(secrets|pods|start|restart|restart-only)$)/, name);
		default:
			return value;
	}
}
