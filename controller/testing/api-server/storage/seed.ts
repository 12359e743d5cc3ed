// Bulk storage of objects for benchmarks: ten thousand pods in milliseconds.
import { randomUUID } from 'node:crypto';
import { type Kind, kindNamed } from '../objects/kinds.ts';
import type { KubeObject } from '../objects/object.ts';
import type { Storage } from './storage.ts';

const namespaces = kindNamed('Namespace');

/** Stores objects as they are, with uid and creation time where they lack them. */
export const seedObjects = (
	storage: Storage,
	kind: Kind,
	objects: Iterable<KubeObject>,
	createNamespace: (name: string) => void,
): void => {
	const creationTimestamp = `${new Date().toISOString().slice(0, 19)}Z`;
	for (const object of objects) {
		const { namespace = 'default' } = object.metadata;
		if (kind.namespaced && !storage.get(namespaces, '', namespace)) createNamespace(namespace);
		const metadata = {
			uid: randomUUID(),
			creationTimestamp,
			...object.metadata,
			...(kind.namespaced ? { namespace } : {}),
		};
		storage.put(kind, { ...object, metadata });
	}
};
