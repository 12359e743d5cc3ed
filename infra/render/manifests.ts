// Turns recorded Kubernetes resources into one sorted YAML stream; refuses secrets; pure.
import { dump } from 'js-yaml';
import type { Recorded } from './engine.ts';

/** Key by which the Pulumi wire marks a wrapped value, and the mark of a secret. */
const SIGNATURE = '4dabf18193072939515e22adb298388d';
const SECRET = '1b47061264138c4ac30d75fd1eb44270';

// The order in which one `kubectl apply -f` succeeds: what others need comes first.
const ORDER = [
	'Namespace',
	'ServiceAccount',
	'ClusterRole',
	'ClusterRoleBinding',
	'Role',
	'RoleBinding',
	'ValidatingAdmissionPolicy',
	'ValidatingAdmissionPolicyBinding',
	'ConfigMap',
	'Secret',
	'Service',
	'NetworkPolicy',
	'PodDisruptionBudget',
	'Deployment',
];

type Manifest = {
	readonly kind: string;
	readonly metadata: { readonly name: string; readonly namespace?: string };
};

/** The Kubernetes objects among the resources as YAML. Throws on a secret and on an object without a name. */
export function manifests(resources: readonly Recorded[]): string {
	const objects = resources
		.filter(resource => resource.type.startsWith('kubernetes:'))
		.map(resource => {
			const manifest = plain(resource.inputs, resource.name) as Manifest;
			if (manifest.metadata?.name === undefined)
				throw new Error(`rendering ${resource.name}: it has no metadata.name`);
			return manifest;
		});
	objects.sort((a, b) => rank(a) - rank(b) || compare(key(a), key(b)));
	return objects
		.map(object => `---\n${dump(object, { sortKeys: true, lineWidth: -1, noRefs: true })}`)
		.join('');
}

function plain(value: unknown, path: string): unknown {
	if (Array.isArray(value)) return value.map((item, index) => plain(item, `${path}[${index}]`));
	if (typeof value !== 'object' || value === null) return value;
	if (SIGNATURE in value) {
		const secret = (value as Record<string, unknown>)[SIGNATURE] === SECRET;
		throw new Error(`rendering ${path}: ${secret ? 'a secret is never rendered' : 'not a plain value'}`);
	}
	return Object.fromEntries(
		Object.entries(value).map(([name, item]) => [name, plain(item, `${path}.${name}`)]),
	);
}

const rank = ({ kind }: Manifest) => (ORDER.includes(kind) ? ORDER.indexOf(kind) : ORDER.length);
const key = ({ kind, metadata }: Manifest) => `${kind}/${metadata.namespace ?? ''}/${metadata.name}`;
const compare = (a: string, b: string) => (a < b ? -1 : a > b ? 1 : 0);
