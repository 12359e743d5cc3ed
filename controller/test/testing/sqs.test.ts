// The embedded SQS, driven by the real AWS SDK; the same is promised of any other implementation that
// JASM_TEST_AWS_ENDPOINT names (moto, for instance).
import { randomUUID } from 'node:crypto';
import {
	ChangeMessageVisibilityBatchCommand,
	CreateQueueCommand,
	DeleteMessageBatchCommand,
	ReceiveMessageCommand,
	SendMessageCommand,
	SQSClient,
} from '@aws-sdk/client-sqs';
import test, { type ExecutionContext } from 'ava';
import { createProviders } from '../../src/providers/registry.ts';
import { systemClock } from '../../src/runtime/clock.ts';
import { startSqs } from '../../testing/aws/sqs.ts';
import { checked } from '../helpers/provider-config.ts';
import { failure } from '../helpers/servers/secrets-manager-client.ts';

const KEYS = { accessKeyId: 'AKIATEST', secretAccessKey: 'test' };

const elsewhere = process.env['JASM_TEST_AWS_ENDPOINT'];
const targets: Record<string, (t: ExecutionContext) => Promise<string>> = {
	async embedded(t) {
		const sqs = await startSqs();
		t.teardown(() => sqs.close());
		return sqs.url;
	},
	...(elsewhere !== undefined && { [elsewhere]: async () => elsewhere }),
};

type Attributes = Record<string, string>;

async function aQueue(t: ExecutionContext, endpoint: string, attributes: Attributes = {}) {
	const client = new SQSClient({ region: 'eu-west-1', endpoint, credentials: KEYS, maxAttempts: 1 });
	t.teardown(() => client.destroy());
	const QueueName = `q-${randomUUID()}`;
	const created = await client.send(new CreateQueueCommand({ QueueName, Attributes: attributes }));
	const QueueUrl = created.QueueUrl!;
	const receive = async (fields: object = {}) =>
		(await client.send(new ReceiveMessageCommand({ QueueUrl, MaxNumberOfMessages: 10, ...fields })))
			.Messages ?? [];
	return {
		client,
		QueueUrl,
		name: QueueName,
		send: (MessageBody: string) => client.send(new SendMessageCommand({ QueueUrl, MessageBody })),
		receive,
		delete: (...receipts: string[]) =>
			client.send(
				new DeleteMessageBatchCommand({
					QueueUrl,
					Entries: receipts.map((ReceiptHandle, index) => ({ Id: `${index}`, ReceiptHandle })),
				}),
			),
		hide: (ReceiptHandle: string, VisibilityTimeout: number) =>
			client.send(
				new ChangeMessageVisibilityBatchCommand({
					QueueUrl,
					Entries: [{ Id: '0', ReceiptHandle, VisibilityTimeout }],
				}),
			),
	};
}

for (const [target, start] of Object.entries(targets)) {
	test(`${target}: a message is received as it was sent, and is hidden then`, async t => {
		const queue = await aQueue(t, await start(t));
		await queue.send('{"text":"ü\\n"}');
		const [message, ...others] = await queue.receive({ VisibilityTimeout: 60 });
		t.is(message?.Body, '{"text":"ü\\n"}');
		t.deepEqual(others, []);
		t.deepEqual(await queue.receive(), []);
	});

	test(`${target}: a held receive waits, and ends as soon as a message comes`, async t => {
		const queue = await aQueue(t, await start(t));
		const startedAt = performance.now();
		t.deepEqual(await queue.receive({ WaitTimeSeconds: 1 }), []);
		t.true(performance.now() - startedAt >= 900);
		const held = queue.receive({ WaitTimeSeconds: 20 });
		await queue.send('late');
		t.is((await held)[0]?.Body, 'late');
		t.true(performance.now() - startedAt < 15_000);
	});

	test(`${target}: a deleted message is gone; one that is not deleted comes again`, async t => {
		const queue = await aQueue(t, await start(t));
		await queue.send('kept');
		await queue.send('deleted');
		const seen = await queue.receive({ VisibilityTimeout: 60, WaitTimeSeconds: 2 });
		const more = seen.length < 2 ? await queue.receive({ VisibilityTimeout: 60, WaitTimeSeconds: 2 }) : [];
		const all = [...seen, ...more];
		const receiptOf = (body: string) => all.find(({ Body }) => Body === body)!.ReceiptHandle!;
		const answer = await queue.delete(receiptOf('deleted'));
		t.is(answer.Failed?.length ?? 0, 0);
		await queue.hide(receiptOf('kept'), 0);
		const [again, ...others] = await queue.receive({ WaitTimeSeconds: 5 });
		t.is(again?.Body, 'kept');
		t.deepEqual(others, []);
	});

	test(`${target}: a message that was received too often moves to the dead letters`, async t => {
		const endpoint = await start(t);
		const dead = await aQueue(t, endpoint);
		const queue = await aQueue(t, endpoint, {
			RedrivePolicy: JSON.stringify({
				deadLetterTargetArn: `arn:aws:sqs:eu-west-1:123456789012:${dead.name}`,
				maxReceiveCount: 2,
			}),
		});
		await queue.send('poison');
		for (let times = 0; times < 2; times++) {
			t.is((await queue.receive({ VisibilityTimeout: 0, WaitTimeSeconds: 2 })).length, 1);
		}

		t.deepEqual(await queue.receive({ WaitTimeSeconds: 1 }), []);
		t.is((await dead.receive({ WaitTimeSeconds: 2 }))[0]?.Body, 'poison');
	});

	test(`${target}: a queue that does not exist is refused as such`, async t => {
		const { client, QueueUrl } = await aQueue(t, await start(t));
		const missing = { QueueUrl: `${QueueUrl}-missing` };
		t.regex(
			(await failure(client.send(new ReceiveMessageCommand(missing)))).name,
			/QueueDoesNotExist|NonExistent/,
		);
	});

	test(`${target}: the controller's own queue receives, keeps hidden and deletes`, async t => {
		const endpoint = await start(t);
		const queue = await aQueue(t, endpoint);
		const config = checked({
			kind: 'aws-secretsmanager',
			region: 'eu-west-1',
			endpoint,
			credentials: 'environment',
		});
		const env = { AWS_ACCESS_KEY_ID: KEYS.accessKeyId, AWS_SECRET_ACCESS_KEY: KEYS.secretAccessKey };
		const registry = createProviders({ aws: config }, { env, clock: systemClock, warn: () => {} });
		const own = await registry.openQueue('aws', queue.QueueUrl);
		t.teardown(() => own.close());
		const { signal } = new AbortController();
		const held = own.receive(signal);
		await queue.send('notice');
		const [message, ...others] = await held;
		t.is(message?.body, 'notice');
		t.deepEqual(others, []);
		await own.hide([message!.receipt], 600, signal);
		t.deepEqual(await queue.receive(), []);
		t.is(await own.delete([message!.receipt], signal), 0);
		const missing = await registry.openQueue('aws', `${queue.QueueUrl}-missing`);
		t.teardown(() => missing.close());
		await t.throwsAsync(missing.receive(signal), { message: /no such queue/, code: 'CHANGE_SOURCE_DENIED' });
	});
}
