// Component: the queue in which AWS Secrets Manager tells JASM of changed secrets, with the rule that fills it.
import * as aws from '@pulumi/aws';
import * as pulumi from '@pulumi/pulumi';
import {
	eventPattern,
	eventPatternFaults,
	MAX_RECEIVES,
	queuePolicy,
	RETENTION_SECONDS,
} from '../documents/change-documents.ts';
import type { ControllerConfig } from '../documents/controller-config.ts';
import { checked, type Inputs } from '../inputs.ts';

/** What the queue hears of, and the tags of its resources. */
export type ChangeQueueArgs = {
	/** The queue hears of the secrets that the policy rules of this configuration allow. */
	readonly controller: Inputs<ControllerConfig>;
	readonly tags?: pulumi.Input<Record<string, pulumi.Input<string>>> | undefined;
};

/**
 * One queue for each cluster: JASM deletes what it received.
 *
 * @example
 * ```ts
 * import { ChangeQueue, type ControllerConfig, IrsaRole, Jasm } from '@jasm/infra';
 *
 * const controller: ControllerConfig = {
 * 	providers: { 'aws-secretsmanager': { kind: 'aws-secretsmanager' } },
 * 	policy: [{ namespaces: ['team-*'], provider: 'aws-secretsmanager', paths: ['/prod/{namespace}/**'] }],
 * };
 * const { queueUrl, queueArn } = new ChangeQueue('jasm', { controller });
 * const { roleArn } = new IrsaRole('jasm', {
 * 	providerArn: 'arn:aws:iam::111122223333:oidc-provider/oidc.eks.eu-west-1.amazonaws.com/id/A',
 * 	issuer: 'https://oidc.eks.eu-west-1.amazonaws.com/id/A',
 * 	namespace: 'jasm',
 * 	serviceAccount: 'jasm',
 * 	accountId: '111122223333',
 * 	region: 'eu-west-1',
 * 	controller,
 * 	queueArn,
 * });
 * new Jasm('jasm', {
 * 	image: 'registry.example.com/jasm-controller:0.1.0',
 * 	aws: { region: 'eu-west-1', roleArn },
 * 	controller: {
 * 		...controller,
 * 		changes: { sources: [{ kind: 'sqs', queueUrl, providers: ['aws-secretsmanager'] }] },
 * 	},
 * });
 * ```
 */
export class ChangeQueue extends pulumi.ComponentResource {
	/** For `changes.sources` of the controller. Known only when the rule fills the queue. */
	readonly queueUrl: pulumi.Output<string>;
	/** For the role of the controller. */
	readonly queueArn: pulumi.Output<string>;

	/** Throws a RunError where no event pattern can be written for the policy rules. */
	constructor(name: string, args: ChangeQueueArgs, options?: pulumi.ComponentResourceOptions) {
		super('jasm:infra:ChangeQueue', name, {}, options);
		const within = { parent: this };
		const tags = args.tags === undefined ? {} : { tags: args.tags };
		const config = checked<ControllerConfig>(
			`the rule of ${name} cannot be built`,
			args.controller,
			(given, complete) => (complete ? eventPatternFaults(given) : []),
		);
		const kept = { messageRetentionSeconds: RETENTION_SECONDS, sqsManagedSseEnabled: true, ...tags };
		const dead = new aws.sqs.Queue(`${name}-dead`, kept, within);
		const queue = new aws.sqs.Queue(
			name,
			{
				...kept,
				receiveWaitTimeSeconds: 20,
				visibilityTimeoutSeconds: 120,
				redrivePolicy: pulumi.jsonStringify({ deadLetterTargetArn: dead.arn, maxReceiveCount: MAX_RECEIVES }),
			},
			within,
		);
		const rule = new aws.cloudwatch.EventRule(
			name,
			{
				description: 'Tells JASM which secrets of its policy changed',
				eventPattern: config.apply(eventPattern),
				...tags,
			},
			within,
		);
		const policies = [queue, dead].map((each, index) => {
			const policy = pulumi.output({ queue: each.arn, rule: rule.arn }).apply(queuePolicy);
			const of = index === 0 ? name : `${name}-dead`;
			return new aws.sqs.QueuePolicy(
				of,
				{ queueUrl: each.url, policy: pulumi.jsonStringify(policy) },
				within,
			);
		});
		const target = new aws.cloudwatch.EventTarget(
			name,
			{
				rule: rule.name,
				arn: queue.arn,
				deadLetterConfig: { arn: dead.arn },
				retryPolicy: { maximumEventAgeInSeconds: 86_400, maximumRetryAttempts: 185 },
			},
			// Without the right to send, the first events would be lost.
			{ ...within, dependsOn: policies },
		);
		this.queueArn = queue.arn;
		this.queueUrl = pulumi.all([queue.url, target.id]).apply(([url]) => url);
		this.registerOutputs({ queueUrl: this.queueUrl, queueArn: this.queueArn });
	}
}
