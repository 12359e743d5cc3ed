// Deletes the objects that name a deleted object as their owner.
import type { ApiServer } from '../api-server/server.ts';

const OWNED = ['ReplicaSet', 'Pod'] as const;

/** Deletes what belongs to a deleted owner. */
export const collectGarbage = (server: ApiServer, namespace: string, ownerUid: string): void => {
	for (const kind of OWNED) {
		for (const { metadata } of server.list(kind, namespace)) {
			const owners = (metadata.ownerReferences ?? []) as readonly { readonly uid?: string }[];
			if (owners.some(({ uid }) => uid === ownerUid)) {
				server.delete(kind, namespace, metadata.name ?? '');
			}
		}
	}
};
