// What a request to the embedded Vault asks for.
import type { WireRequest } from '../shared/faulty-server.ts';
import type { CoreRequest } from './core.ts';

/** One request as it came in. */
export type VaultCall = {
	/** `read` of a value, `write`, `list` or `delete` of one; `login`; `revoke` of a lease or token; else `other`. */
	readonly operation: 'read' | 'write' | 'list' | 'delete' | 'login' | 'revoke' | 'other';
	readonly method: string;
	/** Below /v1/, decoded, with its query. */
	readonly path: string;
	readonly namespace: string;
	readonly token: string | undefined;
	/** `performance.now()` when the request had arrived. */
	readonly at: number;
};

export function readRequest({ method: verb, url, headers, body }: WireRequest): {
	readonly call: VaultCall;
	readonly request: CoreRequest;
} {
	// Clients without the verb LIST ask for it in the query.
	const method = verb === 'GET' && url.searchParams.get('list') === 'true' ? 'LIST' : verb;
	const namespace = String(headers['x-vault-namespace'] ?? '').replace(/^\/|\/$/g, '');
	const token = headers['x-vault-token'] ?? /^Bearer (.+)$/.exec(headers.authorization ?? '')?.[1];
	const path = decodeURIComponent(url.pathname.replace(/^\/v1\//, ''));
	const request = {
		method,
		path,
		query: url.searchParams,
		body,
		namespace,
		token: token === undefined ? undefined : String(token),
	};
	const call = {
		operation: operationOf(method, path),
		method,
		path: path + url.search,
		namespace,
		token: request.token,
		at: performance.now(),
	};
	return { call, request };
}

function operationOf(method: string, path: string): VaultCall['operation'] {
	if (/^auth\/.+\/login$/.test(path)) {
		return 'login';
	}

	if (/^(auth\/token\/revoke|sys\/leases\/revoke)/.test(path)) {
		return 'revoke';
	}

	if (/^(sys|auth)\//.test(path)) {
		return 'other';
	}

	return method === 'GET' ? 'read' : method === 'LIST' ? 'list' : method === 'DELETE' ? 'delete' : 'write';
}
