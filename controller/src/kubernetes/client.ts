// The few calls that a writer of Secrets makes: write a Secret, record an Event, hold a Lease. None reads a value.
import type { Clock } from '../runtime/clock.ts';
import type { ObjectRef } from '../runtime/object-ref.ts';
import { EncodedJson } from './encoded-json.ts';
import { KubernetesError } from './errors.ts';
import type { Rest, RestRequest } from './http/rest.ts';
import { type Answer, errorOf, isAbsent, statusOf } from './status.ts';
import type { EventManifest, Lease, ObjectMeta, SecretManifest } from './types.ts';

export type WriteOptions = {
	readonly signal?: AbortSignal;
	/** The API server does everything except store the object. */
	readonly dryRun?: boolean;
};

export type ReplaceOptions = WriteOptions & {
	/** Replace only if the object still has this version. */
	readonly resourceVersion?: string;
	/** Metadata that a replace would otherwise remove. */
	readonly keep?: Pick<ObjectMeta, 'finalizers' | 'ownerReferences'>;
};

export type PodPatch = {
	readonly metadata: Readonly<Record<string, unknown>> & { readonly uid?: string };
	readonly spec?: Readonly<Record<string, unknown>>;
};

/** `metadata` is that of the response: a finished write can still leave an object that is being deleted. */
type Written<Verb extends string> = { readonly result: Verb; readonly metadata: ObjectMeta };

/** Expected outcomes are results; everything else rejects with a KubernetesError. */
export type KubernetesClient = {
	createSecret(
		secret: SecretManifest,
		options?: WriteOptions,
	): Promise<Written<'created'> | { readonly result: 'exists' }>;
	/** `conflict` only where a resourceVersion was given. */
	replaceSecret(
		secret: SecretManifest,
		options?: ReplaceOptions,
	): Promise<Written<'replaced'> | { readonly result: 'missing' | 'conflict' }>;
	/** Needs the right to `get secrets`; the response carries no data. */
	getSecretMetadata(ref: ObjectRef, signal?: AbortSignal): Promise<ObjectMeta | undefined>;
	/**
	 * Strategic merge patch of a pod, idempotent. `absent`: there is no such pod; `replaced`: the pod of that name has
	 * another uid than the one that `patch.metadata.uid` names. An error never repeats the answer, which quotes specs.
	 */
	patchPod(
		ref: ObjectRef,
		patch: PodPatch,
		options?: WriteOptions,
	): Promise<'patched' | 'absent' | 'replaced'>;
	/**
	 * Writes one annotation of a workload's pod template by a merge patch: another value than before makes its
	 * controller replace the pods. Nothing of the answer is kept but the uid: a patch answers with the whole object.
	 */
	annotateTemplate(
		workload: ObjectRef & { readonly resource: 'deployments' | 'statefulsets' | 'daemonsets' },
		annotation: { readonly key: string; readonly value: string },
		options?: WriteOptions,
	): Promise<{ readonly result: 'patched'; readonly uid: string } | { readonly result: 'absent' }>;
	createEvent(event: EventManifest, signal?: AbortSignal): Promise<void>;
	/** `cached` allows a response that is moments old and costs etcd nothing. */
	getLease(ref: ObjectRef, options?: { signal?: AbortSignal; cached?: boolean }): Promise<Lease | undefined>;
	/** Undefined: the Lease exists already. */
	createLease(lease: Lease, signal?: AbortSignal): Promise<Lease | undefined>;
	/** Undefined: the Lease was changed or deleted since the version in `lease.metadata`. */
	replaceLease(lease: Lease, signal?: AbortSignal): Promise<Lease | undefined>;
};

export type KubernetesClientOptions = {
	readonly rest: Rest;
	readonly clock: Clock;
	/** The name under which the API server records the fields of a write. */
	readonly fieldManager: string;
};

const METADATA_ONLY = 'application/json;as=PartialObjectMetadata;g=meta.k8s.io;v=v1';

export function createKubernetesClient({
	rest,
	clock,
	fieldManager,
}: KubernetesClientOptions): KubernetesClient {
	const fail = (answer: Answer, request: RestRequest) => errorOf(answer, request, clock.now());

	const secretRequest = (
		verb: 'create' | 'update',
		secret: SecretManifest,
		{ signal, dryRun = false, resourceVersion, keep }: ReplaceOptions,
	): RestRequest => ({
		verb,
		resource: 'secrets',
		namespace: secret.namespace,
		doing: `writing secret "${secret.namespace}/${secret.name}"`,
		path: `${pathOf('/api/v1', 'secrets', secret.namespace, verb === 'update' ? secret.name : '')}?fieldManager=${encodeURIComponent(fieldManager)}${dryRun ? '&dryRun=All' : ''}`,
		accept: METADATA_ONLY,
		body: secretBody(secret, { ...keep, ...(resourceVersion !== undefined && { resourceVersion }) }),
		...(signal !== undefined && { signal }),
	});

	return {
		async createSecret(secret, options = {}) {
			const request = secretRequest('create', secret, options);
			const answer = await rest.request(request);
			if (isSuccess(answer)) return { result: 'created', metadata: metadataOf(answer, request, secret) };
			if (answer.status === 409 && statusOf(answer.body)?.reason === 'AlreadyExists')
				return { result: 'exists' };
			throw fail(answer, request);
		},

		async replaceSecret(secret, options = {}) {
			const request = secretRequest('update', secret, options);
			const answer = await rest.request(request);
			if (isSuccess(answer)) return { result: 'replaced', metadata: metadataOf(answer, request, secret) };
			if (isAbsent(answer, 'secrets')) return { result: 'missing' };
			if (answer.status === 409 && options.resourceVersion !== undefined) return { result: 'conflict' };
			throw fail(answer, request);
		},

		async getSecretMetadata({ namespace, name }, signal) {
			const request: RestRequest = {
				verb: 'get',
				resource: 'secrets',
				namespace,
				doing: `reading the metadata of secret "${namespace}/${name}"`,
				path: pathOf('/api/v1', 'secrets', namespace, name),
				accept: METADATA_ONLY,
				...(signal !== undefined && { signal }),
			};
			const answer = await rest.request(request);
			if (isAbsent(answer, 'secrets')) return undefined;
			if (!isSuccess(answer)) throw fail(answer, request);
			return (answer.body as { metadata: ObjectMeta }).metadata;
		},

		async patchPod({ namespace, name }, patch, { signal, dryRun = false } = {}) {
			const request: RestRequest = {
				verb: 'patch',
				resource: 'pods',
				namespace,
				doing: `patching pod "${namespace}/${name}"`,
				path: `${pathOf('/api/v1', 'pods', namespace, name)}?fieldManager=${encodeURIComponent(fieldManager)}${dryRun ? '&dryRun=All' : ''}`,
				accept: METADATA_ONLY,
				contentType: 'application/strategic-merge-patch+json',
				body: patch,
				...(signal !== undefined && { signal }),
			};
			const answer = await rest.request(request);
			if (isSuccess(answer)) return 'patched';
			if (isAbsent(answer, 'pods')) return 'absent';
			if (answer.status === 422 && hasCauseAt(answer, 'metadata.uid')) return 'replaced';
			throw fail(answer, request);
		},

		async annotateTemplate({ namespace, name, resource }, { key, value }, { signal, dryRun = false } = {}) {
			const request: RestRequest = {
				verb: 'patch',
				resource,
				namespace,
				doing: `restarting ${resource.slice(0, -1)} "${namespace}/${name}"`,
				path: `${pathOf('/apis/apps/v1', resource, namespace, name)}?fieldManager=${encodeURIComponent(fieldManager)}${dryRun ? '&dryRun=All' : ''}`,
				accept: METADATA_ONLY,
				contentType: 'application/merge-patch+json',
				body: { spec: { template: { metadata: { annotations: { [key]: value } } } } },
				...(signal !== undefined && { signal }),
			};
			const answer = await rest.request(request);
			if (isSuccess(answer)) return { result: 'patched', uid: uidOf(answer) };
			if (isAbsent(answer, resource)) return { result: 'absent' };
			throw fail(answer, request);
		},

		async createEvent(event, signal) {
			const { namespace } = event.metadata;
			const request: RestRequest = {
				verb: 'create',
				resource: 'events',
				namespace,
				doing: `recording an event in namespace "${namespace}"`,
				path: pathOf('/apis/events.k8s.io/v1', 'events', namespace),
				accept: METADATA_ONLY,
				body: event,
				...(signal !== undefined && { signal }),
			};
			const answer = await rest.request(request);
			// The name is unique to this process: if the Event exists, the first try had succeeded.
			if (!isSuccess(answer) && answer.status !== 409) throw fail(answer, request);
		},

		async getLease(ref, { signal, cached = false } = {}) {
			const request = leaseRequest('get', ref, undefined, signal, cached ? '?resourceVersion=0' : '');
			const answer = await rest.request(request);
			if (isAbsent(answer, 'leases')) return undefined;
			if (!isSuccess(answer)) throw fail(answer, request);
			return answer.body as Lease;
		},

		async createLease(lease, signal) {
			const request = leaseRequest('create', lease.metadata, lease, signal);
			const answer = await rest.request(request);
			if (answer.status === 409) return undefined;
			if (!isSuccess(answer)) throw fail(answer, request);
			return answer.body as Lease;
		},

		async replaceLease(lease, signal) {
			const request = leaseRequest('update', lease.metadata, lease, signal);
			const answer = await rest.request(request);
			if (answer.status === 409 || isAbsent(answer, 'leases')) return undefined;
			if (!isSuccess(answer)) throw fail(answer, request);
			return answer.body as Lease;
		},
	};
}

function leaseRequest(
	verb: RestRequest['verb'],
	{ namespace, name }: ObjectRef,
	body: Lease | undefined,
	signal: AbortSignal | undefined,
	query = '',
): RestRequest {
	return {
		verb,
		resource: 'leases',
		namespace,
		doing: `holding lease "${namespace}/${name}"`,
		path: pathOf('/apis/coordination.k8s.io/v1', 'leases', namespace, verb === 'create' ? '' : name) + query,
		...(body !== undefined && { body }),
		...(signal !== undefined && { signal }),
	};
}

const hasCauseAt = ({ body }: Answer, at: string) =>
	(statusOf(body)?.details?.causes ?? []).some(({ field }) => field === at);

const uidOf = ({ body }: Answer): string => {
	const { metadata } = (body ?? {}) as { metadata?: { uid?: unknown } };
	return typeof metadata?.uid === 'string' ? metadata.uid : '';
};

const isSuccess = ({ status }: Answer) => status >= 200 && status < 300;

const pathOf = (group: string, resource: string, namespace: string, name = '') =>
	`${group}/namespaces/${encodeURIComponent(namespace)}/${resource}${name === '' ? '' : `/${encodeURIComponent(name)}`}`;

function secretBody(secret: SecretManifest, metadata: Readonly<Record<string, unknown>>): object {
	const { name, namespace, labels, annotations, type, data } = secret;
	const fields = {
		apiVersion: 'v1',
		kind: 'Secret',
		metadata: { ...metadata, name, namespace, labels, annotations },
		type,
	};
	return data instanceof EncodedJson ? data.within(fields, 'data') : { ...fields, data };
}

/** The metadata of the object that was written; a proxy can answer 200 with anything. */
function metadataOf({ body }: Answer, { doing }: RestRequest, { namespace, name }: ObjectRef): ObjectMeta {
	const { metadata } = (body ?? {}) as { metadata?: Partial<ObjectMeta> };
	if (
		typeof metadata?.resourceVersion === 'string' &&
		metadata.name === name &&
		metadata.namespace === namespace
	) {
		return metadata as ObjectMeta;
	}
	throw new KubernetesError({
		code: 'unavailable',
		doing,
		why: 'the response of the API server is not the metadata of this object',
	});
}
