// A stage whose Secrets Manager tells of changes: an embedded SQS queue gets its events, and controllers receive them.
import type { SecretsManagerOptions } from '../../../testing/aws/secrets-manager.ts';
import { type QueueClock, type Sqs, startSqs } from '../../../testing/aws/sqs.ts';
import { eventually } from '../clocks/eventually.ts';
import type { Teardown } from './file-teardown.ts';
import {
	PROVIDER,
	startEnvironment,
	type TestEnvironment,
	type TestEnvironmentOptions,
} from './test-environment.ts';

export const QUEUE = 'jasm';
export const DEAD_LETTERS = 'jasm-dead';

export type ChangeEnvironmentOptions = TestEnvironmentOptions & {
	/** Replaces fields of `changes` in the configuration file. */
	readonly changes?: object;
	/** Of the one source. */
	readonly source?: object;
	/** By which messages are hidden. Default: that of the stage. */
	readonly queueClock?: QueueClock;
	/** Events reach the queue only where this says so. Default: all do. */
	readonly delivers?: (event: object) => boolean;
};

export type ChangeEnvironment = {
	readonly environment: TestEnvironment;
	readonly sqs: Sqs;
	/** The number of reads of a secret's value. */
	reads(name: string): number;
	/** Resolves when no message is in the queue. */
	emptied(): Promise<void>;
};

export async function startChangeEnvironment(
	t: Teardown,
	{ changes, source, queueClock, delivers = () => true, ...options }: ChangeEnvironmentOptions = {},
): Promise<ChangeEnvironment> {
	let environment: TestEnvironment | undefined;
	const stageClock = options.virtualTime ? clockOf(() => environment!) : undefined;
	const clock = queueClock ?? stageClock;
	const sqs = await startSqs(clock ? { clock } : {});
	// Before the stage, whose controllers receive until it closes.
	t.teardown(() => sqs.close());
	sqs.create(DEAD_LETTERS);
	const queueUrl = sqs.create(QUEUE, { deadLetters: DEAD_LETTERS, maxReceives: 20 });
	const secretsManager: SecretsManagerOptions = {
		...options.secretsManager,
		...(options.virtualTime && { now: () => environment?.clock.now() ?? Date.now() }),
		onLabelUpdated(event) {
			if (delivers(event)) {
				sqs.send(QUEUE, event);
			}
		},
	};
	environment = await startEnvironment(t, {
		...options,
		secretsManager,
		furtherProgress: () => sqs.calls.length,
		config: {
			changes: { sources: [{ kind: 'sqs', queueUrl, providers: [PROVIDER], ...source }], ...changes },
			...options.config,
		},
	});
	const stage = environment;
	return {
		environment,
		sqs,
		reads: name => stage.secretsManager.count('GetSecretValue', name),
		emptied: () => emptied(stage, sqs, QUEUE, options.virtualTime),
	};
}

/** The virtual time of a stage that may start later, as the queues of embedded servers take it. */
export const clockOf = (environment: () => TestEnvironment): QueueClock => ({
	now: () => environment().clock.monotonic(),
	schedule: (ms, callback) => environment().clock.schedule(ms, callback),
});

/** Resolves when no message is in the queue. */
export async function emptied(
	stage: TestEnvironment,
	server: Pick<Sqs, 'messages' | 'onChange'>,
	queue: string,
	virtualTime = false,
): Promise<void> {
	const empty = () => (server.messages(queue).length === 0 ? true : undefined);
	if (virtualTime) {
		await stage.clock.runUntil(() => empty() === true);
	} else {
		await eventually(server.onChange, empty, {
			what: 'the queue to be empty',
			seen: () => server.messages(queue),
		});
	}
}

type EventFields = {
	readonly arn: string;
	readonly versionId?: string;
	/** When it happened, in wall-clock milliseconds. */
	readonly at?: number;
	/** Replaces fields of the event. */
	readonly changes?: object;
};

/** The native event; without a version, as an older service could send it. */
export function labelEvent({ arn, versionId, at = Date.now(), changes = {} }: EventFields) {
	const [, , , region, account, , resource = ''] = arn.split(':');
	return {
		version: '0',
		id: 'an-event',
		'detail-type': 'Secret Label Updated',
		source: 'aws.secretsmanager',
		account,
		time: new Date(at).toISOString(),
		region,
		resources: [arn],
		detail: {
			name: resource.slice(0, -7),
			labelUpdated: 'AWSCURRENT',
			...(versionId !== undefined && { versionId }),
		},
		...changes,
	};
}
