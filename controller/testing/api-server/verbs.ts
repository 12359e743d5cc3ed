// The verbs on stored resources: get, list, watch, the writes and the deletions, each answered in the form asked for.
import type { Kind, View } from './objects/kinds.ts';
import { isRecord } from './objects/object.ts';
import { deleted, invalid, methodNotAllowed, notFound } from './objects/status.ts';
import type { Form, StoredObject } from './objects/stored-object.ts';
import { listOptions, watchOptions } from './storage/list-options.ts';
import { encodeList, type Page, takePage } from './storage/lists.ts';
import type { Preconditions, Remover } from './storage/remover.ts';
import { type Selection, selection } from './storage/selectors.ts';
import type { Storage } from './storage/storage.ts';
import type { Watches } from './storage/watch.ts';
import type { WriteRequest, Writer } from './storage/writer.ts';
import { encodeTable, includedForm } from './tables/table.ts';
import { contentTypeOf, readBody } from './wire/body.ts';
import type { Exchange } from './wire/exchange.ts';
import type { Faults } from './wire/faults.ts';
import { negotiate } from './wire/negotiate.ts';

export type VerbParts = {
	readonly storage: Storage;
	readonly writer: Writer;
	readonly remover: Remover;
	readonly watches: Watches;
	readonly faults: Faults;
	readonly now: () => Date;
};

/** A kind as a URL names it. */
export type Resource = { readonly kind: Kind; readonly view: View };

const newline = Buffer.from('\n');

/** What a request writes, without its body. */
export const writeRequest = ({ info, user, entry }: Exchange, { kind, view }: Resource): WriteRequest => ({
	kind,
	view,
	namespace: kind.namespaced ? info.namespace : '',
	name: info.name,
	subresource: info.subresource,
	user,
	manager: info.query.get('fieldManager') || entry.userAgent.split('/')[0] || 'unknown',
	dryRun: isDryRun(info.query, info.verb),
	strict: info.query.get('fieldValidation') === 'Strict',
});

const isDryRun = (query: URLSearchParams, verb: string): boolean => {
	const asked = query.getAll('dryRun');
	if (asked.length === 0) {
		return false;
	}
	if (asked.every(value => value === 'All')) {
		return true;
	}
	const kind = `${verb === 'create' ? 'Create' : verb === 'update' ? 'Update' : verb === 'patch' ? 'Patch' : 'Delete'}Options`;
	throw invalid({ group: 'meta.k8s.io', plural: kind }, '', [
		{
			reason: 'FieldValueNotSupported',
			message: `Unsupported value: ${JSON.stringify(asked)}: supported values: "All"`,
			field: 'dryRun',
		},
	]);
};

/** Answers one verb on one resource. Every failure is thrown as a StatusError. */
export class Verbs {
	readonly #parts: VerbParts;

	constructor(parts: VerbParts) {
		this.#parts = parts;
	}

	get(exchange: Exchange, resource: Resource): void {
		const { kind, view } = resource;
		const { namespace, name } = exchange.info;
		const object = this.#parts.storage.get(kind, namespace, name);
		if (!object) {
			throw notFound({ group: view.group, plural: kind.plural }, name);
		}
		this.#sendObject(exchange, 200, resource, object);
	}

	list(exchange: Exchange, resource: Resource): void {
		this.#sendPage(exchange, resource, this.#page(exchange, resource));
	}

	watch(exchange: Exchange, resource: Resource): void {
		const { kind, view } = resource;
		const { faults, watches } = this.#parts;
		const shape = negotiate(exchange.request.headers.accept, false, kind.kind);
		const { select } = this.#selection(exchange, resource);
		const form = shape === 'metadata' ? 'metadata' : view;
		watches.start({
			exchange,
			kind,
			form,
			...(shape === 'table' ? { encode: this.#tableEncoder(exchange, kind, view) } : {}),
			select,
			options: watchOptions(exchange.info.query, faults.watchList),
			stalled: faults.stalls(exchange),
		});
	}

	async write(exchange: Exchange, resource: Resource): Promise<void> {
		const { info } = exchange;
		const { writer } = this.#parts;
		const request = writeRequest(exchange, resource);
		const body = await readBody(exchange, resource.kind.kind);
		const written =
			info.verb === 'create'
				? writer.create(request, body)
				: info.verb === 'patch'
					? writer.patch(request, contentTypeOf(exchange), body)
					: writer.update(request, body);
		if (info.query.get('fieldValidation') !== 'Ignore') {
			for (const field of written.unknownFields) {
				exchange.warn(`unknown field "${field}"`);
			}
		}
		this.#sendObject(exchange, written.created ? 201 : 200, resource, written.object);
	}

	async delete(exchange: Exchange, resource: Resource): Promise<void> {
		const { kind, view } = resource;
		const { namespace, name, query } = exchange.info;
		const options = await readBody(exchange, 'DeleteOptions');
		const preconditions = isRecord(options)
			? (options['preconditions'] as Preconditions | undefined)
			: undefined;
		const { object, gone } = this.#parts.remover.remove({
			kind,
			group: view.group,
			namespace: kind.namespaced ? namespace : '',
			name,
			dryRun: isDryRun(query, 'delete') || (isRecord(options) && Array.isArray(options['dryRun'])),
			preconditions,
		});
		if (gone && !kind.answersDeleted) {
			const uid = object.object.metadata.uid ?? '';
			exchange.sendStatus(deleted({ group: view.group, plural: kind.plural }, name, uid));
		} else {
			this.#sendObject(exchange, 200, resource, object);
		}
	}

	async deleteCollection(exchange: Exchange, resource: Resource): Promise<void> {
		const { kind, view } = resource;
		if (kind.kind === 'Namespace') {
			throw methodNotAllowed();
		}
		await exchange.body();
		const page = this.#page(exchange, resource);
		for (const { namespace, name } of page.items) {
			this.#parts.remover.remove({
				kind,
				group: view.group,
				namespace,
				name,
				dryRun: isDryRun(exchange.info.query, 'delete'),
			});
		}
		this.#sendPage(exchange, resource, page);
	}

	#selection(exchange: Exchange, { kind }: Resource): { select: Selection; selected: boolean } {
		const { query, namespace } = exchange.info;
		const [labels, fields] = [query.get('labelSelector') ?? '', query.get('fieldSelector') ?? ''];
		const scope = kind.namespaced ? namespace : '';
		return { select: selection(kind, scope, labels, fields), selected: labels !== '' || fields !== '' };
	}

	#page(exchange: Exchange, resource: Resource): Page {
		const { select, selected } = this.#selection(exchange, resource);
		return takePage(this.#parts.storage, resource.kind, select, listOptions(exchange.info.query), selected);
	}

	#sendPage(exchange: Exchange, { kind, view }: Resource, page: Page): void {
		const { query } = exchange.info;
		const shape = negotiate(exchange.request.headers.accept, true, kind.kind);
		if (shape === 'table') {
			const included = includedForm(query, view);
			exchange.send(
				200,
				`${encodeTable(kind, page.items, page.metadata, { included, now: this.#parts.now() })}\n`,
			);
		} else {
			exchange.send(200, encodeList(kind, view, shape, page));
		}
	}

	#sendObject(exchange: Exchange, status: number, { view, kind }: Resource, object: StoredObject): void {
		const shape = negotiate(exchange.request.headers.accept, false, kind.kind);
		const bytes =
			shape === 'table'
				? this.#tableEncoder(exchange, kind, view)(object)
				: object.encode(shape === 'metadata' ? 'metadata' : view);
		exchange.send(status, Buffer.concat([bytes, newline]));
	}

	/** Encodes objects as tables of one row; only the first table defines the columns. */
	#tableEncoder(exchange: Exchange, kind: Kind, view: View): (object: StoredObject) => Buffer {
		const included: Form | undefined = includedForm(exchange.info.query, view);
		let defineColumns = true;
		return object => {
			const { resourceVersion = '' } = object.object.metadata;
			const options = { included, now: this.#parts.now(), defineColumns };
			defineColumns = false;
			return Buffer.from(encodeTable(kind, [object], { resourceVersion }, options));
		};
	}
}
