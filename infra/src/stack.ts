// The stack: Pulumi providers, identity, image, installation, test secrets and samples from one configuration.
import * as pulumi from '@pulumi/pulumi';
import { ChangeQueue } from './components/change-queue.ts';
import type { AwsArgs } from './components/controller-deployment.ts';
import { IrsaRole } from './components/irsa-role.ts';
import { IssuerBucket } from './components/issuer-bucket.ts';
import { Jasm } from './components/jasm.ts';
import { PodIdentity } from './components/pod-identity.ts';
import { SAMPLE_NAMESPACE, Samples, samples } from './components/samples.ts';
import { TestSecrets } from './components/test-secrets.ts';
import type { InfraConfig } from './config/config.ts';
import { NAME } from './documents/contract.ts';
import type { ControllerConfig } from './documents/controller-config.ts';
import type { Inputs } from './inputs.ts';
import type { Facts } from './preflight/preflight.ts';
import { accountProvider, clusterProvider } from './providers.ts';

/** What a person needs next. */
export type Outputs = {
	readonly namespace: pulumi.Output<string>;
	readonly image: pulumi.Output<string>;
	/** Empty where the controller has no role in AWS. */
	readonly roleArn: pulumi.Output<string>;
	readonly tryIt: string[];
};

/** The controller's identity in AWS, and what the controller must wait for before it starts. */
type AwsIdentity = {
	readonly aws?: AwsArgs;
	readonly roleArn?: pulumi.Input<string>;
	readonly after: pulumi.Resource[];
};

/** Declares the whole stack. The guards have run: `facts` is what they found. */
export function declareJasm(config: InfraConfig, facts: Facts): Outputs {
	const cluster = clusterProvider({ kubeconfig: facts.kubeconfig, context: config.kubeContext });
	const account = config.aws && accountProvider(config.aws);
	const inCluster = { providers: [cluster] };
	const inAccount = { providers: account === undefined ? [] : [account] };

	const { tags } = config;
	const queue = config.changeQueue
		? new ChangeQueue(NAME, { controller: config.controller, tags }, inAccount)
		: undefined;
	const { aws, roleArn, after } = declareIdentity(config, facts, queue, inAccount);
	const { image } = facts;
	const { identity: _, aws: __, ...settings } = config;
	const start = { ...config.start, wait: facts.wait };
	const controller = withQueue(config, queue);
	const args = { ...settings, controller, start, image, aws };
	const jasm = new Jasm(NAME, args, { ...inCluster, dependsOn: after });
	const secrets = config.testSecrets ? [new TestSecrets('test-secrets', { tags }, inAccount)] : [];
	if (config.samples) {
		const ids = config.pod.ids ?? (config.platform === 'openshift' ? 'platform' : 'image');
		const args = { image, ids, controller: config.controller, wait: facts.wait };
		new Samples('samples', args, { ...inCluster, dependsOn: [jasm, ...secrets] });
	}
	return {
		namespace: jasm.namespace,
		image: pulumi.output(image),
		roleArn: pulumi.output(roleArn ?? ''),
		tryIt: nextSteps(config, facts),
	};
}

function declareIdentity(
	{ aws: account, region, identity, controller, namespace, tags }: InfraConfig,
	facts: Facts,
	queue: ChangeQueue | undefined,
	options: pulumi.ComponentResourceOptions,
): AwsIdentity {
	if (identity.kind === 'none') return { after: [] };
	if (identity.kind === 'existing-role') {
		const { roleArn } = identity;
		return { aws: { region, roleArn }, roleArn, after: [] };
	}
	if (account === undefined) throw new pulumi.RunError('the AWS account is not known');
	const { kind, roleName } = identity;
	const queueArn = queue?.queueArn;
	const subject = { namespace, serviceAccount: NAME, roleName, controller, queueArn, tags, ...account };
	if (kind === 'pod-identity') {
		const pod = new PodIdentity(NAME, { ...subject, ...identity }, options);
		// The agent gives credentials only to pods that start after the association.
		return { aws: { region }, roleArn: pod.roleArn, after: [pod] };
	}
	const { issuer } = identity;
	const providerArn = kind === 'minikube' ? bucketOf(identity, facts, tags, options) : identity.providerArn;
	const { roleArn } = new IrsaRole(NAME, { ...subject, providerArn, issuer }, options);
	return { aws: { region, roleArn }, roleArn, after: [] };
}

/** The controller's configuration, with the queue as one more source of change notices. */
function withQueue(
	{ controller, changes }: InfraConfig,
	queue: ChangeQueue | undefined,
): Inputs<ControllerConfig> {
	if (queue === undefined) return controller;
	const providers = Object.entries(controller.providers).flatMap(([name, provider]) =>
		provider.kind === 'aws-secretsmanager' ? [{ name, endpoint: provider.endpoint }] : [],
	);
	const [first] = providers;
	const source = {
		kind: 'sqs' as const,
		// An emulator answers for every service at one address, which is another one for pods than for this program.
		queueUrl: queue.queueUrl.apply(url =>
			first?.endpoint === undefined ? url : new URL(new URL(url).pathname, first.endpoint).href,
		),
		providers: providers.map(({ name }) => name),
	};
	const { sources = [] } = controller.changes ?? {};
	return { ...controller, changes: { ...changes, sources: [...sources, source] } };
}

function bucketOf(
	identity: { readonly bucket: string; readonly issuer: string },
	{ issuer: documents }: Facts,
	tags: InfraConfig['tags'],
	options: pulumi.ComponentResourceOptions,
): pulumi.Output<string> {
	if (documents === undefined) throw new pulumi.RunError("the cluster's issuer documents were not read");
	const { bucket, issuer } = identity;
	return new IssuerBucket('issuer', { bucket, issuer, documents, tags }, options).providerArn;
}

function nextSteps(config: InfraConfig, facts: Facts): string[] {
	const kubectl = `kubectl --kubeconfig ${facts.kubeconfig} --context ${config.kubeContext}`;
	const [pod = ''] = config.samples ? Object.keys(samples(config.controller)) : [];
	const inSample = `${kubectl} -n ${SAMPLE_NAMESPACE}`;
	return [
		`${kubectl} -n ${config.namespace} rollout status deployment/${NAME}`,
		`${kubectl} -n ${config.namespace} logs deployment/${NAME}`,
		...(pod === ''
			? []
			: [
					`${inSample} get pods,secrets`,
					`${inSample} describe pod ${pod}`,
					`${inSample} logs deployment/${pod}`,
				]),
	];
}
