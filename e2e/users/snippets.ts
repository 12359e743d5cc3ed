// The YAML of the manual by what it is: a manifest, part of one, an annotation's value, a stack's or a controller's file.
import { loadYaml } from '@kubernetes/client-node';
import { type Block, place } from './manual.ts';
import { ANNOTATION } from './tenant.ts';

export type Snippet =
	| { readonly kind: 'manifest'; readonly manifest: KubernetesObject }
	| { readonly kind: 'annotation'; readonly value: string }
	/** Keys of a stack's file with their prefix. */
	| { readonly kind: 'stack'; readonly config: Record<string, unknown> }
	| { readonly kind: 'controller'; readonly config: Record<string, unknown> }
	| { readonly kind: 'kustomization'; readonly text: string };

export type KubernetesObject = {
	readonly apiVersion: string;
	readonly kind: string;
	readonly metadata: {
		readonly name: string;
		readonly namespace?: string;
		readonly annotations?: Record<string, string>;
	};
	readonly spec?: unknown;
};

const CONTAINERS = [{ name: 'app', image: 'example/app:1' }];

/** What a YAML block is; a part of a pod is completed to a pod. Throws if it is none of these. */
export function snippet(block: Block): Snippet {
	const parsed = loadYaml<unknown>(block.text);
	if (Array.isArray(parsed)) return { kind: 'annotation', value: block.text };
	const fields = parsed as Record<string, unknown>;
	if ('apiVersion' in fields && 'kind' in fields)
		return { kind: 'manifest', manifest: fields as unknown as KubernetesObject };
	if ('resources' in fields && 'patches' in fields) return { kind: 'kustomization', text: block.text };
	if ('provider' in fields && 'path' in fields) return { kind: 'annotation', value: block.text };
	if ('config' in fields) return { kind: 'stack', config: fields['config'] as Record<string, unknown> };
	if (Object.keys(fields).every(key => key.startsWith('jasm:'))) return { kind: 'stack', config: fields };
	if ('providers' in fields || 'policy' in fields) return { kind: 'controller', config: fields };
	if (Object.keys(fields).every(key => key === 'metadata' || key === 'spec')) {
		const name = place(block)
			.toLowerCase()
			.replaceAll(/[^a-z0-9]+/g, '-');
		const metadata = { ...(fields['metadata'] as object), name };
		const spec = { containers: CONTAINERS, ...(fields['spec'] as object) };
		return { kind: 'manifest', manifest: { apiVersion: 'v1', kind: 'Pod', metadata, spec } };
	}
	throw new Error(`${place(block)}: this YAML is of no kind that a test knows`);
}

/** The values of JASM's annotation in a manifest: on the object itself, or in its pod template. */
export function annotationsOf({ metadata, spec }: KubernetesObject): string[] {
	const template = (spec as { template?: { metadata?: { annotations?: Record<string, string> } } })?.template;
	return [metadata.annotations?.[ANNOTATION], template?.metadata?.annotations?.[ANNOTATION]].filter(
		value => value !== undefined,
	);
}
