// The auth methods of the embedded Vault: approle, jwt with static keys, kubernetes by TokenReview.
import { createPublicKey, randomUUID, verify } from 'node:crypto';
import { request as httpsRequest } from 'node:https';
import { notFound, VaultFault } from './fault.ts';
import { seconds, type TokenRequest } from './tokens.ts';

type Json = Readonly<Record<string, unknown>>;

/** What a login grants; the rest of the token is the server's. */
export type Grant = Pick<TokenRequest, 'policies' | 'ttl' | 'batch' | 'metadata'>;

export type AuthAnswer = { readonly grant: Grant } | { readonly data: unknown } | Record<string, never>;

const list = (value: unknown): string[] =>
	Array.isArray(value)
		? value.map(String)
		: String(value ?? '')
				.split(',')
				.filter(item => item !== '');

/** One mounted auth method. */
export class AuthMount {
	readonly #type: string;
	readonly #now: () => number;
	readonly #roles = new Map<string, Json>();
	readonly #roleIds = new Map<string, string>();
	readonly #secretIds = new Map<string, string>();
	#config: Json = {};

	constructor(type: string, now: () => number) {
		this.#type = type;
		this.#now = now;
	}

	async handle(method: string, path: string, body: Json): Promise<AuthAnswer> {
		const [area = '', name = '', part] = path.split('/');
		if (path === 'login' && method !== 'GET') {
			return { grant: await this.#login(body) };
		}

		if (path === 'config' && method !== 'GET') {
			this.#config = body;
			return {};
		}

		if (area !== 'role' || name === '') {
			throw notFound();
		}

		return part === undefined ? this.#role(method, name, body) : { data: this.#identity(name, part, method) };
	}

	#role(method: string, name: string, body: Json): AuthAnswer {
		if (method === 'GET') {
			return { data: this.#known(name) };
		}

		if (method === 'DELETE') {
			this.#roles.delete(name);
		} else {
			this.#roles.set(name, body);
		}

		return {};
	}

	/** The ids of a role of approle. */
	#identity(name: string, part: string, method: string): Json {
		this.#known(name);
		if (part === 'role-id' && method === 'GET') {
			const id = this.#roleIds.get(name) ?? randomUUID();
			this.#roleIds.set(name, id);
			return { role_id: id };
		}

		if (part !== 'secret-id' || method === 'GET') {
			throw notFound();
		}

		const id = randomUUID();
		this.#secretIds.set(id, name);
		return { secret_id: id, secret_id_accessor: randomUUID(), secret_id_num_uses: 0, secret_id_ttl: 0 };
	}

	#known(name: string): Json {
		const role = this.#roles.get(name);
		if (role === undefined) {
			throw notFound();
		}

		return role;
	}

	async #login(body: Json): Promise<Grant> {
		if (this.#type === 'approle') {
			return this.#approle(body);
		}

		const name = String(body['role'] ?? '');
		const role = this.#roles.get(name);
		if (role === undefined) {
			throw this.#type === 'jwt'
				? new VaultFault(400, `role "${name}" could not be found`)
				: new VaultFault(400, `invalid role name "${name}"`);
		}

		const token = String(body['jwt'] ?? '');
		if (token === '') {
			throw new VaultFault(400, 'missing jwt');
		}

		const metadata =
			this.#type === 'jwt' ? this.#verifyJwt(token, role) : await this.#reviewToken(token, role);
		return grantOf(role, { role: name, ...metadata });
	}

	#approle(body: Json): Grant {
		const name = this.#secretIds.get(String(body['secret_id']));
		const role = name === undefined ? undefined : this.#roles.get(name);
		if (role === undefined || this.#roleIds.get(name!) !== body['role_id']) {
			throw new VaultFault(400, 'invalid role or secret ID');
		}

		return grantOf(role, { role_name: name! });
	}

	#verifyJwt(token: string, role: Json): Record<string, string> {
		const invalid = (what: string) => new VaultFault(400, `error validating token: ${what}`);
		const { signed, signature, claims } = decodeJwt(token) ?? {};
		if (signed === undefined || signature === undefined || claims === undefined) {
			throw invalid('error verifying token signature: compact JWS format must have three parts');
		}

		const known = list(this.#config['jwt_validation_pubkeys']).some(pem => {
			const key = createPublicKey(pem);
			const dsaEncoding = 'ieee-p1363';
			return verify('sha256', Buffer.from(signed), { key, dsaEncoding }, signature);
		});
		if (!known) {
			throw invalid(
				'error verifying token signature: no known key successfully validated the token signature',
			);
		}

		const issuer = this.#config['bound_issuer'];
		if (issuer !== undefined && claims['iss'] !== issuer) {
			throw invalid('invalid issuer (iss) claim');
		}

		if (Number(claims['exp']) * 1_000 <= this.#now()) {
			throw invalid('invalid expiration time (exp) claim: token is expired');
		}

		if (role['bound_subject'] !== undefined && claims['sub'] !== role['bound_subject']) {
			throw invalid('invalid subject (sub) claim');
		}

		if (!list(role['bound_audiences']).some(audience => list(claims['aud']).includes(audience))) {
			throw invalid('invalid audience (aud) claim: audience claim does not match any expected audience');
		}

		return {};
	}

	/** Asks the API server, as Vault does, with the reviewer's token. */
	async #reviewToken(token: string, role: Json): Promise<Record<string, string>> {
		const { audience } = role;
		const claims = decodeJwt(token)?.claims;
		if (claims === undefined) {
			throw new VaultFault(403, 'permission denied');
		}

		if (audience !== undefined && !list(claims['aud']).includes(String(audience))) {
			throw new VaultFault(
				403,
				'invalid audience (aud) claim: audience claim does not match any expected audience',
			);
		}

		const audiences = audience === undefined ? [] : [String(audience)];
		const status = await tokenReview(this.#config, { token, audiences }).catch(() => {
			throw new VaultFault(500, 'lookup failed: the API server cannot be reached');
		});
		const [, namespace, name] =
			/^system:serviceaccount:([^:]+):([^:]+)$/.exec(String(status.user?.username ?? '')) ?? [];
		if (!status.authenticated || namespace === undefined || name === undefined) {
			throw new VaultFault(403, 'permission denied');
		}

		if (!bound(role['bound_service_account_names'], name)) {
			throw new VaultFault(403, 'service account name not authorized');
		}

		if (!bound(role['bound_service_account_namespaces'], namespace)) {
			throw new VaultFault(403, 'namespace not authorized');
		}

		return { service_account_name: name, service_account_namespace: namespace };
	}
}

const bound = (names: unknown, name: string) => list(names).some(item => item === '*' || item === name);

const grantOf = (role: Json, metadata: Record<string, string>): Grant => ({
	policies: list(role['token_policies'] ?? role['policies']),
	ttl: seconds(role['token_ttl'] ?? role['ttl'], 2_764_800),
	batch: role['token_type'] === 'batch',
	metadata,
});

function decodeJwt(token: string) {
	const [header, payload, signature, ...rest] = token.split('.');
	if (header === undefined || payload === undefined || signature === undefined || rest.length > 0) {
		return undefined;
	}

	try {
		return {
			signed: `${header}.${payload}`,
			signature: Buffer.from(signature, 'base64url'),
			claims: JSON.parse(Buffer.from(payload, 'base64url').toString()) as Json,
		};
	} catch {
		return undefined;
	}
}

type Review = { readonly authenticated?: boolean; readonly user?: { readonly username?: string } };

async function tokenReview(config: Json, spec: object): Promise<Review> {
	const { promise, resolve, reject } = Promise.withResolvers<Review>();
	const body = JSON.stringify({ apiVersion: 'authentication.k8s.io/v1', kind: 'TokenReview', spec });
	const url = new URL('/apis/authentication.k8s.io/v1/tokenreviews', String(config['kubernetes_host']));
	const headers = {
		authorization: `Bearer ${config['token_reviewer_jwt']}`,
		'content-type': 'application/json',
	};
	const options = { method: 'POST', headers, ca: String(config['kubernetes_ca_cert']), agent: false };
	const request = httpsRequest(url, options, response => {
		response
			.toArray()
			.then((chunks: Buffer[]) => resolve(JSON.parse(Buffer.concat(chunks).toString()).status))
			.catch(reject);
	});
	request.on('error', reject);
	request.end(body);
	return promise;
}
