// Content negotiation: which form of an answer an Accept header asks for.
import { StatusError } from '../objects/status.ts';

export type Shape = 'object' | 'metadata' | 'table';

const notAcceptable = (message: string): StatusError => new StatusError(406, 'NotAcceptable', message);

/** A media type with its parameters: `application/json;as=Table;g=meta.k8s.io;v=v1`. */
export type MediaType = { readonly type: string; readonly parameters: Readonly<Record<string, string>> };

/** The media types of an Accept header in their order. */
export const mediaTypes = (accept: string | undefined): MediaType[] =>
	(accept?.trim() || '*/*').split(',').map(clause => {
		const [type = '', ...rest] = clause.split(';').map(part => part.trim());
		const parameters = Object.fromEntries(rest.map(part => part.split('=', 2) as [string, string]));
		return { type, parameters };
	});

const isJson = (type: string): boolean => ['application/json', 'application/*', '*/*'].includes(type);

/**
 * The shape that an answer must have; `isList` where it is a list (a watch's objects are not). Throws 406 where
 * no clause can be met.
 */
export const negotiate = (accept: string | undefined, isList: boolean, kind: string): Shape => {
	for (const { type, parameters } of mediaTypes(accept)) {
		if (!isJson(type)) continue;
		const { as } = parameters;
		if (as === undefined) return 'object';
		if (parameters['g'] !== 'meta.k8s.io' || parameters['v'] !== 'v1') continue;
		if (as === 'Table') return 'table';
		if (as === 'PartialObjectMetadata' || as === 'PartialObjectMetadataList') {
			const wanted = as.endsWith('List');
			if (wanted === isList) return 'metadata';
			throw notAcceptable(
				wanted
					? `you requested ${as}, but the requested object is not a list (*core.${kind})`
					: `you requested ${as}, but the requested object is a list (*core.${kind}List)`,
			);
		}
	}
	throw notAcceptable(
		'406: Not Acceptable\n\nAvailable representations: application/json, application/yaml, application/vnd.kubernetes.protobuf',
	);
};
