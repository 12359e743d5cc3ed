// What a URL and method mean: the attributes that authorization, faults and the request log speak of.

/** Attributes of one API request; `''` where something does not apply. */
export type RequestInfo = {
	/** get, list, watch, create, update, patch, delete, deletecollection; the method in lower case elsewhere. */
	readonly verb: string;
	readonly group: string;
	readonly version: string;
	readonly resource: string;
	readonly subresource: string;
	readonly namespace: string;
	readonly name: string;
	readonly path: string;
	readonly query: URLSearchParams;
	readonly method: string;
	/** False for /version, /healthz, discovery and other paths that are no resource. */
	readonly isResource: boolean;
};

const truthy = (value: string | null): boolean => value !== null && value !== '0' && value !== 'false';

const collectionVerbs: Readonly<Record<string, string>> = {
	GET: 'list',
	POST: 'create',
	DELETE: 'deletecollection',
	PUT: 'update',
	PATCH: 'patch',
};
const itemVerbs: Readonly<Record<string, string>> = {
	GET: 'get',
	POST: 'create',
	PUT: 'update',
	PATCH: 'patch',
	DELETE: 'delete',
};

/** Parses the request line. */
export const requestInfo = (method: string, url: string): RequestInfo => {
	const { pathname, searchParams } = new URL(url, 'https://localhost');
	const plain: RequestInfo = {
		verb: method.toLowerCase(),
		group: '',
		version: '',
		resource: '',
		subresource: '',
		namespace: '',
		name: '',
		path: pathname,
		query: searchParams,
		method,
		isResource: false,
	};
	const parts = pathname
		.split('/')
		.filter(part => part !== '')
		.map(decodeURIComponent);
	const core = parts[0] === 'api';
	if (!core && parts[0] !== 'apis') return plain;
	const [group = '', version = ''] = core ? ['', parts[1]] : [parts[1], parts[2]];
	let rest = parts.slice(core ? 2 : 3);
	if (rest.length === 0) return plain;
	// The deprecated /watch/ prefix.
	const watchPrefix = rest[0] === 'watch' && rest.length > 1;
	if (watchPrefix) rest = rest.slice(1);

	let namespace = '';
	if (rest[0] === 'namespaces' && rest[1] !== undefined) {
		namespace = rest[1];
		// `namespaces/x/status` is the namespace itself; `namespaces/x/pods` is a resource in it.
		const own = rest[2] === undefined || rest[2] === 'status' || rest[2] === 'finalize';
		if (!own) rest = rest.slice(2);
	}
	const [resource = '', name = '', subresource = ''] = rest;
	let verb = (name === '' ? collectionVerbs : itemVerbs)[method] ?? method.toLowerCase();
	if (method === 'GET' && (watchPrefix || truthy(searchParams.get('watch')))) {
		if (name === '' || watchPrefix) verb = 'watch';
	}
	const selected = /(?:^|,)metadata\.name==?([^,]+)/.exec(searchParams.get('fieldSelector') ?? '')?.[1] ?? '';
	return {
		...plain,
		verb,
		group,
		version,
		resource,
		subresource,
		namespace,
		name: name === '' && ['list', 'watch', 'deletecollection'].includes(verb) ? selected : name,
		isResource: true,
	};
};

/** The resource with its subresource, as rules and messages name it: `serviceaccounts/token`. */
export const fullResource = (info: Pick<RequestInfo, 'resource' | 'subresource'>): string =>
	info.subresource === '' ? info.resource : `${info.resource}/${info.subresource}`;
