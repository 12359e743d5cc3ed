// The few calls that JASM makes: write a Secret, record an Event, hold a Lease. None of them can read a Secret.
import { JasmError } from '../errors.ts';
import type { Clock } from '../runtime/clock.ts';
import type { ObjectRef } from '../runtime/object-ref.ts';
import type { Rest, RestRequest } from './rest.ts';
import { type Answer, errorOf, isAbsent, statusOf } from './status.ts';
import type { EventManifest, Lease, ObjectMeta, SecretManifest } from './types.ts';

export type WriteOptions = {
	readonly signal?: AbortSignal;
	/** The API server does everything but store it. */
	readonly dryRun?: boolean;
};

export type ReplaceOptions = WriteOptions & {
	/** Replace only what still has this version. */
	readonly resourceVersion?: string;
	/** Metadata that a replace would otherwise take away. */
	readonly keep?: Pick<ObjectMeta, 'finalizers' | 'ownerReferences'>;
};

type Written<Verb extends string> = { readonly result: Verb; readonly resourceVersion: string };

/** What is no surprise is a result; everything else rejects with a JasmError. */
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
	/** Needs `get secrets`, which profile `write-only` does not have; the answer carries no data. */
	getSecretMetadata(ref: ObjectRef, signal?: AbortSignal): Promise<ObjectMeta | undefined>;
	createEvent(event: EventManifest, signal?: AbortSignal): Promise<void>;
	/** `cached` allows an answer that is moments old and costs etcd nothing. */
	getLease(ref: ObjectRef, options?: { signal?: AbortSignal; cached?: boolean }): Promise<Lease | undefined>;
	/** Undefined: it exists already. */
	createLease(lease: Lease, signal?: AbortSignal): Promise<Lease | undefined>;
	/** Undefined: it was changed or deleted since the version that `lease.metadata` carries. */
	replaceLease(lease: Lease, signal?: AbortSignal): Promise<Lease | undefined>;
};

export type KubernetesClientOptions = { readonly rest: Rest; readonly clock: Clock };

const METADATA_ONLY = 'application/json;as=PartialObjectMetadata;g=meta.k8s.io;v=v1';
const FIELD_MANAGER = 'jasm';

export function createKubernetesClient({ rest, clock }: KubernetesClientOptions): KubernetesClient {
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
		path: `${pathOf('/api/v1', 'secrets', secret.namespace, verb === 'update' ? secret.name : '')}?fieldManager=${FIELD_MANAGER}${dryRun ? '&dryRun=All' : ''}`,
		accept: METADATA_ONLY,
		body: secretBody(secret, { ...keep, ...(resourceVersion !== undefined && { resourceVersion }) }),
		...(signal !== undefined && { signal }),
	});

	return {
		async createSecret(secret, options = {}) {
			const request = secretRequest('create', secret, options);
			const answer = await rest.request(request);
			if (isSuccess(answer)) return { result: 'created', resourceVersion: versionOf(answer, request) };
			if (answer.status === 409 && statusOf(answer.body)?.reason === 'AlreadyExists')
				return { result: 'exists' };
			throw fail(answer, request);
		},

		async replaceSecret(secret, options = {}) {
			const request = secretRequest('update', secret, options);
			const answer = await rest.request(request);
			if (isSuccess(answer)) return { result: 'replaced', resourceVersion: versionOf(answer, request) };
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
			// Its name is our own: when it exists, a resend met the first try.
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

const isSuccess = ({ status }: Answer) => status >= 200 && status < 300;

const pathOf = (group: string, resource: string, namespace: string, name = '') =>
	`${group}/namespaces/${encodeURIComponent(namespace)}/${resource}${name === '' ? '' : `/${encodeURIComponent(name)}`}`;

function secretBody(secret: SecretManifest, metadata: Readonly<Record<string, unknown>>) {
	const { name, namespace, labels, annotations, type, data } = secret;
	return {
		apiVersion: 'v1',
		kind: 'Secret',
		metadata: { ...metadata, name, namespace, labels, annotations },
		type,
		data,
	};
}

function versionOf({ body }: Answer, { doing }: RestRequest): string {
	const version = (body as { metadata?: { resourceVersion?: unknown } } | undefined)?.metadata
		?.resourceVersion;
	if (typeof version === 'string') return version;
	throw new JasmError(`${doing}: the answer of the API server has no resourceVersion`, {
		code: 'KUBERNETES_UNAVAILABLE',
	});
}
