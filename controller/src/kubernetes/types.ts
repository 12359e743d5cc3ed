// The few fields of Kubernetes objects that are read or written here.
import type { EncodedJson } from './encoded-json.ts';

/** `metadata` as PartialObjectMetadata delivers it; times are RFC 3339 strings. */
export type ObjectMeta = {
	readonly name: string;
	readonly namespace: string;
	readonly uid: string;
	readonly resourceVersion: string;
	readonly creationTimestamp: string;
	readonly deletionTimestamp?: string;
	readonly labels?: Readonly<Record<string, string>>;
	readonly annotations?: Readonly<Record<string, string>>;
	readonly finalizers?: readonly string[];
	readonly ownerReferences?: readonly unknown[];
	readonly managedFields?: readonly {
		readonly manager?: string;
		readonly operation?: string;
		readonly time?: string;
		readonly fieldsV1?: Readonly<Record<string, unknown>>;
	}[];
};

/** The body of a response that carries no object. */
export type Status = {
	readonly kind: 'Status';
	readonly code: number;
	readonly reason?: string;
	readonly message?: string;
	readonly details?: {
		/** The resource that the response is about. */
		readonly kind?: string;
		readonly retryAfterSeconds?: number;
		readonly causes?: readonly {
			readonly reason?: string;
			readonly message?: string;
			readonly field?: string;
		}[];
	};
};

/** A Secret to write: `data` is base64 by key, as an object without a prototype (a key may be `__proto__`) or encoded. */
export type SecretManifest = {
	readonly namespace: string;
	readonly name: string;
	readonly type: string;
	readonly labels: Readonly<Record<string, string>>;
	readonly annotations: Readonly<Record<string, string>>;
	readonly data: Readonly<Record<string, string>> | EncodedJson;
};

/** The pod that an Event is about. */
export type PodRef = { readonly namespace: string; readonly name: string; readonly uid: string };

/** The object that an Event is about. Default: a pod. */
export type EventSubject = PodRef & { readonly apiVersion?: string; readonly kind?: string };

/** An Event of events.k8s.io/v1; times are RFC 3339 with microseconds. */
export type EventManifest = {
	readonly apiVersion: 'events.k8s.io/v1';
	readonly kind: 'Event';
	readonly metadata: { readonly namespace: string; readonly name: string };
	readonly eventTime: string;
	readonly type: 'Normal' | 'Warning';
	readonly reason: string;
	readonly action: string;
	readonly note: string;
	readonly reportingController: string;
	readonly reportingInstance: string;
	readonly regarding: PodRef & { readonly apiVersion: string; readonly kind: string };
};

/** A Lease of coordination.k8s.io/v1; times are RFC 3339 with microseconds, for people to read. */
export type Lease = {
	readonly apiVersion: 'coordination.k8s.io/v1';
	readonly kind: 'Lease';
	readonly metadata: {
		readonly namespace: string;
		readonly name: string;
		readonly resourceVersion?: string;
	} & Readonly<Record<string, unknown>>;
	readonly spec?: {
		readonly holderIdentity?: string;
		readonly leaseDurationSeconds?: number;
		readonly acquireTime?: string;
		readonly renewTime?: string;
		readonly leaseTransitions?: number;
	};
};
