// The API server's failures as Status objects, word for word as a kube-apiserver 1.37 answers them.
import type { Cause } from './object.ts';

export type StatusDetails = {
	name?: string;
	group?: string;
	kind?: string;
	uid?: string;
	causes?: Cause[];
	retryAfterSeconds?: number;
};

/** The wire shape of a Status; the key order is the one of the real server. */
export type StatusBody = {
	kind: 'Status';
	apiVersion: 'v1';
	metadata: { continue?: string };
	status: 'Failure' | 'Success';
	message?: string;
	reason?: string;
	details?: StatusDetails;
	code?: number;
};

/** Names a resource the way Status details and messages do. */
export type Named = { group: string; plural: string };

/** A request that ends in a Status; thrown anywhere below the dispatcher. */
export class StatusError extends Error {
	readonly code: number;
	readonly body: StatusBody;

	constructor(
		code: number,
		reason: string | undefined,
		message: string,
		details?: StatusDetails,
		metadata: StatusBody['metadata'] = {},
	) {
		super(message);
		this.code = code;
		this.body = {
			kind: 'Status',
			apiVersion: 'v1',
			metadata,
			status: 'Failure',
			message,
			...(reason === undefined ? {} : { reason }),
			...(details === undefined ? {} : { details }),
			code,
		};
	}
}

const qualified = ({ group, plural }: Named): string => (group === '' ? plural : `${plural}.${group}`);
const detailsOf = ({ group, plural }: Named, name?: string, causes?: Cause[]): StatusDetails => ({
	...(name ? { name } : {}),
	...(group === '' ? {} : { group }),
	kind: plural,
	...(causes ? { causes } : {}),
});

export const badRequest = (message: string): StatusError => new StatusError(400, 'BadRequest', message);

export const unauthorized = (): StatusError => new StatusError(401, 'Unauthorized', 'Unauthorized');

export const forbidden = (resource: Named, name: string, why: string, causes?: Cause[]): StatusError =>
	new StatusError(
		403,
		'Forbidden',
		`${qualified(resource)}${name === '' ? '' : ` "${name}"`} is forbidden: ${why}`,
		detailsOf(resource, name, causes),
	);

export const notFound = (resource: Named, name: string): StatusError =>
	new StatusError(404, 'NotFound', `${qualified(resource)} "${name}" not found`, detailsOf(resource, name));

export const unknownResource = (): StatusError =>
	new StatusError(404, 'NotFound', 'the server could not find the requested resource', {});

export const methodNotAllowed = (): StatusError =>
	new StatusError(
		405,
		'MethodNotAllowed',
		'the server does not allow this method on the requested resource',
		{},
	);

export const alreadyExists = (resource: Named, name: string): StatusError =>
	new StatusError(
		409,
		'AlreadyExists',
		`${qualified(resource)} "${name}" already exists`,
		detailsOf(resource, name),
	);

/** A lost race; without `why` the text of a stale resourceVersion. */
export const conflict = (resource: Named, name: string, why?: string): StatusError =>
	new StatusError(
		409,
		'Conflict',
		`Operation cannot be fulfilled on ${qualified(resource)} "${name}": ${
			why ?? 'the object has been modified; please apply your changes to the latest version and try again'
		}`,
		detailsOf(resource, name),
	);

/** A failed validation; `plural` is the kind (`Secret`) in most answers of the real server. */
export const invalid = (resource: Named, name: string, causes: readonly Cause[]): StatusError => {
	const texts = causes.map(cause => `${cause.field}: ${cause.message}`);
	const all = texts.length === 1 ? texts[0] : `[${texts.join(', ')}]`;
	return new StatusError(
		422,
		'Invalid',
		`${qualified(resource)} "${name}" is invalid: ${all}`,
		detailsOf(resource, name, [...causes]),
	);
};

export const tooOldForWatch = (): StatusError =>
	new StatusError(410, 'Expired', 'The resourceVersion for the provided watch is too old.');

export const tooOldForList = (): StatusError =>
	new StatusError(410, 'Expired', 'The resourceVersion for the provided list is too old.');

/** A page token whose snapshot is gone; `fresh` continues inconsistently. */
export const tooOldToContinue = (fresh: string): StatusError =>
	new StatusError(
		410,
		'Expired',
		'The provided continue parameter is too old to display a consistent list result. You can start a new list without the continue parameter, or use the continue token in this response to retrieve the remainder of the results. Continuing with the provided token results in an inconsistent list - objects that were created, modified, or deleted between the time the first chunk was returned and now may show up in the list.',
		undefined,
		{ continue: fresh },
	);

export const versionTooLarge = (asked: number, current: number): StatusError =>
	new StatusError(504, 'Timeout', `Timeout: Too large resource version: ${asked}, current: ${current}`, {
		causes: [{ reason: 'ResourceVersionTooLarge', message: 'Too large resource version' }],
		retryAfterSeconds: 1,
	});

/** What a delete of most kinds answers. */
export const deleted = (resource: Named, name: string, uid: string): StatusBody => ({
	kind: 'Status',
	apiVersion: 'v1',
	metadata: {},
	status: 'Success',
	details: { ...detailsOf(resource, name), uid },
});

export const invalidValue = (field: string, value: string, why: string): Cause => ({
	reason: 'FieldValueInvalid',
	message: `Invalid value: ${value}: ${why}`,
	field,
});
export const requiredValue = (field: string, why?: string): Cause => ({
	reason: 'FieldValueRequired',
	message: why === undefined ? 'Required value' : `Required value: ${why}`,
	field,
});
export const forbiddenField = (field: string, why: string): Cause => ({
	reason: 'FieldValueForbidden',
	message: `Forbidden: ${why}`,
	field,
});

/** A text as Go prints it within a message. */
export const quoted = (text: string): string => JSON.stringify(text);

export const tooLong = (field: string, limit: number): Cause => ({
	reason: 'FieldValueTooLong',
	message: `Too long: may not be more than ${limit} bytes`,
	field,
});
