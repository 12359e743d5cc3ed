// Tokens of the embedded Vault and the leases that hang on them.
import { randomBytes } from 'node:crypto';
import { invalidToken, VaultFault } from './fault.ts';

export type TokenRequest = {
	readonly policies: readonly string[];
	/** Seconds; 0 for a token that never ends. */
	readonly ttl: number;
	readonly namespace: string;
	readonly batch?: boolean;
	readonly metadata?: Readonly<Record<string, string>>;
	readonly path: string;
};

export type Token = TokenRequest & {
	readonly id: string;
	readonly accessor: string;
	/** Milliseconds since the epoch. */
	expiresAt: number;
	readonly leases: Set<string>;
};

export class Tokens {
	readonly #now: () => number;
	readonly #tokens = new Map<string, Token>();

	constructor(now: () => number, root: string) {
		this.#now = now;
		this.#tokens.set(root, {
			id: root,
			accessor: 'root',
			policies: ['root'],
			ttl: 0,
			namespace: '',
			path: 'auth/token/root',
			expiresAt: Number.POSITIVE_INFINITY,
			leases: new Set(),
		});
	}

	/** Those in force, the root token left out. */
	get alive(): readonly Token[] {
		return [...this.#tokens.values()].filter(
			({ policies, expiresAt }) => !policies.includes('root') && expiresAt > this.#now(),
		);
	}

	create(request: TokenRequest): Token {
		const token: Token = {
			...request,
			policies: [...new Set(['default', ...request.policies])].sort(),
			id: `${request.batch ? 'hvb' : 'hvs'}.${randomBytes(36).toString('base64url')}`,
			accessor: request.batch ? '' : randomBytes(12).toString('hex'),
			expiresAt: request.ttl === 0 ? Number.POSITIVE_INFINITY : this.#now() + request.ttl * 1_000,
			leases: new Set(),
		};
		this.#tokens.set(token.id, token);
		return token;
	}

	/** @throws VaultFault for a token that is missing, unknown, expired or revoked */
	require(id: string | undefined): Token {
		if (id === undefined || id === '') {
			throw new VaultFault(403, 'permission denied');
		}

		const token = this.#tokens.get(id);
		if (token === undefined || token.expiresAt <= this.#now()) {
			throw invalidToken();
		}

		return token;
	}

	revoke(token: Token): void {
		if (token.batch) {
			throw new VaultFault(400, 'batch tokens cannot be revoked');
		}

		this.#tokens.delete(token.id);
	}

	/** Whether there is such a token or not. */
	revokeId(id: string): void {
		this.#tokens.delete(id);
	}

	renew(token: Token): void {
		token.expiresAt = token.ttl === 0 ? token.expiresAt : this.#now() + token.ttl * 1_000;
	}

	/** Ends every token but the root token now. */
	expireAll(): void {
		for (const token of this.alive) {
			token.expiresAt = this.#now();
		}
	}

	/** Ends a lease; whether it was there. */
	revokeLease(id: string): boolean {
		return this.alive.some(({ leases }) => leases.delete(id));
	}

	get leases(): readonly string[] {
		return this.alive.flatMap(({ leases }) => [...leases]);
	}

	/** As `lookup-self` answers it. */
	describe({ id, accessor, policies, ttl, expiresAt, metadata = {}, path, batch }: Token): object {
		const left = Math.ceil((expiresAt - this.#now()) / 1_000);
		return {
			id,
			accessor,
			policies,
			creation_ttl: ttl,
			ttl: Number.isFinite(left) ? left : 0,
			expire_time: Number.isFinite(left) ? new Date(expiresAt).toISOString() : null,
			meta: metadata,
			path,
			num_uses: 0,
			orphan: true,
			renewable: !batch,
			type: batch ? 'batch' : 'service',
		};
	}
}

/** As a login answers it. */
export const authOf = ({ id, accessor, policies, ttl, metadata, batch }: Token) => ({
	client_token: id,
	accessor,
	policies,
	token_policies: policies,
	metadata: metadata ?? null,
	lease_duration: ttl,
	renewable: !batch,
	entity_id: '',
	token_type: batch ? 'batch' : 'service',
	orphan: true,
	mfa_requirement: null,
	num_uses: 0,
});

/** Seconds of `90`, `"90s"`, `"15m"`, `"1h"`. */
export function seconds(duration: unknown, fallback: number): number {
	const [, number, unit = 's'] = /^(\d+)([smhd])?$/.exec(String(duration ?? '')) ?? [];
	const units: Readonly<Record<string, number>> = { s: 1, m: 60, h: 3_600, d: 86_400 };
	return number === undefined ? fallback : Number(number) * (units[unit] ?? 1);
}
