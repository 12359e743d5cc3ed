// The fields of a kubeconfig (clientcmd/v1), each with its type.
import { nearestName } from '../../util/nearest-name.ts';
import { printable } from '../../util/printable.ts';

/** `path` and `command` are relative to the folder of the file that holds them. */
type FieldType = 'text' | 'path' | 'command' | 'base64' | 'flag' | 'texts' | 'lists' | 'any';

/** Of clusters, users and plugins an unknown field is refused by name: it can decide who acts or who is trusted. */
export const CLUSTER = {
	server: 'text',
	'tls-server-name': 'text',
	'insecure-skip-tls-verify': 'flag',
	'certificate-authority': 'path',
	'certificate-authority-data': 'base64',
	'proxy-url': 'text',
	'disable-compression': 'flag',
	extensions: 'any',
} as const satisfies Fields;

export const USER = {
	'client-certificate': 'path',
	'client-certificate-data': 'base64',
	'client-key': 'path',
	'client-key-data': 'base64',
	token: 'text',
	tokenFile: 'path',
	as: 'text',
	'as-uid': 'text',
	'as-groups': 'texts',
	'as-user-extra': 'lists',
	username: 'text',
	password: 'text',
	'auth-provider': 'any',
	exec: 'any',
	extensions: 'any',
} as const satisfies Fields;

export const EXEC = {
	command: 'command',
	args: 'texts',
	env: 'any',
	apiVersion: 'text',
	installHint: 'text',
	provideClusterInfo: 'flag',
	interactiveMode: 'text',
} as const satisfies Fields;

export const EXEC_VARIABLE = { name: 'text', value: 'text' } as const satisfies Fields;

/** Unknown fields have no effect, as for kubectl: the JavaScript client writes some. */
export const CONTEXT = {
	cluster: 'text',
	user: 'text',
	namespace: 'text',
	extensions: 'any',
} as const satisfies Fields;

/** The top of a file. `preferences`, `extensions` and unknown fields have no effect, as for kubectl. */
export const FILE = {
	apiVersion: 'text',
	kind: 'text',
	'current-context': 'text',
	clusters: 'any',
	users: 'any',
	contexts: 'any',
	preferences: 'any',
	extensions: 'any',
} as const satisfies Fields;

const LENIENT: ReadonlySet<Fields> = new Set([CONTEXT, FILE]);

type Fields = Readonly<Record<string, FieldType>>;

type Value<T extends FieldType> = T extends 'flag'
	? boolean
	: T extends 'texts'
		? readonly string[]
		: T extends 'lists'
			? Readonly<Record<string, readonly string[]>>
			: T extends 'any'
				? unknown
				: string;

/** An empty text counts as absent, as it does for kubectl; base64 is decoded. */
export type Values<F extends Fields> = { readonly [Name in keyof F]?: Value<F[Name]> };

export type ClusterEntry = Values<typeof CLUSTER>;
export type UserEntry = Values<typeof USER>;
export type ExecEntry = Values<typeof EXEC>;

/** What is wrong with a kubeconfig; never quotes a value that can be a secret. */
export class KubeconfigFault extends Error {
	override readonly name = 'KubeconfigFault';
}

/** @throws KubeconfigFault that begins with `at` and names the field */
export function readFields<F extends Fields>(
	fields: F,
	written: unknown,
	at: string,
	resolve: (path: string) => string = path => path,
): Values<F> {
	const values: Record<string, unknown> = Object.create(null);
	for (const [name, value] of Object.entries(mapping(written, at))) {
		const type = Object.hasOwn(fields, name) ? fields[name] : undefined;
		if (type === undefined && LENIENT.has(fields)) continue;
		if (type === undefined) throw new KubeconfigFault(`${at}: ${unknownField(name, Object.keys(fields))}`);
		const read = readValue(type, value, `${at}: ${name}`);
		if (read === undefined || read === '') continue;
		const isPath = type === 'path' || (type === 'command' && String(read).includes('/'));
		values[name] = isPath ? resolve(String(read)) : read;
	}
	return values as Values<F>;
}

/** An object of own fields; nothing at all is an empty one. */
export function mapping(value: unknown, at: string): Readonly<Record<string, unknown>> {
	if (value === undefined || value === null) return {};
	if (typeof value !== 'object' || Array.isArray(value)) throw new KubeconfigFault(`${at}: is not a mapping`);
	return value as Record<string, unknown>;
}

export function list(value: unknown, at: string): readonly unknown[] {
	if (value === undefined || value === null) return [];
	if (!Array.isArray(value)) throw new KubeconfigFault(`${at}: is not a list`);
	return value;
}

function readValue(type: FieldType, value: unknown, at: string): unknown {
	if (value === null || value === undefined) return undefined;
	switch (type) {
		case 'any':
			return value;
		case 'flag':
			if (typeof value === 'boolean') return value;
			throw new KubeconfigFault(`${at}: must be true or false`);
		case 'texts':
			return list(value, at).map(item => text(item, at));
		case 'lists':
			return Object.fromEntries(
				Object.entries(mapping(value, at)).map(([key, items]) => [
					key,
					list(items, at).map(item => text(item, at)),
				]),
			);
		case 'base64':
			return decoded(text(value, at), at);
		default:
			return text(value, at);
	}
}

function text(value: unknown, at: string): string {
	if (typeof value === 'string') return value;
	throw new KubeconfigFault(
		`${at}: is not text${typeof value === 'object' ? '' : ' (put it in quotation marks)'}`,
	);
}

/** PEM as text. Line breaks are allowed, as kubectl allows them. */
function decoded(value: string, at: string): string {
	const compact = value.replace(/[\r\n]/g, '');
	const bytes = Buffer.from(compact, 'base64');
	if (bytes.toString('base64') !== compact) throw new KubeconfigFault(`${at}: is not base64`);
	return bytes.toString('latin1');
}

function unknownField(name: string, known: readonly string[]): string {
	const nearest = nearestName(name, known);
	const hint = nearest === undefined ? '' : `, did you mean "${nearest}"?`;
	return `unknown field "${printable(name, 64)}"${hint}`;
}
