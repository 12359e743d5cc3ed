// An embedded Azure Service Bus: held receives, locks, delivery counts, dead letters; scripted faults, a call log.
import type { CallLog } from '../shared/call-log.ts';
import { type ActiveFault, type FaultOptions, FaultPlan, type WireFault } from '../shared/fault-plan.ts';
import { FaultyServer, type WireAnswer, type WireRequest } from '../shared/faulty-server.ts';
import { type Message, Queue, type QueueClock, systemQueueClock } from '../shared/message-queue.ts';

/** Every setting has a default. */
export type ServiceBusOptions = {
	/** By which receives are held and messages are locked. Default: that of the process. */
	readonly clock?: QueueClock;
	/** Whether a token of Entra is in force for the resource of Service Bus. Default: each is. */
	readonly accepts?: (token: string, resource: string) => boolean;
	/** Begins the lock URLs. Default: the URL of the server. */
	readonly lockUrl?: string;
};

/** A failure by its name, or one of the wire. */
export type ServiceBusFault = keyof typeof NAMED | WireFault;

/** One request as it came in. */
export type ServiceBusCall = {
	/** `Unknown` is a request of no such operation. */
	readonly operation: 'Receive' | 'Complete' | 'RenewLock' | 'Unknown';
	readonly queue: string;
	/** Seconds for which a receive may be held. */
	readonly timeout: number;
	/** Of the message that is completed or renewed. */
	readonly lock: string;
};

/** An embedded Service Bus. The methods act at once, as the owner of the namespace. */
export type ServiceBus = {
	/** https URL of the server. */
	readonly url: string;
	/** PEM of the authority to trust. */
	readonly ca: string;
	readonly calls: readonly ServiceBusCall[];
	/** Requests so far of one operation. */
	count(operation: ServiceBusCall['operation']): number;
	waitForCall: CallLog<ServiceBusCall>['waitFor'];
	/**
	 * Creates a queue; returns its URL. After `maxDeliveries` (default 10) a message moves to `NAME/$deadletterqueue`.
	 * A lock lasts `lockSeconds` (default 60).
	 */
	create(name: string, options?: { readonly lockSeconds?: number; readonly maxDeliveries?: number }): string;
	/** Objects are sent as JSON. */
	send(queue: string, body: string | object): void;
	/** Messages that are not completed, locked ones too. */
	messages(queue: string): readonly Message[];
	/** Calls back after every request that was answered; returns the function that ends it. */
	onChange(listener: () => void): () => void;
	/** Makes requests fail, until `stop`. */
	inject(fault: ServiceBusFault, options?: FaultOptions<ServiceBusCall>): ActiveFault;
	/** Ends every connection and stops. */
	close(): Promise<void>;
};

const RESOURCE = 'https://servicebus.azure.net';

const NAMED = {
	unauthorized: { status: 401, detail: 'InvalidSignature: The token has an invalid signature.' },
	forbidden: { status: 403, detail: "Unauthorized access. 'Listen' claim(s) are required." },
	gone: { status: 410, detail: 'The requested resource does not exist.' },
	'lock-lost': { status: 410, detail: 'The lock supplied is invalid. Either the lock expired.' },
	throttled: { status: 429, detail: 'The request was terminated because the namespace is being throttled.' },
	'internal-error': { status: 500, detail: 'The server was unable to process the request.' },
} as const;

type Refusal = (typeof NAMED)[keyof typeof NAMED];
type Locked = { readonly queue: Queue; readonly lockMs: number };

/**
 * Starts Service Bus on 127.0.0.1. It holds the event loop open until `close`.
 *
 * @example
 * ```ts
 * import { startServiceBus } from '@jasm/controller/testing';
 *
 * const serviceBus = await startServiceBus();
 * console.log(serviceBus.create('changes'));
 * serviceBus.send('changes', { specversion: '1.0' });
 * await serviceBus.close();
 * ```
 */
export async function startServiceBus(options: ServiceBusOptions = {}): Promise<ServiceBus> {
	const bus = new EmbeddedServiceBus(options);
	await bus.listen();
	return bus;
}

class EmbeddedServiceBus implements ServiceBus {
	readonly #options: ServiceBusOptions;
	readonly #queues = new Map<string, Locked>();
	readonly #server: FaultyServer<ServiceBusCall, ServiceBusFault, Refusal>;
	readonly #listeners = new Set<() => void>();
	/** A function of its own, so that it can be handed on. */
	readonly onChange = (listener: () => void) => {
		this.#listeners.add(listener);
		return () => void this.#listeners.delete(listener);
	};

	constructor(options: ServiceBusOptions) {
		this.#options = options;
		this.#server = new FaultyServer({
			tls: true,
			faults: new FaultPlan<ServiceBusCall, ServiceBusFault, Refusal>({
				isRead: ({ operation }) => operation === 'Receive',
				refusalOf: fault => NAMED[fault],
			}),
			read: request => {
				const call = callOf(request);
				return { call, answer: refusal => this.#answer(request, call, refusal) };
			},
		});
	}

	listen(): Promise<void> {
		return this.#server.listen();
	}

	get url(): string {
		return this.#server.url;
	}

	get ca(): string {
		return this.#server.ca!;
	}

	get calls(): readonly ServiceBusCall[] {
		return this.#server.calls;
	}

	count(operation: ServiceBusCall['operation']): number {
		return this.calls.filter(call => call.operation === operation).length;
	}

	waitForCall(matches: (call: ServiceBusCall) => boolean, timeoutMs?: number) {
		return this.#server.waitForCall(matches, timeoutMs);
	}

	create(
		name: string,
		{
			lockSeconds = 60,
			maxDeliveries = 10,
		}: { readonly lockSeconds?: number; readonly maxDeliveries?: number } = {},
	): string {
		const { clock = systemQueueClock } = this.#options;
		const lockMs = lockSeconds * 1_000;
		const deadLetters = new Queue({ clock });
		this.#queues.set(`${name}/$deadletterqueue`, { queue: deadLetters, lockMs });
		this.#queues.set(name, { queue: new Queue({ clock, deadLetters, maxReceives: maxDeliveries }), lockMs });
		return `${this.url}/${name}`;
	}

	send(queue: string, body: string | object): void {
		this.#queues.get(queue)!.queue.send(typeof body === 'string' ? body : JSON.stringify(body));
	}

	messages(queue: string): readonly Message[] {
		return this.#queues.get(queue)!.queue.messages;
	}

	inject(fault: ServiceBusFault, options?: FaultOptions<ServiceBusCall>) {
		return this.#server.inject(fault, options);
	}

	close(): Promise<void> {
		return this.#server.close();
	}

	async #answer(request: WireRequest, call: ServiceBusCall, refusal?: Refusal): Promise<WireAnswer> {
		const { accepts = () => true } = this.#options;
		const token = /^Bearer (.+)$/.exec(request.headers.authorization ?? '')?.[1] ?? '';
		const named = this.#queues.get(call.queue);
		const answer =
			refusal !== undefined
				? refused(refusal)
				: !accepts(token, RESOURCE)
					? refused(NAMED.unauthorized)
					: named === undefined
						? refused(NAMED.gone)
						: await this.#run(call, named, request.gone);
		for (const listener of this.#listeners) {
			listener();
		}

		return answer;
	}

	async #run(call: ServiceBusCall, { queue, lockMs }: Locked, gone: AbortSignal): Promise<WireAnswer> {
		const { operation, lock, timeout } = call;
		if (operation === 'Receive') {
			const [message] = await queue.receive({ most: 1, waitMs: timeout * 1_000, hiddenMs: lockMs }, gone);
			return message === undefined ? { status: 204 } : this.#lockedAnswer(call, message);
		}

		if (!queue.isHeldBy(lock)) {
			return refused(NAMED['lock-lost']);
		}

		if (operation === 'Complete') {
			queue.delete(lock);
		} else {
			queue.hide(lock, lockMs);
		}

		return { status: 200 };
	}

	#lockedAnswer(
		{ queue }: ServiceBusCall,
		{ id, receipt, body, receives }: Awaited<ReturnType<Queue['receive']>>[number],
	): WireAnswer {
		const { lockUrl = this.url } = this.#options;
		return {
			status: 201,
			headers: {
				'content-type': 'application/cloudevents+json',
				location: `${lockUrl}/${queue}/messages/${id}/${receipt}`,
				brokerproperties: JSON.stringify({ DeliveryCount: receives, LockToken: receipt, MessageId: id }),
			},
			body,
		};
	}
}

const refused = ({ status, detail }: Refusal): WireAnswer => ({
	status,
	headers: { 'content-type': 'application/xml' },
	body: `<Error><Code>${status}</Code><Detail>${detail}</Detail></Error>`,
});

const LOCKED = /^\/(?<queue>.+)\/messages\/[^/]+\/(?<lock>[^/]+)$/;
const HEAD = /^\/(?<queue>.+)\/messages\/head$/;

function callOf({ method, url }: WireRequest): ServiceBusCall {
	const timeout = Number(url.searchParams.get('timeout') ?? 60);
	const head = method === 'POST' ? HEAD.exec(url.pathname)?.groups : undefined;
	if (head !== undefined) {
		return { operation: 'Receive', queue: head['queue']!, timeout, lock: '' };
	}

	const { queue = '', lock = '' } = LOCKED.exec(url.pathname)?.groups ?? {};
	const operation = lock && ({ DELETE: 'Complete', POST: 'RenewLock' } as const)[method];
	return { operation: operation || 'Unknown', queue, timeout, lock };
}
