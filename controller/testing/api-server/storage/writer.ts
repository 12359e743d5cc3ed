// Creates and updates in the order of the real server: preconditions, preparation, validation, admission, storage.

import type { Guard } from '../auth/guard.ts';
import { PodPolicies } from '../auth/pod-policies.ts';
import { RestartPolicy } from '../auth/restart-policy.ts';
import type { User } from '../auth/tokens.ts';
import { type Decoded, decode } from '../objects/decode.ts';
import { type Kind, kindNamed, type View } from '../objects/kinds.ts';
import { managedFieldsAfter } from '../objects/managed-fields.ts';
import { isRecord, type KubeObject, sameJson } from '../objects/object.ts';
import { applyPatch } from '../objects/patch.ts';
import { carryOver, prepareCreate } from '../objects/prepare.ts';
import {
	alreadyExists,
	badRequest,
	conflict,
	forbidden,
	invalid,
	invalidValue,
	notFound,
	StatusError,
} from '../objects/status.ts';
import { StoredObject } from '../objects/stored-object.ts';
import { validate } from '../objects/validation.ts';
import type { Storage } from './storage.ts';

/** Who writes what, and how. */
export type WriteRequest = {
	readonly kind: Kind;
	readonly view: View;
	readonly namespace: string;
	readonly name: string;
	readonly subresource: string;
	readonly user: User;
	readonly manager: string;
	readonly dryRun: boolean;
	/** `Strict` refuses unknown fields; otherwise they are dropped and reported. */
	readonly strict: boolean;
};

export type Written = {
	readonly object: StoredObject;
	readonly created: boolean;
	readonly unknownFields: readonly string[];
};

const namespaces = kindNamed('Namespace');

/** RFC 3339 with whole seconds, as the API server writes times. */
export const timestamp = (date: Date): string => `${date.toISOString().slice(0, 19)}Z`;

const isEmpty = (list: readonly unknown[] | undefined): boolean => list === undefined || list.length === 0;

/** A spec without the node that a scheduler wrote into it: binding is no change of what was asked for. */
const unbound = ({ spec }: KubeObject): unknown => (isRecord(spec) ? { ...spec, nodeName: undefined } : spec);

/** Writes objects. Everything throws a StatusError with the real server's answer. */
export class Writer {
	readonly #storage: Storage;
	readonly #guard: Guard;
	readonly #podPolicies: PodPolicies;
	readonly #restartPolicy: RestartPolicy;
	readonly #now: () => Date;

	constructor(storage: Storage, guard: Guard, now: () => Date) {
		this.#storage = storage;
		this.#guard = guard;
		this.#podPolicies = new PodPolicies(storage, guard.options);
		this.#restartPolicy = new RestartPolicy(storage, guard.options);
		this.#now = now;
	}

	#named(request: WriteRequest): { group: string; plural: string } {
		return { group: request.view.group, plural: request.kind.plural };
	}

	#decode(request: WriteRequest, body: unknown): Decoded {
		const decoded = decode(request.kind, request.view, body);
		if (request.strict && decoded.unknownFields.length > 0) {
			const fields = decoded.unknownFields.map(field => `unknown field "${field}"`).join(', ');
			throw badRequest(
				`${request.kind.kind} in version "${request.view.version}" cannot be handled as a ${request.kind.kind}: strict decoding error: ${fields}`,
			);
		}
		return decoded;
	}

	create(request: WriteRequest, body: unknown): Written {
		const { kind } = request;
		const { object, unknownFields } = this.#decode(request, body);
		const { metadata } = object;
		if (kind.namespaced) this.#enterNamespace(request, object);
		const now = timestamp(this.#now());
		if (kind.kind === 'Pod') this.#podPolicies.mutate(request.namespace, object);
		prepareCreate(kind, object, now);
		const managed = managedFieldsAfter(undefined, object, {
			manager: request.manager,
			apiVersion: request.view.apiVersion,
			time: now,
			subresource: '',
		});
		if (managed.length > 0) metadata.managedFields = managed;
		this.#validate(request, object, undefined);
		if (kind.kind === 'Secret') this.#guard.check(request.user, request.namespace, object, undefined);
		if (kind.kind === 'Pod') this.#podPolicies.check(request, object, undefined);
		this.#restartPolicy.check(request, object, undefined);
		const name = metadata.name ?? '';
		if (this.#storage.get(kind, request.namespace, name)) throw alreadyExists(this.#named(request), name);
		if (metadata.resourceVersion) {
			throw new StatusError(500, undefined, 'resourceVersion should not be set on objects to be created');
		}
		const stored = request.dryRun ? new StoredObject(kind, object, 0) : this.#storage.put(kind, object);
		return { object: stored, created: true, unknownFields };
	}

	#enterNamespace(request: WriteRequest, object: KubeObject): void {
		const { namespace } = request;
		if (object.metadata.namespace && object.metadata.namespace !== namespace) {
			throw badRequest(
				'the namespace of the provided object does not match the namespace sent on the request',
			);
		}
		object.metadata.namespace = namespace;
		const home = this.#storage.get(namespaces, '', namespace);
		if (!home) throw notFound({ group: '', plural: 'namespaces' }, namespace);
		if (home.object.metadata.deletionTimestamp === undefined) return;
		throw forbidden(
			this.#named(request),
			object.metadata.name ?? '',
			`unable to create new content in namespace ${namespace} because it is being terminated`,
			[
				{
					reason: 'NamespaceTerminating',
					message: `namespace ${namespace} is being terminated`,
					field: 'metadata.namespace',
				},
			],
		);
	}

	#validate(request: WriteRequest, object: KubeObject, old: KubeObject | undefined): void {
		const causes = validate(request.kind, request.view.apiVersion, object, old);
		if (causes.length === 0) return;
		// The real server validates events under their core name, whichever group they came by.
		const group = request.kind.kind === 'Event' ? '' : request.view.group;
		throw invalid({ group, plural: request.kind.kind }, object.metadata.name ?? '', causes);
	}

	/** PUT: of the whole object, or of its status where `subresource` says so. */
	update(request: WriteRequest, body: unknown): Written {
		const decoded = this.#decode(request, body);
		const { name: bodyName } = decoded.object.metadata;
		if (!bodyName) {
			throw badRequest(
				`the name of the object (${request.name} based on URL) was undeterminable: name must be provided`,
			);
		}
		if (bodyName !== request.name) {
			throw badRequest(
				`the name of the object (${bodyName}) does not match the name on the URL (${request.name})`,
			);
		}
		const bodyNamespace = decoded.object.metadata.namespace;
		if (request.kind.namespaced && bodyNamespace && bodyNamespace !== request.namespace) {
			throw badRequest(
				'the namespace of the provided object does not match the namespace sent on the request',
			);
		}
		const current = this.#storage.get(request.kind, request.namespace, request.name);
		if (!current) {
			if (!request.kind.createOnUpdate || request.subresource !== '') {
				throw notFound(this.#named(request), request.name);
			}
			delete decoded.object.metadata.resourceVersion;
			return this.create(request, { ...(body as object), metadata: decoded.object.metadata });
		}
		return {
			...this.#replace(request, current, decoded.object, request.kind.unconditional),
			unknownFields: decoded.unknownFields,
		};
	}

	/** PATCH by a content type of `patchTypes`. */
	patch(request: WriteRequest, contentType: string, patch: unknown): Written {
		const current = this.#storage.get(request.kind, request.namespace, request.name);
		if (!current) throw notFound(this.#named(request), request.name);
		const document: unknown = JSON.parse(current.encode(request.view).toString());
		const { object, unknownFields } = this.#decode(request, applyPatch(contentType, document, patch));
		const { uid } = object.metadata;
		// A patch is applied to what is stored, so that another uid is a change of a fixed field, not a conflict.
		if (uid !== undefined && uid !== current.object.metadata.uid) {
			throw invalid(this.#named(request), request.name, [
				invalidValue('metadata.uid', JSON.stringify(uid), 'field is immutable'),
			]);
		}
		return { ...this.#replace(request, current, object, true), unknownFields };
	}

	#replace(
		request: WriteRequest,
		current: StoredObject,
		object: KubeObject,
		unconditional: boolean,
	): Pick<Written, 'object' | 'created'> {
		const { kind } = request;
		const old = current.object;
		this.#checkPreconditions(request, current, object, unconditional);
		carryOver(request, object, old);
		this.#validate(request, object, old);
		if (kind.kind === 'Secret') this.#guard.check(request.user, request.namespace, object, old);
		if (kind.kind === 'Pod') this.#podPolicies.check(request, object, old);
		this.#restartPolicy.check(request, object, old);
		if (sameJson(object, old)) return { object: current, created: false };
		if (kind.generation && request.subresource === '' && !sameJson(unbound(object), unbound(old))) {
			object.metadata.generation = (old.metadata.generation ?? 0) + 1;
		}
		const managed = managedFieldsAfter(old, object, {
			manager: request.manager,
			apiVersion: request.view.apiVersion,
			time: timestamp(this.#now()),
			subresource: request.subresource,
		});
		if (managed.length > 0) object.metadata.managedFields = managed;
		if (request.dryRun) {
			return { object: new StoredObject(kind, object, current.resourceVersion), created: false };
		}
		if (
			object.metadata.deletionTimestamp !== undefined &&
			kind !== namespaces &&
			isEmpty(object.metadata.finalizers)
		) {
			// The last finalizer went: the object goes with this write.
			this.#storage.remove(new StoredObject(kind, object, current.resourceVersion));
			return { object: new StoredObject(kind, object, current.resourceVersion), created: false };
		}
		return { object: this.#storage.put(kind, object), created: false };
	}

	#checkPreconditions(
		request: WriteRequest,
		current: StoredObject,
		object: KubeObject,
		unconditional: boolean,
	): void {
		const { resourceVersion, uid } = object.metadata;
		const currentUid = current.object.metadata.uid ?? '';
		if (resourceVersion && !/^\d+$/.test(resourceVersion)) {
			throw new StatusError(
				500,
				undefined,
				`strconv.ParseUint: parsing "${resourceVersion}": invalid syntax`,
			);
		}
		if (uid && uid !== currentUid) {
			throw conflict(
				this.#named(request),
				request.name,
				`StorageError: invalid object, Code: 4, Key: /registry/${request.kind.plural}/${current.key}, ResourceVersion: 0, AdditionalErrorMsg: Precondition failed: UID in precondition: ${uid}, UID in object meta: ${currentUid}`,
			);
		}
		if (resourceVersion && resourceVersion !== '0') {
			if (Number(resourceVersion) !== current.resourceVersion) {
				throw conflict(this.#named(request), request.name);
			}
		} else if (!unconditional) {
			throw invalid(this.#named(request), request.name, [
				invalidValue('metadata.resourceVersion', '0', 'must be specified for an update'),
			]);
		}
	}
}
