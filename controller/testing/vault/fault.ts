// An answer of the embedded Vault that refuses: HTTP status and texts as Vault says them; and faults by name.
import { FaultPlan, type WireFault } from '../shared/fault-plan.ts';

export class VaultFault extends Error {
	readonly status: number;
	readonly errors: readonly string[];

	constructor(status: number, ...errors: string[]) {
		super(errors.join('; '));
		this.status = status;
		this.errors = errors;
	}
}

export const permissionDenied = () => new VaultFault(403, '1 error occurred:\n\t* permission denied\n\n');

export const invalidToken = () =>
	new VaultFault(403, '2 errors occurred:\n\t* permission denied\n\t* invalid token\n\n');

export const notFound = () => new VaultFault(404);

export const noRoute = (path: string) =>
	new VaultFault(404, `no handler for route "${path}". route entry not found.`);

/** A failure by its name, one of the wire, a redirect, or an answer as it is. */
export type EmbeddedVaultFault =
	| keyof typeof NAMED
	| WireFault
	/** Another node answers: a standby sends to the active one. */
	| { readonly redirect: string }
	/** The body as it is. */
	| { readonly status: number; readonly body: string; readonly headers?: Readonly<Record<string, string>> };

const NAMED = {
	'permission-denied': permissionDenied(),
	/** As servers before 1.15 say it, which do not tell a bad token from a lack of rights. */
	'bare-permission-denied': new VaultFault(403, 'permission denied'),
	'invalid-token': invalidToken(),
	'rate-limited': new VaultFault(429, 'request path "kv/data/x": rate limit quota exceeded'),
	sealed: new VaultFault(503, 'Vault is sealed'),
	'internal-error': new VaultFault(500, '1 error occurred:\n\t* internal error\n\n'),
	'bad-gateway': new VaultFault(502, 'error fetching from upstream'),
} as const;

/** What an injected refusal answers: one of Vault's own, a redirect, or a body word by word. */
export type VaultRefusal = VaultFault | Exclude<EmbeddedVaultFault, string | WireFault>;

export const vaultFaults = <Call extends { readonly operation: string }>() =>
	new FaultPlan<Call, EmbeddedVaultFault, VaultRefusal>({
		isRead: ({ operation }) => operation === 'read',
		refusalOf: fault => (typeof fault === 'string' ? NAMED[fault] : fault),
	});
