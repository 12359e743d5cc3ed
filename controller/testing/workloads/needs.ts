// What a pod needs before its containers start: Secrets and ConfigMaps, and the keys of them that it names; pure.
import { isRecord, type KubeObject, listAt, textAt } from '../api-server/objects/object.ts';

export type SourceKind = 'Secret' | 'ConfigMap';

export type Need = {
	readonly kind: SourceKind;
	readonly name: string;
	/** Undefined where the whole object is meant. */
	readonly key?: string;
	/** The volume that mounts it; undefined for the environment of a container. */
	readonly volume?: string;
	readonly optional: boolean;
};

const isOptional = (reference: unknown): boolean => isRecord(reference) && reference['optional'] === true;

const ofEnvironment = (container: unknown): Need[] =>
	(
		[
			['Secret', 'secretRef', 'secretKeyRef'],
			['ConfigMap', 'configMapRef', 'configMapKeyRef'],
		] as const
	).flatMap(([kind, whole, single]) => [
		...listAt(container, 'envFrom')
			.filter(from => isRecord(from[whole]))
			.map(from => ({ kind, name: textAt(from, whole, 'name'), optional: isOptional(from[whole]) })),
		...listAt(container, 'env')
			.map(({ valueFrom }) => (isRecord(valueFrom) ? valueFrom[single] : undefined))
			.filter(isRecord)
			.map(from => ({
				kind,
				name: textAt(from, 'name'),
				key: textAt(from, 'key'),
				optional: isOptional(from),
			})),
	]);

const ofVolume = (volume: Record<string, unknown>): Need[] => {
	const name = textAt(volume, 'name');
	const projected = listAt(volume, 'projected', 'sources');
	const needs: Need[] = [];
	const add = (kind: SourceKind, source: unknown, field: string): void => {
		if (!isRecord(source)) {
			return;
		}
		const base = { kind, name: textAt(source, field), volume: name, optional: isOptional(source) };
		const keys = listAt(source, 'items').map(item => textAt(item, 'key'));
		needs.push(...(keys.length === 0 ? [base] : keys.map(key => ({ ...base, key }))));
	};
	add('Secret', volume['secret'], 'secretName');
	add('ConfigMap', volume['configMap'], 'name');
	for (const source of projected) {
		add('Secret', source['secret'], 'name');
		add('ConfigMap', source['configMap'], 'name');
	}
	return needs;
};

/** Volumes first: the kubelet mounts them before it reads the environment. */
export const needsOf = (pod: KubeObject): readonly Need[] => [
	...listAt(pod, 'spec', 'volumes').flatMap(ofVolume),
	...listAt(pod, 'spec', 'initContainers').flatMap(ofEnvironment),
	...listAt(pod, 'spec', 'containers').flatMap(ofEnvironment),
];

/** Why a pod cannot start yet. */
export type Obstacle = { readonly need: Need; readonly message: string };

const NOUN = { Secret: 'secret', ConfigMap: 'configmap' } as const;

/** The first need that is not met, in the words of a kubelet; `find` reads an object of the pod's namespace. */
export const obstacleOf = (
	pod: KubeObject,
	find: (kind: SourceKind, name: string) => KubeObject | undefined,
): Obstacle | undefined => {
	for (const need of needsOf(pod).filter(({ optional }) => !optional)) {
		const { kind, name, key } = need;
		const source = find(kind, name);
		if (!source) {
			return { need, message: `${NOUN[kind]} "${name}" not found` };
		}
		const { data, binaryData } = source as { data?: object; binaryData?: object };
		if (key !== undefined && !Object.hasOwn({ ...data, ...binaryData }, key)) {
			const message =
				need.volume === undefined
					? `couldn't find key ${key} in ${kind} ${pod.metadata.namespace}/${name}`
					: `references non-existent ${NOUN[kind]} key: ${key}`;
			return { need, message };
		}
	}
	return undefined;
};
