// The few fields of Kubernetes objects that JASM reads.

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
	readonly managedFields?: readonly { readonly manager?: string; readonly time?: string }[];
};

/** What the API server answers instead of an object. */
export type Status = {
	readonly kind: 'Status';
	readonly code: number;
	readonly reason?: string;
	readonly message?: string;
	readonly details?: {
		readonly retryAfterSeconds?: number;
		readonly causes?: readonly {
			readonly reason?: string;
			readonly message?: string;
			readonly field?: string;
		}[];
	};
};

/** A Secret as JASM writes it: `data` is base64, in a null-prototype object (a key may be `__proto__`). */
export type SecretManifest = {
	readonly namespace: string;
	readonly name: string;
	readonly type: string;
	readonly labels: Readonly<Record<string, string>>;
	readonly annotations: Readonly<Record<string, string>>;
	readonly data: Readonly<Record<string, string>>;
};

/** The pod that an Event is about. */
export type PodRef = { readonly namespace: string; readonly name: string; readonly uid: string };
