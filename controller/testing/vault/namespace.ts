// What one namespace of the embedded Vault holds: mounts, auth methods and policies; and its sys/ paths.
import { randomBytes } from 'node:crypto';
import { AuthMount } from './auth.ts';
import { notFound, VaultFault } from './fault.ts';
import { type KvAnswer, type KvRequest, KvV1, KvV2 } from './kv.ts';
import { DEFAULT_POLICY, parsePolicy, type Rule } from './policy.ts';

type Json = Readonly<Record<string, unknown>>;

/** Makes credentials for each reader, as databases and clouds do. */
export class Dynamic {
	handle({ method, path }: KvRequest): KvAnswer & { readonly lease?: string } {
		if (method !== 'GET' || !path.startsWith('creds/')) {
			throw new VaultFault(405, 'unsupported operation');
		}

		const name = randomBytes(8).toString('hex');
		const data = { username: `v-${name}`, password: randomBytes(16).toString('base64url') };
		return { data, lease: `${path}/${name}` };
	}
}

export type SyncController = KvV1 | KvV2 | Dynamic;

export type Route<T> = { readonly mount: T; readonly name: string; readonly rest: string };

/** Whose mount a path lies below, with the rest of it. */
export function routeTo<T>(mounts: ReadonlyMap<string, T>, path: string): Route<T> | undefined {
	for (const [name, mount] of mounts) {
		if (`${path}/`.startsWith(`${name}/`)) {
			return { mount, name, rest: path.slice(name.length + 1) };
		}
	}

	return undefined;
}

export class VaultNamespace {
	readonly engines = new Map<string, SyncController>();
	readonly auths = new Map<string, AuthMount>();
	readonly #policies = new Map<string, string>([['default', DEFAULT_POLICY]]);
	readonly #now: () => number;

	constructor(now: () => number) {
		this.#now = now;
	}

	/** The rules of these policies together. */
	rulesOf(names: readonly string[]): Rule[] {
		return names.flatMap(name => parsePolicy(this.#policies.get(name) ?? ''));
	}

	/** `sys/mounts`, `sys/auth` and `sys/policies/acl`; undefined for what is none of them. */
	administer(method: string, path: string, body: Json): { readonly data?: unknown } | undefined {
		const [, area, name = ''] = /^sys\/(mounts|auth|policies\/acl|policy)(?:\/(.+?))?\/?$/.exec(path) ?? [];
		switch (area) {
			case 'mounts':
				return this.#mount(this.engines, method, name, () => this.#engineOf(body));
			case 'auth':
				return this.#mount(this.auths, method, name, () => new AuthMount(String(body['type']), this.#now));
			case 'policies/acl':
			case 'policy':
				return this.#policy(method, name, body);
			default:
				return undefined;
		}
	}

	#mount<T>(
		mounts: Map<string, T>,
		method: string,
		name: string,
		create: () => T,
	): { readonly data?: unknown } {
		if (method === 'GET') {
			return { data: Object.fromEntries(Array.from(mounts.keys(), path => [`${path}/`, {}])) };
		}

		if (method === 'DELETE') {
			mounts.delete(name);
			return {};
		}

		if (mounts.has(name)) {
			throw new VaultFault(400, `path is already in use at ${name}/`);
		}

		mounts.set(name, create());
		return {};
	}

	#engineOf({ type, options }: Json): SyncController {
		if (type === 'database') {
			return new Dynamic();
		}

		if (type !== 'kv' && type !== 'kv-v2') {
			throw new VaultFault(400, `plugin not found in the catalog: ${type}`);
		}

		const { version } = Object(options) as { version?: unknown };
		return type === 'kv-v2' || String(version) === '2' ? new KvV2(this.#now) : new KvV1();
	}

	#policy(method: string, name: string, { policy, rules }: Json): { readonly data?: unknown } {
		const text = this.#policies.get(name);
		switch (method) {
			case 'GET':
				if (text === undefined) {
					throw notFound();
				}

				return { data: { name, policy: text, rules: text } };
			case 'DELETE':
				this.#policies.delete(name);
				return {};
			default:
				this.#policies.set(name, String(policy ?? rules ?? ''));
				return {};
		}
	}
}
