// The options of list and watch requests, with the real server's refusals of impossible combinations.

import type { Cause } from '../objects/object.ts';
import { badRequest, forbiddenField, invalid, StatusError } from '../objects/status.ts';
import type { WatchListSupport } from '../wire/faults.ts';

/** Where a page ended: `start` is exclusive of everything up to it; `rv` -1 means "whatever is current". */
export type PageToken = { readonly rv: number; readonly start: string };

export type ListOptions = {
	readonly limit: number;
	readonly page: PageToken | undefined;
	/** `undefined`: the most recent. */
	readonly resourceVersion: number | undefined;
	readonly exact: boolean;
};

export type WatchOptions = {
	/** `undefined`: not given. */
	readonly resourceVersion: number | undefined;
	readonly sendInitialEvents: boolean | undefined;
	readonly bookmarks: boolean;
	readonly timeoutSeconds: number | undefined;
};

const invalidOptions = (causes: Cause[]): StatusError =>
	invalid({ group: 'meta.k8s.io', plural: 'ListOptions' }, '', causes);

const matchField = 'resourceVersionMatch';

const integer = (query: URLSearchParams, name: string): number | undefined => {
	const text = query.get(name);
	if (text === null || text === '') return undefined;
	if (!/^-?\d+$/.test(text)) throw badRequest(`strconv.ParseInt: parsing "${text}": invalid syntax`);
	return Number(text);
};

const notAVersion = (text: string): string =>
	`resourceVersion: Invalid value: "${text}": strconv.ParseUint: parsing "${text}": invalid syntax`;

const truth = (query: URLSearchParams, name: string): boolean | undefined => {
	const text = query.get(name);
	return text === null || text === '' ? undefined : text !== 'false' && text !== '0';
};

/** The opaque continue token. */
export const encodePage = (page: PageToken): string =>
	Buffer.from(JSON.stringify({ v: 'meta.k8s.io/v1', ...page })).toString('base64url');

const decodePage = (text: string): PageToken => {
	let token: unknown;
	try {
		token = JSON.parse(Buffer.from(text, 'base64url').toString());
	} catch {
		throw badRequest('invalid continue token: continue key is not valid: it is no JSON');
	}
	const { rv, start } = (token ?? {}) as Partial<PageToken>;
	if (typeof rv !== 'number' || typeof start !== 'string') {
		throw badRequest('invalid continue token: continue key is not valid: encoded start key empty');
	}
	return { rv, start };
};

/** Parses the query of a list. */
export const listOptions = (query: URLSearchParams): ListOptions => {
	const limit = integer(query, 'limit') ?? 0;
	const version = query.get('resourceVersion') ?? '';
	const match = query.get(matchField) ?? '';
	const continued = query.get('continue') ?? '';
	if (match !== '') {
		const causes: Cause[] = [];
		if (version === '') {
			causes.push(
				forbiddenField(matchField, 'resourceVersionMatch is forbidden unless resourceVersion is provided'),
			);
		}
		if (continued !== '') {
			causes.push(forbiddenField(matchField, 'resourceVersionMatch is forbidden when continue is provided'));
		}
		if (match === 'Exact' && version === '0') {
			causes.push(
				forbiddenField(matchField, 'resourceVersionMatch "exact" is forbidden for resourceVersion "0"'),
			);
		}
		if (causes.length > 0) throw invalidOptions(causes);
	}
	if (continued !== '' && version !== '' && version !== '0') {
		throw badRequest('specifying resource version is not allowed when using continue');
	}
	if (version !== '' && !/^\d+$/.test(version))
		throw badRequest(`invalid resource version: ${notAVersion(version)}`);
	return {
		// From the cache ("0") a list is whole, whatever the limit.
		limit: version === '0' && match === '' ? 0 : Math.max(0, limit),
		page: continued === '' ? undefined : decodePage(continued),
		resourceVersion: version === '' || version === '0' ? undefined : Number(version),
		exact: match === 'Exact' || (match === '' && limit > 0 && version !== '' && version !== '0'),
	};
};

/** Parses the query of a watch under what the server supports. */
export const watchOptions = (query: URLSearchParams, support: WatchListSupport): WatchOptions => {
	const version = query.get('resourceVersion') ?? '';
	const match = query.get(matchField) ?? '';
	const asked = truth(query, 'sendInitialEvents');
	const causes: Cause[] = [];
	if (support === 'unknown') {
		// Before 1.27 sendInitialEvents is no option at all, hence ignored.
		if (match !== '') {
			causes.push(forbiddenField(matchField, 'resourceVersionMatch is forbidden for watch'));
			if (version === '') {
				causes.push(
					forbiddenField(matchField, 'resourceVersionMatch is forbidden unless resourceVersion is provided'),
				);
			}
		}
	} else {
		if (asked !== undefined && match !== 'NotOlderThan') {
			causes.push(
				forbiddenField(matchField, 'sendInitialEvents requires setting resourceVersionMatch to NotOlderThan'),
			);
		}
		if (asked !== undefined && support === 'off') {
			const why = 'sendInitialEvents is forbidden for watch unless the WatchList feature gate is enabled';
			causes.push(forbiddenField('sendInitialEvents', why));
		}
		if (match !== '' && asked === undefined) {
			const why = 'resourceVersionMatch is forbidden for watch unless sendInitialEvents is provided';
			causes.push(forbiddenField(matchField, why));
		}
	}
	if (causes.length > 0) throw invalidOptions(causes);
	if (version !== '' && !/^\d+$/.test(version)) throw new StatusError(500, undefined, notAVersion(version));
	return {
		resourceVersion: version === '' ? undefined : Number(version),
		sendInitialEvents: support === 'on' ? asked : undefined,
		bookmarks: truth(query, 'allowWatchBookmarks') ?? false,
		timeoutSeconds: integer(query, 'timeoutSeconds'),
	};
};
