// Request bodies: JSON, and protobuf where kubectl insists on it.

import { patchTypes } from '../objects/patch.ts';
import { badRequest, StatusError } from '../objects/status.ts';
import type { Exchange } from './exchange.ts';
import { decodeProtobuf } from './protobuf.ts';

/** The media type of a request's body, without parameters. */
export const contentTypeOf = (exchange: Exchange): string =>
	(exchange.request.headers['content-type'] ?? 'application/json').split(';')[0]!.trim();

const unknownFormat =
	'the body of the request was in an unknown format - accepted media types include: application/json, application/yaml, application/vnd.kubernetes.protobuf';

/**
 * Reads and parses the body; an empty one is `{}`. `kind` names what is expected. Throws 413, 415, or 400 for what
 * is no JSON.
 */
export const readBody = async (exchange: Exchange, kind: string): Promise<unknown> => {
	const bytes = await exchange.body();
	if (bytes.length === 0) return {};
	const type = contentTypeOf(exchange);
	if (exchange.info.verb === 'patch') {
		if (!patchTypes.includes(type)) {
			throw new StatusError(415, 'UnsupportedMediaType', '415: Unsupported Media Type', {});
		}
	} else if (type === 'application/vnd.kubernetes.protobuf') {
		const decoded = decodeProtobuf(bytes);
		if (decoded) return decoded;
		throw new StatusError(415, 'UnsupportedMediaType', unknownFormat);
	} else if (type !== 'application/json') throw new StatusError(415, 'UnsupportedMediaType', unknownFormat);
	const text = bytes.toString('utf8');
	try {
		return JSON.parse(text);
	} catch {
		throw badRequest(
			`the object provided is unrecognized (must be of type ${kind}): couldn't get version/kind; json parse error: unexpected end of JSON input (${text.slice(0, 32)})`,
		);
	}
};
