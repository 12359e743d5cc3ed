// The texts of the simulated API server, in the order and form of the real one.
import { MANAGED, type Meta } from './simulated-cluster.ts';

export const partial = (metadata: Meta) => ({
	kind: 'PartialObjectMetadata',
	apiVersion: 'meta.k8s.io/v1',
	metadata: ordered(metadata),
});

/** The order in which the API server writes metadata. */
export function ordered({ name, namespace, uid, resourceVersion, creationTimestamp, ...rest }: Meta) {
	return { name, namespace, uid, resourceVersion, creationTimestamp, ...rest };
}

export const line = (type: string, object: object) => `${JSON.stringify({ type, object })}\n`;

export const statusBody = (code: number, reason: string, message = reason, details: object = {}) => ({
	kind: 'Status',
	apiVersion: 'v1',
	status: 'Failure',
	code,
	reason,
	message,
	details,
});

export const isManaged = ({ labels }: Meta) => labels?.[MANAGED] === 'jasm';
