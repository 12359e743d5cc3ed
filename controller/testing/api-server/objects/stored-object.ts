// One immutable version of an object, with its wire forms encoded once and shared by every reader.
import { encodeMetadata, encodeObject } from '../wire/encode.ts';
import type { Kind, View } from './kinds.ts';
import type { KubeObject } from './object.ts';

/** How a reader wants objects: whole in one of the kind's API groups, or their metadata. */
export type Form = View | 'metadata';

export type EventType = 'ADDED' | 'MODIFIED' | 'DELETED' | 'BOOKMARK';

/** `object` is never changed after construction: a new version is a new instance. */
export class StoredObject {
	readonly kind: Kind;
	readonly object: KubeObject;
	readonly resourceVersion: number;
	readonly name: string;
	readonly namespace: string;
	readonly #forms = new Map<Form, Buffer>();
	#fields: Readonly<Record<string, string>> | undefined;

	constructor(kind: Kind, object: KubeObject, resourceVersion: number) {
		this.kind = kind;
		this.object = object;
		this.resourceVersion = resourceVersion;
		this.name = object.metadata.name ?? '';
		this.namespace = object.metadata.namespace ?? '';
	}

	/** Sort key and identity within the kind. */
	get key(): string {
		return this.kind.namespaced ? `${this.namespace}/${this.name}` : this.name;
	}

	/** The values that field selectors see. */
	get fields(): Readonly<Record<string, string>> {
		this.#fields ??= {
			'metadata.name': this.name,
			'metadata.namespace': this.namespace,
			...this.kind.selectable(this.object),
		};
		return this.#fields;
	}

	encode(form: Form): Buffer {
		let bytes = this.#forms.get(form);
		if (bytes === undefined) {
			bytes = Buffer.from(
				form === 'metadata'
					? encodeMetadata(this.object.metadata)
					: encodeObject(
							this.kind.kind,
							form.apiVersion,
							form.fields,
							form.fromStorage ? form.fromStorage(this.object) : this.object,
						),
			);
			this.#forms.set(form, bytes);
		}
		return bytes;
	}

	/** The object as an item of a list: typed lists omit kind and version of their items, metadata lists do not. */
	encodeItem(form: Form): Buffer {
		const bytes = this.encode(form);
		if (form === 'metadata') return bytes;
		const prefix = `{"kind":"${this.kind.kind}","apiVersion":"${form.apiVersion}",`.length;
		return Buffer.concat([Buffer.from('{'), bytes.subarray(prefix)]);
	}

	/** The same object as of another resourceVersion: what a deletion sends. */
	at(resourceVersion: number): StoredObject {
		const metadata = { ...this.object.metadata, resourceVersion: String(resourceVersion) };
		return new StoredObject(this.kind, { ...this.object, metadata }, resourceVersion);
	}
}

const heads: Readonly<Record<EventType, Buffer>> = {
	ADDED: Buffer.from('{"type":"ADDED","object":'),
	MODIFIED: Buffer.from('{"type":"MODIFIED","object":'),
	DELETED: Buffer.from('{"type":"DELETED","object":'),
	BOOKMARK: Buffer.from('{"type":"BOOKMARK","object":'),
};
const lineEnd = Buffer.from('}\n');

/** One line of a watch stream; `object` is encoded already. */
export const watchLine = (type: EventType, object: Buffer): Buffer =>
	Buffer.concat([heads[type], object, lineEnd]);

/** The object of a bookmark: one of the watched kind that has nothing but a resourceVersion. */
export const bookmarkObject = (
	kind: Kind,
	resourceVersion: number,
	endsInitialEvents: boolean,
): StoredObject => {
	const metadata = {
		resourceVersion: String(resourceVersion),
		...(endsInitialEvents ? { annotations: { 'k8s.io/initial-events-end': 'true' } } : {}),
	};
	return new StoredObject(kind, { metadata, ...kind.emptyFields }, resourceVersion);
};
