// The queue of change notices: its resources, and how the stack gives it to the role and to the controller.

import test from 'ava';
import { load } from 'js-yaml';
import { ChangeQueue } from '../../src/index.ts';
import { declareJasm } from '../../src/stack.ts';
import { type Declaration, declare } from '../helpers/declare.ts';
import { violations } from '../helpers/invariants.ts';
import { inAccount } from '../helpers/providers.ts';
import { FACTS, stackConfig } from '../helpers/stack-config.ts';

// biome-ignore lint/suspicious/noExplicitAny: documents of every kind, read by path
const inputs = ({ one }: Declaration, type: string, name?: string): any => one(type, name).inputs;
const CONTROLLER = {
	providers: { aws: { kind: 'aws-secretsmanager' as const } },
	policy: [{ namespaces: ['a'], provider: 'aws', paths: ['/prod/**'] }],
};

test.serial('a queue keeps messages for 14 days, moves poison away, and is filled by one rule', async t => {
	const declaration = await declare(
		() => void new ChangeQueue('jasm', { controller: CONTROLLER, tags: { team: 'x' } }, inAccount()),
	);
	t.deepEqual(violations(declaration.resources, 'write-only'), []);
	const queue = inputs(declaration, 'sqs/queue:Queue', 'jasm');
	t.like(queue, {
		messageRetentionSeconds: 1_209_600,
		visibilityTimeoutSeconds: 120,
		sqsManagedSseEnabled: true,
	});
	t.deepEqual(JSON.parse(queue.redrivePolicy), {
		deadLetterTargetArn: 'arn:aws:mock:::jasm-dead',
		maxReceiveCount: 20,
	});
	t.deepEqual(queue.tags, { team: 'x' });
	for (const name of ['jasm', 'jasm-dead']) {
		const policy = inputs(declaration, 'sqs/queuePolicy:QueuePolicy', name).policy;
		t.true(policy.includes('"aws:SourceArn":"arn:aws:mock:::jasm"'));
	}

	const target = inputs(declaration, 'cloudwatch/eventTarget:EventTarget');
	t.is(target.arn, 'arn:aws:mock:::jasm');
	t.deepEqual(target.deadLetterConfig, { arn: 'arn:aws:mock:::jasm-dead' });
});

test.serial('with changeQueue the role may receive, and the controller is told of the queue', async t => {
	const declaration = await declare(() =>
		declareJasm(stackConfig({ changeQueue: 'true', changes: '{"minSeconds": 7}' }), FACTS),
	);
	t.deepEqual(violations(declaration.resources, 'write-only'), []);
	const { Statement } = JSON.parse(inputs(declaration, 'iam/rolePolicy:RolePolicy').policy);
	t.is(Statement.length, 2);
	t.is(Statement[1].Resource, 'arn:aws:mock:::jasm');
	const config = load(Object.values(inputs(declaration, ':ConfigMap').data)[0] as string) as {
		changes: { minSeconds: number; sources: object[] };
	};
	t.is(config.changes.minSeconds, 7);
	const queueUrl = 'https://sqs.eu-west-1.amazonaws.com/111122223333/jasm';
	t.deepEqual(config.changes.sources, [{ kind: 'sqs', queueUrl, providers: ['aws-secretsmanager'] }]);
});

test.serial('without changeQueue nothing of it is made', async t => {
	const declaration = await declare(() => declareJasm(stackConfig(), FACTS));
	t.deepEqual(
		declaration.types().filter(type => /sqs|cloudwatch|ChangeQueue/.test(type)),
		[],
	);
});

test('changeQueue needs a role that the stack makes, and a policy with AWS', t => {
	const faults = (changes: Record<string, string>) =>
		t.throws(() => stackConfig({ changeQueue: 'true', ...changes })).message;
	t.regex(
		faults({
			identity: 'existing-role',
			roleArn: 'arn:aws:iam::111122223333:role/ours',
			testSecrets: 'false',
		}),
		/changeQueue: needs an identity whose role the stack makes/,
	);
});
