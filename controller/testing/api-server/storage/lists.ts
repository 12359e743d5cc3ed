// Lists: consistent pages, in typed and metadata form.

import type { Kind, View } from '../objects/kinds.ts';
import { tooOldForList, tooOldToContinue, versionTooLarge } from '../objects/status.ts';
import type { StoredObject } from '../objects/stored-object.ts';
import { goJson } from '../wire/encode.ts';
import type { Shape } from '../wire/negotiate.ts';
import { encodePage, type ListOptions } from './list-options.ts';
import type { Selection } from './selectors.ts';
import type { Storage } from './storage.ts';

/** A page of a list. */
export type Page = {
	readonly items: readonly StoredObject[];
	/** Version, continuation, and the count of the rest where no selector narrows the list. */
	readonly metadata: Readonly<Record<string, string | number>>;
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
		metadata: {
			resourceVersion: String(version),
			...(more > 0 ? { continue: encodePage({ rv: version, start: `${items.at(-1)!.key}\0` }) } : {}),
			...(more > 0 && !selected ? { remainingItemCount: more } : {}),
		},
	};
};

const comma = Buffer.from(',');

/** The body of a list answer. */
export const encodeList = (kind: Kind, view: View, shape: Exclude<Shape, 'table'>, page: Page): Buffer => {
	const [name, apiVersion] =
		shape === 'metadata'
			? ['PartialObjectMetadataList', 'meta.k8s.io/v1']
			: [`${kind.kind}List`, view.apiVersion];
	const head = `{"kind":"${name}","apiVersion":"${apiVersion}","metadata":${goJson(page.metadata)},"items":[`;
	const parts: Buffer[] = [Buffer.from(head)];
	for (const [index, object] of page.items.entries()) {
		if (index > 0) parts.push(comma);
		parts.push(object.encodeItem(shape === 'metadata' ? 'metadata' : view));
	}
	parts.push(Buffer.from(']}\n'));
	return Buffer.concat(parts);
};
