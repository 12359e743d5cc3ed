// An answer of the embedded Key Vault that refuses, as its documentation words it; and faults by name.
import { FaultPlan, type WireFault } from '../shared/fault-plan.ts';

export class KeyVaultFault extends Error {
	readonly status: number;
	readonly code: string;
	/** The inner error's code. */
	readonly reason: string | undefined;
	readonly headers: Readonly<Record<string, string>>;

	constructor(
		status: number,
		code: string,
		message: string,
		{ reason, headers = {} }: { reason?: string; headers?: Readonly<Record<string, string>> } = {},
	) {
		super(message);
		this.status = status;
		this.code = code;
		this.reason = reason;
		this.headers = headers;
	}

	get body(): object {
		const innererror = this.reason === undefined ? {} : { innererror: { code: this.reason } };
		return { error: { code: this.code, message: this.message, ...innererror } };
	}
}

export const forbiddenByRbac = () =>
	new KeyVaultFault(
		403,
		'Forbidden',
		'Caller is not authorized to perform action on resource.\nIf role assignments, deny assignments or role ' +
			"definitions were changed recently, please observe propagation time.\nAction: 'Microsoft.KeyVault/vaults/" +
			"secrets/getSecret/action'",
		{ reason: 'ForbiddenByRbac' },
	);

export const secretNotFound = (name: string) =>
	new KeyVaultFault(
		404,
		'SecretNotFound',
		`A secret with (name/id) ${name} was not found in this key vault. If you recently deleted this secret you ` +
			'may be able to recover it using the correct recovery command.',
	);

export const throttled = (seconds: number) =>
	new KeyVaultFault(
		429,
		'Throttled',
		'Request was not processed because too many requests were received. Reason: VaultRequestTypeLimitReached',
		{ headers: { 'retry-after': String(seconds) } },
	);

/** A failure by its name, one of the wire, or an answer as it is. */
export type EmbeddedKeyVaultFault =
	| keyof typeof NAMED
	| WireFault
	/** 429 with this Retry-After. */
	| { readonly retryAfter: number }
	| { readonly status: number; readonly body: string; readonly headers?: Readonly<Record<string, string>> };

const NAMED = {
	forbidden: forbiddenByRbac(),
	firewall: new KeyVaultFault(
		403,
		'Forbidden',
		'Client address is not authorized and caller is not a trusted service.\nClient address: 192.0.2.1',
		{ reason: 'ForbiddenByFirewall' },
	),
	throttled: throttled(10),
	'internal-error': new KeyVaultFault(500, 'InternalServerError', 'An error occurred on the server side.'),
	unavailable: new KeyVaultFault(503, 'ServiceUnavailable', 'The service is unavailable.'),
} as const;

/** What an injected refusal answers: one of Key Vault's own, or a body word by word. */
export type KeyVaultRefusal = KeyVaultFault | Extract<EmbeddedKeyVaultFault, { readonly body: string }>;

export const keyVaultFaults = <Call extends { readonly operation: string }>() =>
	new FaultPlan<Call, EmbeddedKeyVaultFault, KeyVaultRefusal>({
		isRead: ({ operation }) => operation === 'GetSecret',
		refusalOf(fault) {
			if (typeof fault === 'string') {
				return NAMED[fault];
			}

			return 'retryAfter' in fault ? throttled(fault.retryAfter) : fault;
		},
	});
