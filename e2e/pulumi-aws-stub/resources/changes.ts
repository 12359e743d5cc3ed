// The resources of change notices: queues of SQS with their policies, a rule of EventBridge and its target.
import * as eb from '@aws-sdk/client-eventbridge';
import * as sqs from '@aws-sdk/client-sqs';
import {
	type Aws,
	type Live,
	type Properties,
	type ResourceKind,
	sameDocument,
	text,
	unlessGone,
} from '../resource-kind.ts';

const NO_QUEUE = [
	'QueueDoesNotExist',
	'QueueDoesNotExistException',
	'AWS.SimpleQueueService.NonExistentQueue',
];
const NO_RULE = 'ResourceNotFoundException';

/** Inputs of a queue by the names that SQS has for them. */
const ATTRIBUTES = {
	messageRetentionSeconds: 'MessageRetentionPeriod',
	receiveWaitTimeSeconds: 'ReceiveMessageWaitTimeSeconds',
	visibilityTimeoutSeconds: 'VisibilityTimeout',
	redrivePolicy: 'RedrivePolicy',
	sqsManagedSseEnabled: 'SqsManagedSseEnabled',
} as const;

const attributesOf = (inputs: Properties): Record<string, string> =>
	Object.fromEntries(
		Object.entries(ATTRIBUTES)
			.filter(([input]) => inputs[input] !== undefined)
			.map(([input, attribute]) => [attribute, String(inputs[input])]),
	);

const tagsOf = (inputs: Properties) => (inputs.tags ?? {}) as Record<string, string>;

async function attributes(url: string, aws: Aws): Promise<Record<string, string> | undefined> {
	const command = new sqs.GetQueueAttributesCommand({ QueueUrl: url, AttributeNames: ['All'] });
	return (await unlessGone(aws.sqs.send(command), ...NO_QUEUE))?.Attributes;
}

/** An attribute as the input was declared: SQS has texts for all of them. */
function asDeclared(declared: unknown, live: string | undefined): unknown {
	switch (typeof declared) {
		case 'number':
			return Number(live);
		case 'boolean':
			return live === 'true';
		default:
			return sameDocument(declared, live);
	}
}

const queue: ResourceKind = {
	applied: ['name', ...Object.keys(ATTRIBUTES), 'tags'],
	replaceOn: ['name'],
	named: 'name',
	async create(inputs, aws) {
		const { QueueUrl = '' } = await aws.sqs.send(
			new sqs.CreateQueueCommand({
				QueueName: text(inputs, 'name'),
				Attributes: attributesOf(inputs),
				tags: tagsOf(inputs),
			}),
		);
		return QueueUrl;
	},
	async read(id, inputs, aws): Promise<Live | undefined> {
		const live = await attributes(id, aws);
		if (live === undefined) return undefined;
		const declared = Object.entries(ATTRIBUTES).filter(([input]) => inputs[input] !== undefined);
		return {
			inputs: Object.fromEntries(
				declared.map(([input, attribute]) => [input, asDeclared(inputs[input], live[attribute])]),
			),
			outputs: { arn: live['QueueArn'] ?? '', url: id, region: aws.region },
		};
	},
	async update(id, inputs, aws) {
		const command = new sqs.SetQueueAttributesCommand({ QueueUrl: id, Attributes: attributesOf(inputs) });
		await aws.sqs.send(command);
		const Tags = tagsOf(inputs);
		if (Object.keys(Tags).length > 0) await aws.sqs.send(new sqs.TagQueueCommand({ QueueUrl: id, Tags }));
	},
	async delete(id, _, aws) {
		await unlessGone(aws.sqs.send(new sqs.DeleteQueueCommand({ QueueUrl: id })), ...NO_QUEUE);
	},
};

async function setPolicy(url: string, policy: string, aws: Aws): Promise<void> {
	const Attributes = { Policy: policy };
	await aws.sqs.send(new sqs.SetQueueAttributesCommand({ QueueUrl: url, Attributes }));
}

const queuePolicy: ResourceKind = {
	applied: ['queueUrl', 'policy'],
	replaceOn: ['queueUrl'],
	async create(inputs, aws) {
		await setPolicy(text(inputs, 'queueUrl'), text(inputs, 'policy'), aws);
		return text(inputs, 'queueUrl');
	},
	async read(id, inputs, aws) {
		const policy = (await attributes(id, aws))?.['Policy'];
		if (policy === undefined || policy === '') return undefined;
		return {
			inputs: { queueUrl: id, policy: sameDocument(inputs.policy, policy) },
			outputs: { region: aws.region },
		};
	},
	update: (id, inputs, aws) => setPolicy(id, text(inputs, 'policy'), aws),
	async delete(id, _, aws) {
		await unlessGone(setPolicy(id, '', aws), ...NO_QUEUE);
	},
};

async function putRule(inputs: Properties, aws: Aws): Promise<void> {
	await aws.events.send(
		new eb.PutRuleCommand({
			Name: text(inputs, 'name'),
			Description: inputs.description as string | undefined,
			EventPattern: text(inputs, 'eventPattern'),
			Tags: Object.entries(tagsOf(inputs)).map(([Key, Value]) => ({ Key, Value })),
		}),
	);
}

const eventRule: ResourceKind = {
	applied: ['name', 'description', 'eventPattern', 'tags'],
	replaceOn: ['name'],
	named: 'name',
	async create(inputs, aws) {
		await putRule(inputs, aws);
		return text(inputs, 'name');
	},
	async read(id, inputs, aws) {
		const live = await unlessGone(aws.events.send(new eb.DescribeRuleCommand({ Name: id })), NO_RULE);
		if (live === undefined) return undefined;
		return {
			inputs: {
				name: live.Name,
				...(inputs.description === undefined ? {} : { description: live.Description }),
				eventPattern: sameDocument(inputs.eventPattern, live.EventPattern),
			},
			outputs: { arn: live.Arn ?? '', region: aws.region },
		};
	},
	update: (_, inputs, aws) => putRule(inputs, aws),
	async delete(id, _, aws) {
		await unlessGone(aws.events.send(new eb.DeleteRuleCommand({ Name: id })), NO_RULE);
	},
};

async function putTarget(inputs: Properties, aws: Aws): Promise<void> {
	const dead = inputs.deadLetterConfig as { arn: string } | undefined;
	const retry = inputs.retryPolicy as
		| { maximumEventAgeInSeconds?: number; maximumRetryAttempts?: number }
		| undefined;
	const target = {
		Id: text(inputs, 'targetId'),
		Arn: text(inputs, 'arn'),
		...(dead && { DeadLetterConfig: { Arn: dead.arn } }),
		...(retry && {
			RetryPolicy: {
				MaximumEventAgeInSeconds: retry.maximumEventAgeInSeconds,
				MaximumRetryAttempts: retry.maximumRetryAttempts,
			},
		}),
	};
	const command = new eb.PutTargetsCommand({ Rule: text(inputs, 'rule'), Targets: [target] });
	const { FailedEntryCount = 0 } = await aws.events.send(command);
	if (FailedEntryCount > 0) throw new Error('putting the target of a rule: EventBridge refused it');
}

const eventTarget: ResourceKind = {
	applied: ['rule', 'arn', 'targetId', 'deadLetterConfig', 'retryPolicy'],
	replaceOn: ['rule', 'targetId'],
	named: 'targetId',
	async create(inputs, aws) {
		await putTarget(inputs, aws);
		return `${text(inputs, 'rule')}-${text(inputs, 'targetId')}`;
	},
	async read(_, inputs, aws) {
		const command = new eb.ListTargetsByRuleCommand({ Rule: text(inputs, 'rule') });
		const { Targets = [] } = (await unlessGone(aws.events.send(command), NO_RULE)) ?? {};
		const live = Targets.find(({ Id }) => Id === inputs.targetId);
		return live && { inputs: { arn: live.Arn }, outputs: { region: aws.region } };
	},
	update: (_, inputs, aws) => putTarget(inputs, aws),
	async delete(_, inputs, aws) {
		const command = new eb.RemoveTargetsCommand({
			Rule: text(inputs, 'rule'),
			Ids: [text(inputs, 'targetId')],
		});
		await unlessGone(aws.events.send(command), NO_RULE);
	},
};

export const CHANGE_RESOURCES: Readonly<Record<string, ResourceKind>> = {
	'aws:sqs/queue:Queue': queue,
	'aws:sqs/queuePolicy:QueuePolicy': queuePolicy,
	'aws:cloudwatch/eventRule:EventRule': eventRule,
	'aws:cloudwatch/eventTarget:EventTarget': eventTarget,
};
