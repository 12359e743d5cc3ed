// Bearer tokens: made for ServiceAccounts, checked, expired and revoked.
import { createHmac, randomBytes, randomUUID } from 'node:crypto';
import { kindNamed } from '../objects/kinds.ts';
import type { Storage } from '../storage/storage.ts';

/** The user of a request. */
export type User = {
	readonly username: string;
	readonly uid?: string;
	readonly groups: readonly string[];
};

type Issued = {
	user: User;
	namespace: string;
	account: string;
	uid: string;
	expires: number;
	/** Whom it is meant for. */
	audiences: readonly string[];
};

/** The audience of tokens for the API server itself. */
export const serverAudience = 'https://kubernetes.default.svc.cluster.local';

/** A token and the moment it ends, as a TokenRequest answers it. */
export type IssuedToken = { readonly token: string; readonly expires: Date };

const anonymous: User = { username: 'system:anonymous', groups: ['system:unauthenticated'] };
const serviceAccounts = kindNamed('serviceaccounts');

/** Knows every token that this server handed out. A token dies with its ServiceAccount. */
export class Tokens {
	readonly admin: string;
	readonly #storage: Storage;
	readonly #now: () => Date;
	readonly #issued = new Map<string, Issued>();
	readonly #key = randomBytes(32);
	readonly #adminUser: User = {
		username: 'kubernetes-admin',
		groups: ['system:masters', 'system:authenticated'],
	};

	constructor(storage: Storage, now: () => Date) {
		this.#storage = storage;
		this.#now = now;
		this.admin = randomBytes(16).toString('hex');
	}

	/** The user of an Authorization header; `undefined` for a token that is unknown, expired, revoked or orphaned. */
	authenticate(header: string | undefined): User | undefined {
		if (header === undefined || header === '') return anonymous;
		const token = /^Bearer\s+(\S+)$/i.exec(header)?.[1];
		return token === undefined ? anonymous : this.userOf(token);
	}

	/** Whom an administrator acts as by `Impersonate-User` and `Impersonate-Group`; everybody else stays himself. */
	impersonate(user: User, name: string | undefined, groups: readonly string[]): User {
		if (name === undefined || !user.groups.includes('system:masters')) return user;
		const namespace = /^system:serviceaccount:([^:]+):/.exec(name)?.[1];
		const own =
			namespace === undefined ? [] : ['system:serviceaccounts', `system:serviceaccounts:${namespace}`];
		return { username: name, groups: [...groups, ...own, 'system:authenticated'] };
	}

	/** The user of a token, `undefined` where one of these audiences would refuse it. Default: this server. */
	userOf(token: string, audiences: readonly string[] = [serverAudience]): User | undefined {
		if (token === this.admin) return this.#adminUser;
		const issued = this.#issued.get(token);
		if (!issued?.audiences.some(audience => audiences.includes(audience))) return undefined;
		if (issued.expires <= this.#now().getTime()) return undefined;
		const account = this.#storage.get(serviceAccounts, issued.namespace, issued.account);
		return account?.object.metadata.uid === issued.uid ? issued.user : undefined;
	}

	/** Whom a token is meant for. */
	audiencesOf(token: string): readonly string[] {
		return this.#issued.get(token)?.audiences ?? [serverAudience];
	}

	/** Signs a token (a JWT, HS256) for a ServiceAccount; `undefined` where the account does not exist. */
	issue(
		namespace: string,
		account: string,
		seconds: number,
		audiences: readonly string[],
	): IssuedToken | undefined {
		const uid = this.#storage.get(serviceAccounts, namespace, account)?.object.metadata.uid;
		if (uid === undefined) return undefined;
		const username = `system:serviceaccount:${namespace}:${account}`;
		const issuedAt = Math.floor(this.#now().getTime() / 1000);
		const part = (value: unknown): string => Buffer.from(JSON.stringify(value)).toString('base64url');
		const claims = {
			aud: audiences,
			exp: Math.floor(issuedAt + seconds),
			iat: issuedAt,
			iss: 'https://kubernetes.default.svc.cluster.local',
			jti: randomUUID(),
			'kubernetes.io': { namespace, serviceaccount: { name: account, uid } },
			nbf: issuedAt,
			sub: username,
		};
		const body = `${part({ alg: 'HS256', kid: 'embedded' })}.${part(claims)}`;
		const token = `${body}.${createHmac('sha256', this.#key).update(body).digest('base64url')}`;
		const expires = this.#now().getTime() + seconds * 1000;
		const user: User = {
			username,
			uid,
			groups: ['system:serviceaccounts', `system:serviceaccounts:${namespace}`, 'system:authenticated'],
		};
		this.#issued.set(token, {
			user,
			namespace,
			account,
			uid,
			expires,
			audiences,
		});
		return { token, expires: new Date(expires) };
	}

	/** Makes a token unknown; without an argument every ServiceAccount token. */
	revoke(token?: string): void {
		if (token === undefined) this.#issued.clear();
		else this.#issued.delete(token);
	}
}
