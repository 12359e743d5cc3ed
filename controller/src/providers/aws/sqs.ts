// An SQS queue of change notices: held receives, deletion and hiding in batches, through the AWS SDK.
import {
	ChangeMessageVisibilityBatchCommand,
	DeleteMessageBatchCommand,
	ReceiveMessageCommand,
	SQSClient,
} from '@aws-sdk/client-sqs';
import { JasmError } from '../../errors.ts';
import type { Clock } from '../../runtime/clock.ts';
import { type ChangeQueue, QUEUE_BATCH, type QueueMessage } from '../notice.ts';
import type { Environment } from '../provider.ts';
import { withDeadline } from '../shared/deadline.ts';
import { type AwsIdentity, credentialsOf, sdkConfig } from './credentials.ts';
import type { QueueUrl } from './queue-url.ts';
import type { AwsSettings } from './settings.ts';
import { queueError } from './sqs-errors.ts';
import { AwsTransport } from './transport.ts';

export type SqsQueueOptions = {
	/** The URL of the queue, and what it says. */
	readonly url: string;
	readonly parts: QueueUrl;
	/** The provider whose identity reads the queue. */
	readonly settings: AwsSettings;
	readonly env: Environment;
	readonly clock: Clock;
};

/** Seconds for which the service holds a receive open. */
const WAIT_SECONDS = 20;
/** Longer than a receive is held, so that an idle queue is no timeout. */
const REQUEST_MS = 30_000;
const CALL_MS = 45_000;
const HIDDEN_SECONDS = 120;

export class SqsQueue implements ChangeQueue {
	readonly #options: SqsQueueOptions;
	readonly #requestHandler: AwsTransport;
	readonly #credentials: () => Promise<AwsIdentity>;
	readonly #closing = new AbortController();
	#client: SQSClient | undefined;
	/** Messages of one receive; one after an answer that was too large to read. */
	#batch = QUEUE_BATCH;

	constructor(options: SqsQueueOptions) {
		const { settings, env, clock } = options;
		this.#options = options;
		this.#requestHandler = new AwsTransport({ ...settings, timeoutMs: REQUEST_MS }, env, clock);
		const requestHandler = this.#requestHandler;
		this.#credentials = credentialsOf({ settings, env, clock, requestHandler }, REQUEST_MS);
	}

	async receive(signal: AbortSignal): Promise<readonly QueueMessage[]> {
		const batch = this.#batch;
		this.#batch = 1;
		const command = new ReceiveMessageCommand({
			QueueUrl: this.#options.url,
			MaxNumberOfMessages: batch,
			WaitTimeSeconds: WAIT_SECONDS,
			VisibilityTimeout: HIDDEN_SECONDS,
		});
		const { Messages = [] } = await this.#call('receiving change notices', signal, (client, abortSignal) =>
			client.send(command, { abortSignal }),
		);
		this.#batch = QUEUE_BATCH;
		return Messages.map(({ ReceiptHandle = '', Body = '' }) => ({ receipt: ReceiptHandle, body: Body }));
	}

	async delete(receipts: readonly string[], signal: AbortSignal): Promise<number> {
		const command = new DeleteMessageBatchCommand({
			QueueUrl: this.#options.url,
			Entries: receipts.map((receipt, index) => ({ Id: String(index), ReceiptHandle: receipt })),
		});
		const { Failed = [] } = await this.#call('deleting change notices', signal, (client, abortSignal) =>
			client.send(command, { abortSignal }),
		);
		return Failed.length;
	}

	async hide(receipts: readonly string[], seconds: number, signal: AbortSignal): Promise<void> {
		const command = new ChangeMessageVisibilityBatchCommand({
			QueueUrl: this.#options.url,
			Entries: receipts.map((receipt, index) => ({
				Id: String(index),
				ReceiptHandle: receipt,
				VisibilityTimeout: seconds,
			})),
		});
		await this.#call('keeping change notices', signal, (client, abortSignal) =>
			client.send(command, { abortSignal }),
		);
	}

	async close(): Promise<void> {
		this.#closing.abort();
		this.#client?.destroy();
		this.#requestHandler.destroy();
	}

	async #call<T>(
		what: string,
		signal: AbortSignal,
		send: (client: SQSClient, signal: AbortSignal) => Promise<T>,
	): Promise<T> {
		const { clock, parts } = this.#options;
		const subject = `${what} of queue "${parts.name}"`;
		this.#client ??= this.#newClient();
		const client = this.#client;
		try {
			const signals = [signal, this.#closing.signal];
			const bounds = { clock, deadlineMs: CALL_MS, subject, signals };
			return await withDeadline(bounds, abortSignal => send(client, abortSignal));
		} catch (error) {
			const coded = queueError(subject, error);
			if (coded.code === 'CHANGE_SOURCE_DENIED' && this.#client === client) {
				// The client holds the refused credentials. Without it the next call signs in again.
				this.#client = undefined;
			}

			throw coded;
		}
	}

	#newClient(): SQSClient {
		const { settings, parts } = this.#options;
		return new SQSClient({
			...sdkConfig(settings, this.#requestHandler),
			// The loop that receives has its own backoff.
			maxAttempts: 1,
			// The service is asked by TLS; a FIPS build of Node has no MD5.
			md5: false,
			region: parts.region ?? settings.region,
			credentials: this.#credentials,
		});
	}
}

/** The queue of a provider. */
export function openSqsQueue(options: Omit<SqsQueueOptions, 'parts'> & { parts: QueueUrl | undefined }) {
	const { parts } = options;
	if (parts === undefined) {
		throw new JasmError(`opening queue ${options.url}: it is not the URL of an SQS queue`, {
			code: 'CONFIG_INVALID',
		});
	}

	return new SqsQueue({ ...options, parts });
}
