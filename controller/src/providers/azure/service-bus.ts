// A Service Bus queue of change notices over its HTTPS interface: held receives, completion, renewal of locks.
import { JasmError } from '../../errors.ts';
import type { Clock } from '../../runtime/clock.ts';
import type { ChangeQueue, QueueMessage } from '../notice.ts';
import type { Environment } from '../provider.ts';
import type { Service } from '../shared/call-error.ts';
import { withDeadline } from '../shared/deadline.ts';
import { identifier } from '../shared/failure.ts';
import { type HttpAnswer, HttpsCaller } from '../shared/https-client.ts';
import { queueFailure, unansweredQueue } from '../shared/queue-failure.ts';
import { AzureIdentity } from './credential.ts';
import { queueNameIn } from './queue-url.ts';
import type { AzureSettings } from './settings.ts';

export type ServiceBusQueueOptions = {
	readonly url: string;
	/** The provider whose identity reads the queue. */
	readonly settings: AzureSettings;
	readonly env: Environment;
	readonly clock: Clock;
};

const SERVICE_BUS: Service = { name: 'Service Bus', host: 'queueUrl' };

/** The same in every cloud. */
const SCOPE = 'https://servicebus.azure.net/.default';

/** Seconds for which the service holds a receive open: of an idle queue, and of one that had messages. */
const IDLE_SECONDS = 60;
const BUSY_SECONDS = 1;
/** One receive returns one message, so a busy queue is asked several times at once. */
const BUSY_RECEIVES = 4;
/** Longer than a receive is held, so that an idle queue is no timeout. */
const CALL_MS = 75_000;

/** The message and its lock, at the end of a lock's address. */
const LOCK = /\/(?<message>[\w.~%-]{1,256})\/(?<lock>[\w-]{1,128})$/;

/** Fails only with JasmError CHANGE_SOURCE_UNAVAILABLE, CHANGE_SOURCE_DENIED or ABORTED. */
export class ServiceBusQueue implements ChangeQueue {
	readonly #options: ServiceBusQueueOptions;
	readonly #base: string;
	readonly #name: string;
	readonly #caller: HttpsCaller;
	readonly #identity: AzureIdentity;
	readonly #closing = new AbortController();
	#busy = false;

	/** @throws JasmError CONFIG_INVALID where the URL is none of a queue */
	constructor(options: ServiceBusQueueOptions) {
		const { url, settings, env, clock } = options;
		const name = queueNameIn(url);
		if (name === undefined) {
			throw new JasmError(`opening queue ${url}: it is not the URL of a Service Bus queue`, {
				code: 'CONFIG_INVALID',
			});
		}

		this.#options = options;
		this.#name = name;
		this.#base = `${new URL(url).origin}/${name}/messages`;
		this.#caller = new HttpsCaller({ clock, config: settings, env });
		const scoped = { ...settings, scope: SCOPE };
		this.#identity = new AzureIdentity({ settings: scoped, env, clock, caller: this.#caller });
	}

	async receive(signal: AbortSignal): Promise<readonly QueueMessage[]> {
		const messages = this.#busy ? await this.#receiveSeveral(signal) : [];
		this.#busy = messages.length > 0;
		if (messages.length > 0) {
			return messages;
		}

		const one = await this.#receiveOne(IDLE_SECONDS, signal);
		this.#busy = one.length > 0;
		return one;
	}

	async delete(receipts: readonly string[], signal: AbortSignal): Promise<number> {
		const done = await Promise.all(
			receipts.map(receipt =>
				this.#call({ what: 'deleting a change notice', method: 'DELETE', path: receipt, signal }),
			),
		);
		return done.filter(({ status }) => status !== 200).length;
	}

	/** Once, for as long as the queue locks messages; after that they come again, which costs no read. */
	async hide(receipts: readonly string[], _seconds: number, signal: AbortSignal): Promise<void> {
		await Promise.all(
			receipts.map(receipt =>
				this.#call({ what: 'keeping a change notice', method: 'POST', path: receipt, signal }),
			),
		);
	}

	async close(): Promise<void> {
		this.#closing.abort();
		this.#identity.close();
		this.#caller.close();
	}

	/** A failure counts only where nothing was received: the messages of the others are locked by now. */
	async #receiveSeveral(signal: AbortSignal): Promise<QueueMessage[]> {
		const receives = Array.from({ length: BUSY_RECEIVES }, () => this.#receiveOne(BUSY_SECONDS, signal));
		const settled = await Promise.allSettled(receives);
		const messages = settled.flatMap(each => (each.status === 'fulfilled' ? each.value : []));
		const failed = settled.find(each => each.status === 'rejected');
		if (messages.length === 0 && failed !== undefined) {
			throw failed.reason;
		}

		return messages;
	}

	async #receiveOne(seconds: number, signal: AbortSignal): Promise<readonly QueueMessage[]> {
		const { status, headers, body } = await this.#call({
			what: 'receiving change notices',
			method: 'POST',
			path: `head?timeout=${seconds}`,
			signal,
		});
		if (status === 204) {
			return [];
		}

		// The token goes to no host but the configured one, whatever this address says: only its ids are used.
		const { message, lock } = LOCK.exec(URL.parse(headers.location ?? '')?.pathname ?? '')?.groups ?? {};
		if (message === undefined || lock === undefined) {
			throw queueFailure(
				`receiving change notices of queue "${this.#name}": an answer of Service Bus has no lock`,
				'CHANGE_SOURCE_UNAVAILABLE',
				{ status },
			);
		}

		return [{ receipt: `${message}/${lock}`, body: body.toString() }];
	}

	/** An answer of the operation itself; a lock that is lost is one. */
	async #call({ what, method, path, signal }: Call): Promise<HttpAnswer> {
		const subject = `${what} of queue "${this.#name}"`;
		const bounds = {
			clock: this.#options.clock,
			deadlineMs: CALL_MS,
			subject,
			signals: [signal, this.#closing.signal],
		};
		let answer: HttpAnswer;
		try {
			answer = await withDeadline(bounds, async abortSignal => {
				const { token } = await this.#identity.getToken();
				const headers = { authorization: `Bearer ${token}`, 'content-length': 0 };
				return this.#caller.call({ url: new URL(`${this.#base}/${path}`), method, headers }, abortSignal);
			});
		} catch (error) {
			throw unansweredQueue(subject, error, SERVICE_BUS);
		}

		const { status } = answer;
		const ofLock = !path.startsWith('head?');
		if (status === 200 || status === 201 || (!ofLock && status === 204)) {
			return answer;
		}

		if (ofLock && (status === 404 || status === 410)) {
			return answer;
		}

		if (status === 401) {
			this.#identity.drop();
		}

		throw refusal(subject, answer);
	}
}

type Call = {
	readonly what: string;
	readonly method: 'POST' | 'DELETE';
	/** Below the messages of the queue. */
	readonly path: string;
	readonly signal: AbortSignal;
};

/** By status, with fixed texts; nothing that the service said is kept. */
function refusal(subject: string, { status, headers }: HttpAnswer): JasmError {
	const details = { status, ...identifier('requestId', headers['x-ms-request-id']) };
	const text = DENIED.get(status);
	return text === undefined
		? queueFailure(`${subject}: no usable answer from Service Bus`, 'CHANGE_SOURCE_UNAVAILABLE', details)
		: queueFailure(`${subject}: ${text}`, 'CHANGE_SOURCE_DENIED', details);
}

const MISSING = 'Service Bus has no such queue, or the namespace is another one: check queueUrl';

const DENIED: ReadonlyMap<number, string> = new Map([
	[401, 'Service Bus does not accept the token: check the tenant of the namespace'],
	[
		403,
		'access denied: the identity lacks the role Azure Service Bus Data Receiver on this queue, or the network ' +
			'rules of the namespace refuse JASM',
	],
	[404, MISSING],
	[410, MISSING],
]);
