// The requests of the embedded Vault: who asks, whether they may, and which mount answers.
import type { AuthMount } from './auth.ts';
import { noRoute, permissionDenied, VaultFault } from './fault.ts';
import { Dynamic, type Route, routeTo, VaultNamespace } from './namespace.ts';
import { allows, type Capability } from './policy.ts';
import { authOf, seconds, type Token, Tokens } from './tokens.ts';

export type CoreRequest = {
	readonly method: string;
	/** Below /v1/, decoded, without its query. */
	readonly path: string;
	readonly query: URLSearchParams;
	readonly body: string;
	readonly namespace: string;
	readonly token: string | undefined;
};

export type CoreAnswer = {
	readonly status: number;
	/** undefined for 204. */
	readonly content: Readonly<Record<string, unknown>> | undefined;
};

export type VaultCoreOptions = { readonly rootToken: string; readonly now: () => number };

const CAPABILITIES: Readonly<Record<string, readonly Capability[]>> = {
	GET: ['read'],
	LIST: ['list'],
	DELETE: ['delete'],
	POST: ['create', 'update'],
	PUT: ['create', 'update'],
};

export class VaultCore {
	readonly tokens: Tokens;
	readonly #now: () => number;
	readonly #namespaces = new Map<string, VaultNamespace>();
	sealed = false;

	constructor({ rootToken, now }: VaultCoreOptions) {
		this.#now = now;
		this.tokens = new Tokens(now, rootToken);
	}

	/** A namespace comes into being when it is first named. */
	namespace(name: string): VaultNamespace {
		let namespace = this.#namespaces.get(name);
		if (namespace === undefined) {
			namespace = new VaultNamespace(this.#now);
			this.#namespaces.set(name, namespace);
		}

		return namespace;
	}

	/** @throws VaultFault */
	async handle(request: CoreRequest): Promise<CoreAnswer> {
		const { path, method } = request;
		if (path === 'sys/health' || path === 'sys/seal-status') {
			const content = { initialized: true, sealed: this.sealed, standby: false, version: '1.21.4' };
			return { status: this.sealed && path === 'sys/health' ? 503 : 200, content };
		}

		if (this.sealed) {
			throw new VaultFault(503, 'Vault is sealed');
		}

		const namespace = this.namespace(request.namespace);
		const auth = path.startsWith('auth/') ? routeTo(namespace.auths, path.slice(5)) : undefined;
		if (auth?.rest === 'login') {
			return this.#auth(auth, request);
		}

		const token = this.tokens.require(request.token);
		this.#authorise(token, request);
		const administered = namespace.administer(method, path, this.#fields(request));
		if (administered !== undefined) {
			return answer(administered.data);
		}

		if (path.startsWith('auth/token/')) {
			return this.#token(token, request);
		}

		if (path.startsWith('sys/leases/')) {
			return this.#lease(request);
		}

		return auth === undefined ? this.#syncController(token, request) : this.#auth(auth, request);
	}

	/** Paths of a policy are relative to the namespace of its token, which reaches those below it. */
	#authorise(token: Token, { method, path, namespace }: CoreRequest): void {
		if (token.policies.includes('root')) {
			return;
		}

		const inside = namespace === token.namespace || namespace.startsWith(`${token.namespace}/`);
		const below = token.namespace === '' ? namespace : namespace.slice(token.namespace.length + 1);
		const full = below === '' ? path : `${below}/${path}`;
		const rules = this.namespace(token.namespace).rulesOf(token.policies);
		if (!(inside || token.namespace === '') || !allows(rules, full, CAPABILITIES[method] ?? [])) {
			throw permissionDenied();
		}
	}

	async #auth({ mount, name, rest }: Route<AuthMount>, request: CoreRequest): Promise<CoreAnswer> {
		const outcome = await mount.handle(request.method, rest, this.#fields(request));
		if ('grant' in outcome) {
			const { namespace } = request;
			const token = this.tokens.create({ ...outcome.grant, namespace, path: `auth/${name}/login` });
			return { status: 200, content: { ...ENVELOPE, auth: authOf(token) } };
		}

		return answer(outcome['data']);
	}

	#token(token: Token, request: CoreRequest): CoreAnswer {
		switch (request.path.slice('auth/token/'.length)) {
			case 'lookup-self':
				return answer(this.tokens.describe(token));
			case 'renew-self':
				this.tokens.renew(token);
				return { status: 200, content: { ...ENVELOPE, auth: authOf(token) } };
			case 'revoke-self':
				this.tokens.revoke(token);
				return answer(undefined);
			case 'revoke':
				this.tokens.revokeId(String(this.#fields(request)['token']));
				return answer(undefined);
			case 'lookup':
				return answer(this.tokens.describe(this.tokens.require(String(this.#fields(request)['token']))));
			case 'create': {
				const { policies, ttl, type } = this.#fields(request);
				const created = this.tokens.create({
					policies: Array.isArray(policies) ? policies.map(String) : token.policies,
					ttl: seconds(ttl, 2_764_800),
					batch: type === 'batch',
					namespace: request.namespace,
					path: 'auth/token/create',
				});
				return { status: 200, content: { ...ENVELOPE, auth: authOf(created) } };
			}
			default:
				throw noRoute(request.path);
		}
	}

	#lease(request: CoreRequest): CoreAnswer {
		const id = String(this.#fields(request)['lease_id'] ?? '');
		switch (request.path) {
			case 'sys/leases/revoke':
				this.tokens.revokeLease(id);
				return answer(undefined);
			case 'sys/leases/lookup':
				if (!this.tokens.leases.includes(id)) {
					throw new VaultFault(400, 'invalid lease');
				}

				return answer({ id });
			default:
				throw noRoute(request.path);
		}
	}

	#syncController(token: Token, request: CoreRequest): CoreAnswer {
		const route = routeTo(this.namespace(request.namespace).engines, request.path);
		if (route === undefined) {
			throw noRoute(request.path);
		}

		const { mount, name, rest } = route;
		if (mount instanceof Dynamic) {
			const { data, lease } = mount.handle({ ...request, path: rest });
			const id = `${name}/${lease}`;
			token.leases.add(id);
			const leased = { lease_id: id, lease_duration: 3_600, renewable: true };
			return { status: 200, content: { ...ENVELOPE, ...leased, data, mount_type: 'database' } };
		}

		const { status = 200, data, warnings } = mount.handle({ ...request, path: rest });
		if (data === undefined) {
			return answer(undefined);
		}

		const extra = { data, ...(warnings && { warnings }), mount_type: status === 200 ? 'kv' : '' };
		return { status, content: { ...ENVELOPE, ...extra } };
	}

	#fields({ body }: CoreRequest): Readonly<Record<string, unknown>> {
		try {
			return Object(JSON.parse(body === '' ? '{}' : body));
		} catch {
			throw new VaultFault(400, 'failed to parse JSON input');
		}
	}
}

const ENVELOPE = {
	lease_id: '',
	renewable: false,
	lease_duration: 0,
	data: null,
	wrap_info: null,
	warnings: null,
	auth: null,
	mount_type: '',
};

const answer = (data: unknown): CoreAnswer =>
	data === undefined ? { status: 204, content: undefined } : { status: 200, content: { ...ENVELOPE, data } };
