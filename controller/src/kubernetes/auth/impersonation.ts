// The headers by which a client acts as another user, as kubectl sends them.
import { KubeconfigFault, type UserEntry } from './kubeconfig-fields.ts';

/** Characters that stay as they are in the name of a header. All others are percent-encoded. */
const ALLOWED = /^[-!#$&'*+.^_`|~0-9a-z]$/;

/** Empty if the user acts as itself. @throws KubeconfigFault */
export function impersonation(user: UserEntry, at: string): Readonly<Record<string, readonly string[]>> {
	const { as, 'as-uid': uid, 'as-groups': groups = [], 'as-user-extra': extra = {} } = user;
	const extras = Object.entries(extra).filter(([, values]) => values.length > 0);
	if (as === undefined) {
		if (uid === undefined && groups.length === 0 && extras.length === 0) return {};
		throw new KubeconfigFault(`${at}: as-uid, as-groups and as-user-extra need as`);
	}
	return {
		'impersonate-user': [wire(as)],
		...(uid !== undefined && { 'impersonate-uid': [wire(uid)] }),
		...(groups.length > 0 && { 'impersonate-group': groups.map(wire) }),
		...Object.fromEntries(
			extras.map(([key, values]) => [`impersonate-extra-${escaped(key)}`, values.map(wire)]),
		),
	};
}

/** The bytes of UTF-8, one character for each: Node writes the characters of a header as bytes. */
const wire = (text: string) => Buffer.from(text).toString('latin1');

/** The key as part of the name of a header: lower case, percent-encoded. */
const escaped = (key: string) =>
	Array.from(Buffer.from(key.toLowerCase()), byte => {
		const character = String.fromCharCode(byte);
		return ALLOWED.test(character) ? character : `%${byte.toString(16).toUpperCase().padStart(2, '0')}`;
	}).join('');
