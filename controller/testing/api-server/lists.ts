// Lists: consistent pages, typed and metadata forms, and the tables that `kubectl get` prints.
import { goJson } from './encode.ts';
import type { Kind, View } from './kinds.ts';
import { encodePage, type ListOptions } from './list-options.ts';
import type { Shape } from './negotiate.ts';
import type { Selection } from './selectors.ts';
import { tooOldForList, tooOldToContinue, versionTooLarge } from './status.ts';
import type { Storage } from './storage.ts';
import type { StoredObject } from './stored-object.ts';

/** A page of a list. */
export type Page = {
	readonly items: readonly StoredObject[];
	readonly resourceVersion: number;
	readonly next: string | undefined;
	/** Told only where no selector narrows the list. */
	readonly remaining: number | undefined;
};

/** Takes a page. Throws 410 where history does not reach back, 504 for a version that is yet to come. */
export const takePage = (
	storage: Storage,
	kind: Kind,
	select: Selection,
	options: ListOptions,
	selected: boolean,
): Page => {
	const current = storage.resourceVersion;
	const { page, limit } = options;
	if (options.resourceVersion !== undefined && options.resourceVersion > current) {
		throw versionTooLarge(options.resourceVersion, current);
	}
	let version = current;
	if (page && page.rv > 0) version = page.rv;
	else if (options.exact && options.resourceVersion !== undefined) version = options.resourceVersion;
	const all = storage.listAt(kind, version);
	if (!all) throw page ? tooOldToContinue(encodePage({ rv: -1, start: page.start })) : tooOldForList();
	const matching = all.filter(object => select(object) && (!page || object.key >= page.start));
	const items = limit > 0 ? matching.slice(0, limit) : matching;
	const more = matching.length - items.length;
	return {
		items,
		resourceVersion: version,
		next: more > 0 ? encodePage({ rv: version, start: `${items.at(-1)!.key}\0` }) : undefined,
		remaining: more > 0 && !selected ? more : undefined,
	};
};

const comma = Buffer.from(',');

/** The body of a list answer. */
export const encodeList = (kind: Kind, view: View, shape: Shape, page: Page): Buffer => {
	const metadata = {
		resourceVersion: String(page.resourceVersion),
		...(page.next === undefined ? {} : { continue: page.next }),
		...(page.remaining === undefined ? {} : { remainingItemCount: page.remaining }),
	};
	if (shape === 'table') return encodeTable(kind, page.items, metadata);
	const [name, apiVersion] =
		shape === 'metadata'
			? ['PartialObjectMetadataList', 'meta.k8s.io/v1']
			: [`${kind.kind}List`, view.apiVersion];
	const head = `{"kind":"${name}","apiVersion":"${apiVersion}","metadata":${goJson(metadata)},"items":[`;
	const parts: Buffer[] = [Buffer.from(head)];
	for (const [index, object] of page.items.entries()) {
		if (index > 0) parts.push(comma);
		parts.push(object.encodeItem(shape === 'metadata' ? 'metadata' : view));
	}
	parts.push(Buffer.from(']}\n'));
	return Buffer.concat(parts);
};

const age = (created: string | undefined): string => {
	const seconds = Math.max(0, Math.round((Date.now() - Date.parse(created ?? '')) / 1000));
	if (seconds < 120) return `${seconds}s`;
	if (seconds < 7200) return `${Math.floor(seconds / 60)}m`;
	return seconds < 172_800 ? `${Math.floor(seconds / 3600)}h` : `${Math.floor(seconds / 86_400)}d`;
};

/** Objects as a Table with name, the kind's own columns, and age. */
export const encodeTable = (
	kind: Kind,
	items: readonly StoredObject[],
	metadata: Record<string, unknown>,
): Buffer => {
	const column = (name: string): Record<string, unknown> => ({
		name,
		type: 'string',
		format: name === 'Name' ? 'name' : '',
		description: name,
		priority: 0,
	});
	return Buffer.from(
		`${goJson({
			kind: 'Table',
			apiVersion: 'meta.k8s.io/v1',
			metadata,
			columnDefinitions: ['Name', ...kind.columns.map(([name]) => name), 'Age'].map(column),
			rows: items.map(item => ({
				cells: [
					item.name,
					...kind.columns.map(([, value]) => value(item.object)),
					age(item.object.metadata.creationTimestamp),
				],
				object: JSON.parse(item.encode('metadata').toString()),
			})),
		})}\n`,
	);
};
