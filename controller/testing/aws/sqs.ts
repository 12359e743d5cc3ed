// An embedded AWS SQS for standard queues: held receives, visibility, dead letters; scripted faults, a call log.
import { createHash } from 'node:crypto';
import type { CallLog } from '../shared/call-log.ts';
import { type ActiveFault, type FaultOptions, FaultPlan, type WireFault } from '../shared/fault-plan.ts';
import { FaultyServer, type WireAnswer, type WireRequest } from '../shared/faulty-server.ts';
import { type Message, Queue, type QueueClock, systemQueueClock } from '../shared/message-queue.ts';
import { AwsFault } from './fault.ts';

export type { QueueClock } from '../shared/message-queue.ts';

/** Every setting has a default. */
export type SqsOptions = {
	/** Default: 123456789012. */
	readonly accountId?: string;
	/** By which receives are held and messages are hidden. Default: that of the process. */
	readonly clock?: QueueClock;
};

/** A failure by its name, or one of the wire. */
export type SqsFault = keyof typeof NAMED | WireFault;

/** One request as it came in. */
export type SqsCall = {
	/** ReceiveMessage, DeleteMessageBatch, ... */
	readonly operation: string;
	readonly queue: string;
	readonly input: Readonly<Record<string, unknown>>;
	readonly accessKeyId: string | undefined;
};

/** An embedded SQS. The methods act at once, as the owner of the account. */
export type Sqs = {
	/** Of the server. */
	readonly url: string;
	readonly calls: readonly SqsCall[];
	/** Requests so far of one operation. */
	count(operation: string): number;
	waitForCall: CallLog<SqsCall>['waitFor'];
	/** Creates a queue; returns its URL. With `deadLetters` a message moves there after `maxReceives`. */
	create(name: string, options?: { readonly deadLetters?: string; readonly maxReceives?: number }): string;
	/** Objects are sent as JSON. */
	send(queue: string, body: string | object): void;
	/** Messages that are not deleted, hidden ones too. */
	messages(queue: string): readonly Message[];
	/** Calls back after every request that was answered; returns the function that ends it. */
	onChange(listener: () => void): () => void;
	/** So many entries of deletions to come fail. */
	failDeletions(count: number): void;
	/** Makes requests fail, until `stop`. */
	inject(fault: SqsFault, options?: FaultOptions<SqsCall>): ActiveFault;
	/** Ends every connection and stops. */
	close(): Promise<void>;
};

const NAMED = {
	'access-denied': new AwsFault('AccessDeniedException', 'Access to the resource is denied.', 403),
	'no-queue': new AwsFault('com.amazonaws.sqs#QueueDoesNotExist', 'The specified queue does not exist.', 400),
	'expired-token': new AwsFault('ExpiredToken', 'The security token in the request is expired', 403),
	'internal-error': new AwsFault('InternalFailure', 'We encountered an internal error.', 500),
} as const;

const CREDENTIAL = /Credential=(?<accessKeyId>[^/]+)\//;

/**
 * Starts SQS on 127.0.0.1. It holds the event loop open until `close`.
 *
 * @example
 * ```ts
 * import { startSqs } from '@jasm/controller/testing';
 *
 * const sqs = await startSqs();
 * console.log(sqs.create('changes'));
 * sqs.send('changes', { detail: { name: '/prod/db' } });
 * await sqs.close();
 * ```
 */
export async function startSqs(options: SqsOptions = {}): Promise<Sqs> {
	const sqs = new EmbeddedSqs(options);
	await sqs.listen();
	return sqs;
}

type Entry = {
	readonly Id?: string;
	readonly ReceiptHandle?: string;
	readonly VisibilityTimeout?: number;
};

type Input = Entry & {
	readonly QueueUrl?: string;
	readonly QueueName?: string;
	readonly MessageBody?: string;
	readonly MaxNumberOfMessages?: number;
	readonly WaitTimeSeconds?: number;
	readonly Entries?: readonly Entry[];
	readonly Attributes?: Readonly<Record<string, string>>;
};

class EmbeddedSqs implements Sqs {
	readonly #account: string;
	readonly #clock: QueueClock;
	readonly #queues = new Map<string, Queue>();
	readonly #server: FaultyServer<SqsCall, SqsFault, AwsFault>;
	readonly #listeners = new Set<() => void>();
	#failingDeletions = 0;
	/** A function of its own, so that it can be handed on. */
	readonly onChange = (listener: () => void) => {
		this.#listeners.add(listener);
		return () => void this.#listeners.delete(listener);
	};

	constructor({ accountId = '123456789012', clock = systemQueueClock }: SqsOptions) {
		this.#account = accountId;
		this.#clock = clock;
		this.#server = new FaultyServer({
			faults: new FaultPlan<SqsCall, SqsFault, AwsFault>({
				isRead: ({ operation }) => operation === 'ReceiveMessage',
				refusalOf: fault => NAMED[fault],
			}),
			read: request => this.#read(request),
		});
	}

	listen(): Promise<void> {
		return this.#server.listen();
	}

	get url(): string {
		return this.#server.url;
	}

	get calls(): readonly SqsCall[] {
		return this.#server.calls;
	}

	count(operation: string): number {
		return this.calls.filter(call => call.operation === operation).length;
	}

	waitForCall(matches: (call: SqsCall) => boolean, timeoutMs?: number) {
		return this.#server.waitForCall(matches, timeoutMs);
	}

	create(
		name: string,
		{ deadLetters, maxReceives }: { readonly deadLetters?: string; readonly maxReceives?: number } = {},
	): string {
		const toDeadLetters = deadLetters === undefined ? undefined : this.#queueNamed(deadLetters);
		this.#queues.set(name, new Queue({ clock: this.#clock, deadLetters: toDeadLetters, maxReceives }));
		return this.#urlOf(name);
	}

	send(queue: string, body: string | object): void {
		this.#queueNamed(queue).send(typeof body === 'string' ? body : JSON.stringify(body));
	}

	messages(queue: string): readonly Message[] {
		return this.#queueNamed(queue).messages;
	}

	failDeletions(count: number): void {
		this.#failingDeletions = count;
	}

	inject(fault: SqsFault, options?: FaultOptions<SqsCall>) {
		return this.#server.inject(fault, options);
	}

	close(): Promise<void> {
		return this.#server.close();
	}

	#urlOf(name: string): string {
		return `${this.url}/${this.#account}/${name}`;
	}

	#read({ headers, body, gone }: WireRequest) {
		const operation = String(headers['x-amz-target'] ?? '').replace(/^AmazonSQS\./, '');
		const input = JSON.parse(body || '{}') as Input;
		const queue = input.QueueUrl?.split('/').at(-1) ?? input.QueueName ?? '';
		const { accessKeyId } = CREDENTIAL.exec(headers.authorization ?? '')?.groups ?? {};
		return {
			call: { operation, queue, input, accessKeyId },
			answer: async (refusal: AwsFault | undefined): Promise<WireAnswer> => {
				try {
					if (refusal !== undefined) {
						throw refusal;
					}

					const content = await this.#run(operation, queue, input, gone);
					for (const listener of this.#listeners) {
						listener();
					}

					return answerOf(200, content);
				} catch (error) {
					if (error instanceof AwsFault) {
						return answerOf(error.status, { __type: error.type, message: error.message });
					}

					throw error;
				}
			},
		};
	}

	async #run(operation: string, name: string, input: Input, gone: AbortSignal): Promise<object> {
		switch (operation) {
			case 'CreateQueue':
				return { QueueUrl: this.#createByRequest(name, input.Attributes) };
			case 'SendMessage':
				return sent(input.MessageBody ?? '', this.#queueNamed(name));
			case 'ReceiveMessage':
				return received(input, this.#queueNamed(name), gone);
			case 'DeleteMessageBatch':
				return batch(input.Entries, ({ ReceiptHandle = '' }) => {
					if (this.#failingDeletions > 0) {
						this.#failingDeletions--;
						return false;
					}

					this.#queueNamed(name).delete(ReceiptHandle);
					return true;
				});
			case 'ChangeMessageVisibilityBatch':
				return batch(input.Entries, ({ ReceiptHandle = '', VisibilityTimeout = 0 }) =>
					this.#queueNamed(name).hide(ReceiptHandle, VisibilityTimeout * 1_000),
				);
			default:
				throw new AwsFault('InvalidAction', `The action ${operation} is not valid.`);
		}
	}

	#createByRequest(name: string, attributes: Readonly<Record<string, string>> = {}): string {
		const { deadLetterTargetArn = '', maxReceiveCount } = JSON.parse(attributes['RedrivePolicy'] ?? '{}');
		return this.create(name, {
			...(deadLetterTargetArn !== '' && { deadLetters: deadLetterTargetArn.split(':').at(-1) }),
			...(maxReceiveCount !== undefined && { maxReceives: Number(maxReceiveCount) }),
		});
	}

	#queueNamed(name: string): Queue {
		const queue = this.#queues.get(name);
		if (queue === undefined) {
			throw NAMED['no-queue'];
		}

		return queue;
	}
}

const md5 = (text: string) => createHash('md5').update(text).digest('hex');

const sent = (body: string, queue: Queue) => ({
	MessageId: queue.send(body),
	MD5OfMessageBody: md5(body),
});

async function received(
	{ MaxNumberOfMessages: most = 1, WaitTimeSeconds: wait = 0, VisibilityTimeout: hidden = 30 }: Input,
	queue: Queue,
	gone: AbortSignal,
) {
	const messages = await queue.receive({ most, waitMs: wait * 1_000, hiddenMs: hidden * 1_000 }, gone);
	const Messages = messages.map(({ id, receipt, body }) => ({
		MessageId: id,
		ReceiptHandle: receipt,
		Body: body,
		MD5OfBody: md5(body),
	}));
	return messages.length === 0 ? {} : { Messages };
}

/** Entries are tried one by one; a receipt that is not known is no failure of the call. */
function batch(entries: readonly Entry[] = [], succeeds: (entry: Entry) => boolean) {
	const results = entries.map(entry => ({ Id: entry.Id ?? '', done: succeeds(entry) }));
	const failure = { SenderFault: false, Code: 'InternalError', Message: 'We encountered an internal error.' };
	return {
		Successful: results.filter(({ done }) => done).map(({ Id }) => ({ Id })),
		Failed: results.filter(({ done }) => !done).map(({ Id }) => ({ Id, ...failure })),
	};
}

const answerOf = (status: number, content: object): WireAnswer => ({
	status,
	headers: { 'content-type': 'application/x-amz-json-1.0' },
	body: JSON.stringify(content),
});
