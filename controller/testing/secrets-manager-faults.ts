// Faults of the embedded Secrets Manager, on demand: which request is hit, how often, and how.
import { AwsFault } from './aws-fault.ts';

/**
 * `hang` never answers, `stall` falls silent within the body, `truncate` ends the connection there, `reset`
 * before the headers; `html` answers as a proxy does, with the status given; `latencyMs` only delays.
 */
export type SecretsManagerFault =
	| keyof typeof NAMED
	| 'hang'
	| 'stall'
	| 'truncate'
	| 'reset'
	| { readonly html: number }
	| { readonly latencyMs: number }
	| { readonly type: string; readonly message: string; readonly status?: number };

export type FaultOptions<Call> = {
	/** How many requests it hits. Default: all until `stop`. */
	readonly times?: number;
	/** Which requests it hits. Default: GetSecretValue. */
	readonly when?: (call: Call) => boolean;
};

const NAMED = {
	throttling: new AwsFault('ThrottlingException', 'Rate exceeded'),
	'internal-error': new AwsFault('InternalServiceError', 'An error occurred on the server side.', 500),
	'access-denied': new AwsFault(
		'AccessDeniedException',
		'User: arn:aws:sts::123456789012:assumed-role/jasm/jasm is not authorized to perform: ' +
			'secretsmanager:GetSecretValue on resource: secret because no identity-based policy allows the ' +
			'secretsmanager:GetSecretValue action',
	),
	'kms-denied': new AwsFault('AccessDeniedException', 'Access to KMS is not allowed'),
	'expired-token': new AwsFault(
		'ExpiredTokenException',
		'The security token included in the request is expired',
	),
	'decryption-failure': new AwsFault(
		'DecryptionFailure',
		"Secrets Manager can't decrypt the protected secret text using the provided KMS key.",
	),
} as const;

/** What hits one request: a delay, and one way to fail. */
export type Hit = {
	readonly latencyMs: number;
	readonly transport?: 'hang' | 'stall' | 'truncate' | 'reset';
	/** Status of a page in HTML instead of the answer. */
	readonly html?: number;
	readonly refusal?: AwsFault;
};

type Injected<Call> = {
	readonly fault: SecretsManagerFault;
	readonly when: (call: Call) => boolean;
	left: number;
};

export class FaultPlan<Call extends { readonly operation: string }> {
	readonly #injected = new Set<Injected<Call>>();

	inject(fault: SecretsManagerFault, options: FaultOptions<Call> = {}): { stop(): void } {
		const { times = Number.POSITIVE_INFINITY, when = call => call.operation === 'GetSecretValue' } = options;
		const injected = { fault, when, left: times };
		this.#injected.add(injected);
		return { stop: () => void this.#injected.delete(injected) };
	}

	/** Delays add up; of the ways to fail the first injected that applies is taken. */
	hit(call: Call): Hit {
		let latencyMs = 0;
		for (const injected of this.#injected) {
			if (injected.left <= 0 || !injected.when(call)) {
				continue;
			}

			injected.left--;
			const { fault } = injected;
			if (typeof fault === 'object' && 'latencyMs' in fault) {
				latencyMs += fault.latencyMs;
			} else {
				return { latencyMs, ...wayOf(fault) };
			}
		}

		return { latencyMs };
	}
}

function wayOf(fault: Exclude<SecretsManagerFault, { readonly latencyMs: number }>): Omit<Hit, 'latencyMs'> {
	if (typeof fault === 'string') {
		return fault in NAMED
			? { refusal: NAMED[fault as keyof typeof NAMED] }
			: { transport: fault as 'hang' | 'stall' | 'truncate' | 'reset' };
	}

	return 'html' in fault
		? { html: fault.html }
		: { refusal: new AwsFault(fault.type, fault.message, fault.status) };
}
