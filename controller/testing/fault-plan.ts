// Faults of an embedded server, on demand: which request is hit, how often, and how.

/**
 * What can befall any answer. `hang` never answers, `stall` falls silent within the body, `truncate` ends the
 * connection there, `reset` before the headers; `html` answers as a proxy does, with the status given;
 * `latencyMs` only delays.
 */
export type WireFault =
	| 'hang'
	| 'stall'
	| 'truncate'
	| 'reset'
	| { readonly html: number }
	| { readonly latencyMs: number };

export type FaultOptions<Call> = {
	/** How many requests it hits. Default: all until `stop`. */
	readonly times?: number;
	/** Which requests it hits. Default: reads of values. */
	readonly when?: (call: Call) => boolean;
};

/** What hits one request: a delay, and one way to fail. */
export type Hit<Refusal> = {
	readonly latencyMs: number;
	readonly transport?: 'hang' | 'stall' | 'truncate' | 'reset';
	/** Status of a page in HTML instead of the answer. */
	readonly html?: number;
	/** In the language of the server. */
	readonly refusal?: Refusal;
};

export type FaultPlanOptions<Call, Fault, Refusal> = {
	/** The refusal that a fault of the server's own stands for. */
	readonly refusalOf: (fault: Exclude<Fault, WireFault>) => Refusal;
	/** What is hit where a fault does not say it. */
	readonly isRead: (call: Call) => boolean;
};

type Injected<Call, Fault> = {
	readonly fault: Fault;
	readonly when: (call: Call) => boolean;
	left: number;
};

export class FaultPlan<Call, Fault, Refusal> {
	readonly #options: FaultPlanOptions<Call, Fault, Refusal>;
	readonly #injected = new Set<Injected<Call, Fault>>();

	constructor(options: FaultPlanOptions<Call, Fault, Refusal>) {
		this.#options = options;
	}

	inject(fault: Fault, options: FaultOptions<Call> = {}): { stop(): void } {
		const { times = Number.POSITIVE_INFINITY, when = this.#options.isRead } = options;
		const injected = { fault, when, left: times };
		this.#injected.add(injected);
		return { stop: () => void this.#injected.delete(injected) };
	}

	/** Delays add up; of the ways to fail the first injected that applies is taken. */
	hit(call: Call): Hit<Refusal> {
		let latencyMs = 0;
		for (const injected of this.#injected) {
			if (injected.left <= 0 || !injected.when(call)) {
				continue;
			}

			injected.left--;
			const { fault } = injected;
			if (!isWireFault(fault)) {
				return { latencyMs, refusal: this.#options.refusalOf(fault as Exclude<Fault, WireFault>) };
			}

			if (typeof fault === 'string') {
				return { latencyMs, transport: fault };
			}

			if ('html' in fault) {
				return { latencyMs, html: fault.html };
			}

			latencyMs += fault.latencyMs;
		}

		return { latencyMs };
	}
}

function isWireFault(fault: unknown): fault is WireFault {
	return typeof fault === 'object' && fault !== null
		? 'html' in fault || 'latencyMs' in fault
		: ['hang', 'stall', 'truncate', 'reset'].includes(String(fault));
}
