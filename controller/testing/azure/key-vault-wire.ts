// What a request to the embedded Key Vault or its Entra asks for.
import type { WireRequest } from '../shared/faulty-server.ts';

/** One request as it came in. */
export type KeyVaultCall = {
	/** As the REST reference calls it; `RequestToken` is Entra's, `Challenge` a request without a token. */
	readonly operation:
		| 'GetSecret'
		| 'SetSecret'
		| 'UpdateSecret'
		| 'DeleteSecret'
		| 'GetSecretVersions'
		| 'GetDeletedSecret'
		| 'RecoverDeletedSecret'
		| 'PurgeDeletedSecret'
		| 'RequestToken'
		| 'Challenge'
		| 'Unknown';
	/** The secret's name; empty for Entra. */
	readonly name: string;
	readonly version: string | undefined;
	/** Of Entra: the tenant of the path, and the scope. */
	readonly tenantId: string | undefined;
	readonly scope: string | undefined;
	/** `performance.now()` when the request had arrived. */
	readonly at: number;
};

const ROUTES: readonly (readonly [method: string, path: RegExp, operation: KeyVaultCall['operation']])[] = [
	['GET', /^\/secrets\/(?<name>[^/]+)\/versions\/?$/, 'GetSecretVersions'],
	['GET', /^\/secrets\/(?<name>[^/]+)(\/(?<version>[^/]+)?)?$/, 'GetSecret'],
	['PUT', /^\/secrets\/(?<name>[^/]+)\/?$/, 'SetSecret'],
	['PATCH', /^\/secrets\/(?<name>[^/]+)(\/(?<version>[^/]+)?)?$/, 'UpdateSecret'],
	['DELETE', /^\/secrets\/(?<name>[^/]+)\/?$/, 'DeleteSecret'],
	['GET', /^\/deletedsecrets\/(?<name>[^/]+)\/?$/, 'GetDeletedSecret'],
	['POST', /^\/deletedsecrets\/(?<name>[^/]+)\/recover\/?$/, 'RecoverDeletedSecret'],
	['DELETE', /^\/deletedsecrets\/(?<name>[^/]+)\/?$/, 'PurgeDeletedSecret'],
	['POST', /^\/(?<tenantId>[^/]+)\/oauth2\/v2\.0\/token$/, 'RequestToken'],
];

export function callOf({ method, url, headers, body }: WireRequest): KeyVaultCall {
	const at = performance.now();
	for (const [verb, path, operation] of ROUTES) {
		const groups = verb === method ? path.exec(url.pathname)?.groups : undefined;
		if (groups !== undefined) {
			const { name = '', version, tenantId } = groups;
			const entra = operation === 'RequestToken';
			const scope = entra ? (new URLSearchParams(body).get('scope') ?? undefined) : undefined;
			const challenged = !entra && headers.authorization === undefined;
			return {
				operation: challenged ? 'Challenge' : operation,
				name: decodeURIComponent(name),
				version,
				tenantId,
				scope,
				at,
			};
		}
	}

	return { operation: 'Unknown', name: '', version: undefined, tenantId: undefined, scope: undefined, at };
}
