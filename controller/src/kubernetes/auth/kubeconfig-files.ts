// Reads kubeconfig files, merges them as kubectl does, and picks the cluster and the user of one context.
import { readFileSync } from 'node:fs';
import { dirname, resolve } from 'node:path';
import { loadAll, YAML11_SCHEMA, YAMLException } from 'js-yaml';
import { printable } from '../../util/printable.ts';
import {
	CLUSTER,
	type ClusterEntry,
	CONTEXT,
	FILE,
	KubeconfigFault,
	list,
	mapping,
	readFields,
	USER,
	type UserEntry,
} from './kubeconfig-fields.ts';

export type KubeconfigSource = {
	/** In order: the first file that holds a name, or a current context, decides it. */
	readonly files: readonly string[];
	/** A missing file is an error. Default: it is skipped, as kubectl skips missing files of KUBECONFIG. */
	readonly mustExist?: boolean;
	/** Default: the current context of the files. */
	readonly context?: string;
};

export type Selected = {
	readonly cluster: ClusterEntry;
	readonly user: UserEntry;
	/** Name of the user, for messages. */
	readonly userName: string;
	/** Resolves a path that the user's entry names. */
	readonly resolveForUser: (path: string) => string;
};

type Entry = { readonly value: unknown; readonly folder: string };
type Named = ReadonlyMap<string, Entry>;
type Layer = {
	readonly currentContext: string | undefined;
	readonly clusters: Named;
	readonly users: Named;
	readonly contexts: Named;
};

/** @throws KubeconfigFault */
export function selectFrom(source: KubeconfigSource): Selected {
	const layers = source.files.map(file => readLayer(file, source)).filter(layer => layer !== undefined);
	if (layers.length === 0) throw new KubeconfigFault('no such file exists');
	const merged = (kind: 'clusters' | 'users' | 'contexts'): Named =>
		new Map(layers.toReversed().flatMap(layer => [...layer[kind]]));
	const name = source.context ?? layers.map(layer => layer.currentContext).find(Boolean);
	if (name === undefined) throw new KubeconfigFault('no context is chosen: current-context is not set');

	const context = find(merged('contexts'), name, `there is no context "${printable(name, 64)}"`);
	const chosen = readFields(CONTEXT, context.value, `context "${printable(name, 64)}"`);
	const of = (kind: 'cluster' | 'user') => {
		const wanted = chosen[kind];
		const shown = printable(wanted ?? '', 64);
		if (wanted === undefined)
			throw new KubeconfigFault(`context "${printable(name, 64)}": it names no ${kind}`);
		const why = `there is no ${kind} "${shown}", which context "${printable(name, 64)}" names`;
		const entry = find(merged(`${kind}s`), wanted, why);
		return { entry, at: `${kind} "${shown}"`, in: (path: string) => resolve(entry.folder, path) };
	};
	const cluster = of('cluster');
	const user = of('user');
	return {
		cluster: readFields(CLUSTER, cluster.entry.value, cluster.at, cluster.in),
		user: readFields(USER, user.entry.value, user.at, user.in),
		userName: printable(chosen.user!, 64),
		resolveForUser: user.in,
	};
}

function find(entries: Named, name: string, otherwise: string): Entry {
	const entry = entries.get(name);
	if (entry === undefined) throw new KubeconfigFault(otherwise);
	return entry;
}

function readLayer(file: string, { mustExist = false }: KubeconfigSource): Layer | undefined {
	let content: string;
	try {
		content = readFileSync(file, 'utf8');
	} catch (error) {
		const { code } = error as NodeJS.ErrnoException;
		if (code === 'ENOENT' && !mustExist) return undefined;
		throw new KubeconfigFault(code === 'ENOENT' ? 'the file does not exist' : `reading "${file}": ${code}`);
	}
	const fields = readFields(FILE, parsed(content, file), `"${file}"`);
	if ((fields.apiVersion ?? 'v1') !== 'v1' || (fields.kind ?? 'Config') !== 'Config') {
		throw new KubeconfigFault(`"${file}": is not of apiVersion v1 and kind Config`);
	}
	const named = (kind: 'clusters' | 'users' | 'contexts', singular: string) => {
		const entries = new Map<string, Entry>();
		for (const [index, item] of list(fields[kind], `"${file}": ${kind}`).entries()) {
			const { name, [singular]: value } = mapping(item, `"${file}": ${kind}[${index}]`);
			if (typeof name !== 'string') {
				throw new KubeconfigFault(`"${file}": ${kind}[${index}]: it has no name that is text`);
			}
			if (entries.has(name)) {
				throw new KubeconfigFault(
					`"${file}": ${kind}: the name "${printable(name, 64)}" occurs more than once`,
				);
			}
			entries.set(name, { value, folder: dirname(resolve(file)) });
		}
		return entries;
	};
	return {
		currentContext: fields['current-context'],
		clusters: named('clusters', 'cluster'),
		users: named('users', 'user'),
		contexts: named('contexts', 'context'),
	};
}

/** The parser's own message is dropped: it can quote a token. */
function parsed(content: string, file: string): unknown {
	let documents: unknown[];
	try {
		documents = loadAll(content, { schema: YAML11_SCHEMA });
	} catch (error) {
		const mark = error instanceof YAMLException ? error.mark : undefined;
		const where = mark === undefined ? '' : `, see line ${mark.line + 1}`;
		throw new KubeconfigFault(`"${file}": is not valid YAML${where}`);
	}
	if (documents.length > 1) throw new KubeconfigFault(`"${file}": holds more than one YAML document`);
	return documents[0];
}
