// Subresources beside status: tokens of ServiceAccounts, the scale of workloads, and what needs a running container.
import { answerTokenRequest } from './auth/reviews.ts';
import type { Tokens } from './auth/tokens.ts';
import { applyPatch } from './objects/patch.ts';
import { isScalable, scaledObject, scaleOf } from './objects/scale.ts';
import { methodNotAllowed, notFound, StatusError, unknownResource } from './objects/status.ts';
import type { Storage } from './storage/storage.ts';
import type { Writer } from './storage/writer.ts';
import { type Resource, writeRequest } from './verbs.ts';
import { contentTypeOf, readBody } from './wire/body.ts';
import type { Exchange } from './wire/exchange.ts';

/** Needs a container that runs: nothing runs behind an embedded server. */
const NEED_CONTAINERS = new Set(['log', 'exec', 'attach', 'portforward', 'proxy', 'ephemeralcontainers']);

type Parts = { readonly storage: Storage; readonly writer: Writer; readonly tokens: Tokens };

/** Answers a request for a subresource other than status; throws 404 for one that is not known. */
export const answerSubresource = async (
	exchange: Exchange,
	resource: Resource,
	parts: Parts,
): Promise<void> => {
	const { kind } = resource;
	const { subresource, verb, name } = exchange.info;
	if (kind.kind === 'ServiceAccount' && subresource === 'token' && verb === 'create') {
		return answerTokenRequest(exchange, parts.tokens, await readBody(exchange, 'TokenRequest'));
	}
	if (isScalable(kind) && subresource === 'scale') {
		return answerScale(exchange, resource, parts);
	}
	if (kind.kind === 'Pod' && NEED_CONTAINERS.has(subresource)) {
		stored(exchange, resource, parts);
		const message = `pod "${name}" has no container to ask: the embedded API server stores objects and runs none`;
		throw new StatusError(400, 'BadRequest', message);
	}
	throw unknownResource();
};

const stored = ({ info }: Exchange, { kind, view }: Resource, { storage }: Parts) => {
	const object = storage.get(kind, info.namespace, info.name);
	if (!object) {
		throw notFound({ group: view.group, plural: kind.plural }, info.name);
	}
	return object;
};

const answerScale = async (exchange: Exchange, resource: Resource, parts: Parts): Promise<void> => {
	const { object } = stored(exchange, resource, parts);
	const scale = scaleOf(object);
	const { verb } = exchange.info;
	if (verb === 'get') {
		exchange.sendJson(200, scale);
		return;
	}
	if (verb !== 'update' && verb !== 'patch') {
		throw methodNotAllowed();
	}
	const body = await readBody(exchange, 'Scale');
	const wanted = verb === 'patch' ? applyPatch(contentTypeOf(exchange), scale, body) : body;
	const request = { ...writeRequest(exchange, resource), subresource: '' };
	const written = parts.writer.update(request, scaledObject(object, resource.view, wanted));
	exchange.sendJson(200, scaleOf(written.object.object));
};
