// Turns declared Kubernetes resources into one sorted YAML stream; refuses secrets; pure.
import { dump } from 'js-yaml';

/** A declared resource, as mocks and recordings have it. */
export type Rendered = {
	readonly type: string;
	readonly name: string;
	readonly inputs: Record<string, unknown>;
};

/** Key by which the Pulumi wire marks a wrapped value, and the mark of a secret. */
const SIGNATURE = '4dabf18193072939515e22adb298388d';
const SECRET = '1b47061264138c4ac30d75fd1eb44270';

/** Rolls the pods when a Pulumi program changes the configuration. In a file that people edit it would be wrong. */
const CONFIG_HASH = 'jasm.codnod.io/config-hash';

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
	'MutatingAdmissionPolicy',
	'MutatingAdmissionPolicyBinding',
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
export function manifests(resources: readonly Rendered[]): string {
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
	const fields = Object.entries(value)
		.filter(([name]) => name !== CONFIG_HASH)
		.map(([name, item]) => [name, plain(item, `${path}.${name}`)] as const);
	return Object.fromEntries(fields.filter(([name, item]) => name !== 'annotations' || !isEmpty(item)));
}

const isEmpty = (value: unknown) =>
	typeof value === 'object' && value !== null && Object.keys(value).length === 0;
const rank = ({ kind }: Manifest) => (ORDER.includes(kind) ? ORDER.indexOf(kind) : ORDER.length);
const key = ({ kind, metadata }: Manifest) => `${kind}/${metadata.namespace ?? ''}/${metadata.name}`;
const compare = (a: string, b: string) => (a < b ? -1 : a > b ? 1 : 0);
