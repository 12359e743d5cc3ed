// The way of one request: fault, authentication, authorization, then the verb on the resource.

import type { Authorizer } from './auth/rbac.ts';
import { answerReview } from './auth/reviews.ts';
import type { Tokens } from './auth/tokens.ts';
import { answerDiscovery, isGroup } from './discovery/discovery.ts';
import { resourceOf } from './objects/kinds.ts';
import { methodNotAllowed, StatusError, unauthorized, unknownResource } from './objects/status.ts';
import { answerSubresource } from './subresources.ts';
import { type VerbParts, Verbs } from './verbs.ts';
import { readBody } from './wire/body.ts';
import { goJson } from './wire/encode.ts';
import type { Exchange } from './wire/exchange.ts';
import { type Fault, statusOf } from './wire/faults.ts';

export type DispatcherParts = VerbParts & {
	readonly tokens: Tokens;
	readonly authorizer: Authorizer;
	/** `host:port`, as discovery tells it. */
	readonly address: () => string;
};

/** Answers exchanges; whatever goes wrong becomes a Status. */
export class Dispatcher {
	readonly #parts: DispatcherParts;

	readonly #verbs: Verbs;

	constructor(parts: DispatcherParts) {
		this.#parts = parts;
		this.#verbs = new Verbs(parts);
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
			return answerSubresource(exchange, resource, this.#parts);
		}
		const item = info.path.split('/').filter(Boolean).at(-1) !== info.resource || info.subresource !== '';
		switch (info.verb) {
			case 'get':
				return this.#verbs.get(exchange, resource);
			case 'list':
				return this.#verbs.list(exchange, resource);
			case 'watch':
				return this.#verbs.watch(exchange, resource);
			case 'create':
				if (item) throw methodNotAllowed();
				return this.#verbs.write(exchange, resource);
			case 'update':
			case 'patch':
				if (info.name === '') throw methodNotAllowed();
				return this.#verbs.write(exchange, resource);
			case 'delete':
				return this.#verbs.delete(exchange, resource);
			case 'deletecollection':
				return this.#verbs.deleteCollection(exchange, resource);
			default:
				throw methodNotAllowed();
		}
	}

	async #answerUnstored(exchange: Exchange): Promise<void> {
		const { info } = exchange;
		if (info.verb === 'create' && isGroup(info.group, info.version)) {
			if (answerReview(exchange, this.#parts, await readBody(exchange, info.resource))) return;
		}
		if (isGroup(info.group, info.version)) throw unknownResource();
		exchange.send(404, '404 page not found\n', { 'content-type': 'text/plain; charset=utf-8' });
	}
}
