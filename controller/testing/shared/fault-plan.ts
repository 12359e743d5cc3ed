// Faults of an embedded server, on demand: which request is hit, how often, and how.

/**
 * What can befall any answer. `hang` never answers, `stall` falls silent within the body, `truncate` ends the
 * connection there, `reset` before the headers; `oversized` announces and sends a body of 3 MiB, `endless` sends one
 * without a length until the other side hangs up, `compressed` sends gzip without being asked for it; `html` answers as a
 * proxy does, with the status given; `latencyMs` only delays.
 */
export type TransportFault = (typeof TRANSPORT_FAULTS)[number];

const TRANSPORT_FAULTS = [
	'hang',
	'stall',
	'truncate',
	'reset',
	'oversized',
	'endless',
	'compressed',
] as const;

/** A failure below the language of the store. */
export type WireFault = TransportFault | { readonly html: number } | { readonly latencyMs: number };

/** A fault that is in force. */
export type ActiveFault = {
	/** Ends the fault. */
	stop(): void;
};

/** Which requests a fault hits, and how many. */
export type FaultOptions<Call> = {
	/** How many requests it hits. Default: all until `stop`. */
	readonly times?: number;
	/** Which requests it hits. Default: reads of values. */
	readonly when?: (call: Call) => boolean;
};

/** What hits one request: a delay, and one way to fail. */
export type Hit<Refusal> = {
	readonly latencyMs: number;
	readonly transport?: TransportFault;
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
		: (TRANSPORT_FAULTS as readonly unknown[]).includes(fault);
}
