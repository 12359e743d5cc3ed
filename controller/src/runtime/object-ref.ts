// The key of the workqueue: one namespaced object, as `namespace/name`.

export type ObjectRef = { readonly namespace: string; readonly name: string };

/** `namespace/name`; neither part can contain a slash. */
export type Key = string;

export const keyOf = (ref: ObjectRef): Key => `${ref.namespace}/${ref.name}`;

export function refOf(key: Key): ObjectRef {
	const slash = key.indexOf('/');
	return { namespace: key.slice(0, slash), name: key.slice(slash + 1) };
}
