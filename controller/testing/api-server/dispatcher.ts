// The way of one request: fault, authentication, authorization, then the verb on the resource.
import { contentTypeOf, readBody } from './body.ts';
import { answerDiscovery, isGroup } from './discovery.ts';
import { goJson } from './encode.ts';
import type { Exchange } from './exchange.ts';
import { type Fault, type Faults, statusOf } from './faults.ts';
import { type Kind, resourceOf, type View } from './kinds.ts';
import { listOptions, watchOptions } from './list-options.ts';
import { encodeList, encodeTable, takePage } from './lists.ts';
import { negotiate } from './negotiate.ts';
import { isRecord } from './object.ts';
import type { Authorizer } from './rbac.ts';
import type { Preconditions, Remover } from './remover.ts';
import { answerReview, answerTokenRequest } from './reviews.ts';
import { type Selection, selection } from './selectors.ts';
import {
	deleted,
	invalid,
	methodNotAllowed,
	notFound,
	StatusError,
	unauthorized,
	unknownResource,
} from './status.ts';
import type { Storage } from './storage.ts';
import type { StoredObject } from './stored-object.ts';
import type { Tokens } from './tokens.ts';
import type { Watches } from './watch.ts';
import type { WriteRequest, Writer } from './writer.ts';

export type DispatcherParts = {
	readonly storage: Storage;
	readonly tokens: Tokens;
	readonly authorizer: Authorizer;
	readonly writer: Writer;
	readonly remover: Remover;
	readonly watches: Watches;
	readonly faults: Faults;
	/** `host:port`, as discovery tells it. */
	readonly address: () => string;
};

type Resource = { readonly kind: Kind; readonly view: View };

/** Answers exchanges; whatever goes wrong becomes a Status. */
export class Dispatcher {
	readonly #parts: DispatcherParts;

	constructor(parts: DispatcherParts) {
		this.#parts = parts;
	}

	async handle(exchange: Exchange): Promise<void> {
		try {
			const fault = this.#parts.faults.take(exchange.entry);
			if (fault && !(await this.#suffer(exchange, fault))) return;
			await this.#answer(exchange);
		} catch (error) {
			if (error instanceof StatusError) {
				// The real server pretty-prints what it cannot negotiate.
				if (error.code === 406) exchange.pretty = true;
				exchange.sendStatus(error.body);
			} else if (!exchange.closed) {
				const message = error instanceof Error ? (error.stack ?? error.message) : String(error);
				exchange.sendStatus(new StatusError(500, 'InternalError', `embedded API server: ${message}`).body);
			}
		}
	}

	/** Applies a fault; false where nothing is left to answer. */
	async #suffer(exchange: Exchange, fault: Fault): Promise<boolean> {
		if (fault.delayMs !== undefined) await new Promise(resolve => setTimeout(resolve, fault.delayMs));
		if (fault.drop === 'before') exchange.destroyConnection();
		if (fault.hang || fault.drop === 'before') return false;
		exchange.dropAnswer = fault.drop === 'after';
		if (fault.cutAfterBytes !== undefined) exchange.cutAfterBytes = fault.cutAfterBytes;
		const { answer } = fault;
		if (!answer) return true;
		await exchange.body().catch(() => undefined);
		const { body, code } = statusOf(answer);
		const retry =
			answer.retryAfterSeconds === undefined ? {} : { 'retry-after': String(answer.retryAfterSeconds) };
		exchange.send(code, answer.body ?? `${goJson(body)}\n`, { ...retry, ...answer.headers });
		return false;
	}

	async #answer(exchange: Exchange): Promise<void> {
		const { info } = exchange;
		const { tokens, authorizer, faults } = this.#parts;
		const { headers } = exchange.request;
		const caller = tokens.authenticate(headers.authorization);
		if (!caller) throw unauthorized();
		const groups = [headers['impersonate-group'] ?? []].flat();
		const user = tokens.impersonate(caller, headers['impersonate-user']?.toString(), groups);
		exchange.user = user;
		exchange.pretty = faults.prettyPrint || /^(curl|Wget|Mozilla\/5\.0)/.test(exchange.entry.userAgent);
		authorizer.check(user, info);
		if (!info.isResource) {
			if (info.method !== 'GET') throw methodNotAllowed();
			if (!answerDiscovery(exchange, this.#parts.address())) {
				exchange.send(404, '404 page not found\n', { 'content-type': 'text/plain; charset=utf-8' });
			}
			return;
		}
		const resource = resourceOf(info.group, info.version, info.resource);
		if (!resource) return this.#answerUnstored(exchange);
		if (info.subresource !== '' && !(info.subresource === 'status' && resource.kind.status)) {
			if (resource.kind.kind === 'ServiceAccount' && info.subresource === 'token' && info.verb === 'create') {
				return answerTokenRequest(exchange, tokens, await readBody(exchange, 'TokenRequest'));
			}
			throw unknownResource();
		}
		const item = info.path.split('/').filter(Boolean).at(-1) !== info.resource || info.subresource !== '';
		switch (info.verb) {
			case 'get':
				return this.#get(exchange, resource);
			case 'list':
				return this.#list(exchange, resource);
			case 'watch':
				return this.#watch(exchange, resource);
			case 'create':
				if (item) throw methodNotAllowed();
				return this.#write(exchange, resource);
			case 'update':
			case 'patch':
				if (info.name === '') throw methodNotAllowed();
				return this.#write(exchange, resource);
			case 'delete':
				return this.#delete(exchange, resource);
			case 'deletecollection':
				return this.#deleteCollection(exchange, resource);
			default:
				throw methodNotAllowed();
		}
	}

	async #answerUnstored(exchange: Exchange): Promise<void> {
		const { info } = exchange;
		if (info.verb === 'create') {
			if (answerReview(exchange, this.#parts, await readBody(exchange, info.resource))) return;
		}
		if (isGroup(info.group, info.version)) throw unknownResource();
		exchange.send(404, '404 page not found\n', { 'content-type': 'text/plain; charset=utf-8' });
	}

	#send(exchange: Exchange, status: number, { view, kind }: Resource, object: StoredObject): void {
		const shape = negotiate(exchange.request.headers.accept, false, kind.kind);
		if (shape === 'table') {
			exchange.send(status, encodeTable(kind, [object], { resourceVersion: String(object.resourceVersion) }));
		} else
			exchange.send(
				status,
				Buffer.concat([object.encode(shape === 'metadata' ? 'metadata' : view), newline]),
			);
	}

	#get(exchange: Exchange, resource: Resource): void {
		const { kind, view } = resource;
		const { namespace, name } = exchange.info;
		const object = this.#parts.storage.get(kind, namespace, name);
		if (!object) throw notFound({ group: view.group, plural: kind.plural }, name);
		this.#send(exchange, 200, resource, object);
	}

	#selection(exchange: Exchange, { kind }: Resource): { select: Selection; selected: boolean } {
		const { query, namespace } = exchange.info;
		const [labels, fields] = [query.get('labelSelector') ?? '', query.get('fieldSelector') ?? ''];
		const scope = kind.namespaced ? namespace : '';
		return { select: selection(kind, scope, labels, fields), selected: labels !== '' || fields !== '' };
	}

	#list(exchange: Exchange, resource: Resource): void {
		const { kind, view } = resource;
		const shape = negotiate(exchange.request.headers.accept, true, kind.kind);
		const { select, selected } = this.#selection(exchange, resource);
		const page = takePage(this.#parts.storage, kind, select, listOptions(exchange.info.query), selected);
		exchange.send(200, encodeList(kind, view, shape, page));
	}

	#watch(exchange: Exchange, resource: Resource): void {
		const { kind, view } = resource;
		const shape = negotiate(exchange.request.headers.accept, false, kind.kind);
		const { select } = this.#selection(exchange, resource);
		this.#parts.watches.start({
			exchange,
			kind,
			form: shape === 'metadata' ? 'metadata' : view,
			select,
			options: watchOptions(exchange.info.query, this.#parts.faults.watchList),
			stalled: this.#parts.faults.stalls(exchange),
		});
	}

	async #write(exchange: Exchange, resource: Resource): Promise<void> {
		const { info, user } = exchange;
		const { writer } = this.#parts;
		const manager = info.query.get('fieldManager') || exchange.entry.userAgent.split('/')[0] || 'unknown';
		const request: WriteRequest = {
			...resource,
			namespace: resource.kind.namespaced ? info.namespace : '',
			name: info.name,
			subresource: info.subresource,
			user,
			manager,
			dryRun: dryRun(info.query, info.verb),
			strict: info.query.get('fieldValidation') === 'Strict',
		};
		const body = await readBody(exchange, resource.kind.kind);
		const written =
			info.verb === 'create'
				? writer.create(request, body)
				: info.verb === 'patch'
					? writer.patch(request, contentTypeOf(exchange), body)
					: writer.update(request, body);
		if (info.query.get('fieldValidation') !== 'Ignore') {
			for (const field of written.unknownFields) exchange.warn(`unknown field "${field}"`);
		}
		this.#send(exchange, written.created ? 201 : 200, resource, written.object);
	}

	async #delete(exchange: Exchange, resource: Resource): Promise<void> {
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
			dryRun: dryRun(query, 'delete') || (isRecord(options) && Array.isArray(options['dryRun'])),
			preconditions,
		});
		if (gone && !kind.answersDeleted) {
			const uid = object.object.metadata.uid ?? '';
			exchange.sendStatus(deleted({ group: view.group, plural: kind.plural }, name, uid));
		} else this.#send(exchange, 200, resource, object);
	}

	async #deleteCollection(exchange: Exchange, resource: Resource): Promise<void> {
		const { kind, view } = resource;
		if (kind.kind === 'Namespace') throw methodNotAllowed();
		await exchange.body();
		const shape = negotiate(exchange.request.headers.accept, true, kind.kind);
		const { select, selected } = this.#selection(exchange, resource);
		const { query } = exchange.info;
		const page = takePage(this.#parts.storage, kind, select, listOptions(query), selected);
		for (const { namespace, name } of page.items) {
			this.#parts.remover.remove({
				kind,
				group: view.group,
				namespace,
				name,
				dryRun: dryRun(query, 'delete'),
			});
		}
		exchange.send(200, encodeList(kind, view, shape, page));
	}
}

const newline = Buffer.from('\n');

const dryRun = (query: URLSearchParams, verb: string): boolean => {
	const asked = query.getAll('dryRun');
	if (asked.length === 0) return false;
	if (asked.every(value => value === 'All')) return true;
	const kind = `${verb === 'create' ? 'Create' : verb === 'update' ? 'Update' : verb === 'patch' ? 'Patch' : 'Delete'}Options`;
	throw invalid({ group: 'meta.k8s.io', plural: kind }, '', [
		{
			reason: 'FieldValueNotSupported',
			message: `Unsupported value: ${JSON.stringify(asked)}: supported values: "All"`,
			field: 'dryRun',
		},
	]);
};
