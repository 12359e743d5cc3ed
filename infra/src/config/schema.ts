// The keys of a stack: the only source of their names, types and defaults. Pulumi.yaml declares the same keys.
import * as z from 'zod/mini';
import {
	described,
	network,
	pod,
	proxy,
	serviceAccount,
	start,
	structure,
	texts,
	webhook,
} from './fields.ts';

const text = (fallback: string, description: string) =>
	z._default(described(z.string(), description), fallback);
const flag = (fallback: boolean, description: string) =>
	z._default(described(z.boolean(), description), fallback);
const choice = <const T extends readonly [string, ...string[]]>(values: T, description: string) =>
	z._default(described(z.enum(values), description), values[0] as T[number]);
/** A structure that may be left out. Pulumi wants a default for every key: the empty one counts as absent. */
const optional = <T extends z.core.$ZodType>(schema: T, description: string) =>
	z._default(described(schema, description), {} as never);

export const IDENTITIES = ['minikube', 'oidc-provider', 'pod-identity', 'existing-role', 'none'] as const;

export const stackKeys = z.strictObject({
	// The cluster.
	kubeContext: text('minikube', 'Context of the cluster. Any other than minikube needs allowOtherContext.'),
	allowOtherContext: flag(false, 'Allows a context other than minikube.'),
	kubeconfig: text('', 'One kubeconfig file. Empty: KUBECONFIG, then ~/.kube/config.'),
	platform: choice(['kubernetes', 'openshift'], 'OpenShift gives pods their ids and has another DNS port.'),
	namespace: text('jasm', "JASM's own namespace."),
	createNamespace: flag(true, 'Makes the namespace; false for one that exists.'),
	// AWS.
	identity: choice(IDENTITIES, 'How the controller proves its identity to AWS.'),
	awsAccountId: text('', 'The AWS account to work in, 12 digits.'),
	awsRegion: text('', 'The AWS region to work in, and the region of providers that name none.'),
	awsProfile: text('', 'The only AWS profile that may be used. Empty: the identity of the environment.'),
	oidcProviderArn: text('', 'With identity oidc-provider: ARN of the IAM OIDC provider.'),
	issuerUrl: text('', "With identity oidc-provider: issuer of the cluster's tokens."),
	eksClusterName: text('', 'With identity pod-identity: name of the EKS cluster.'),
	roleArn: text(
		'',
		'ARN of a role that exists: with identity existing-role, and optional with pod-identity.',
	),
	roleName: text('', 'Name of the role that the stack makes. Empty: jasm-STACK.'),
	tags: optional(texts(), 'Tags of everything that the stack makes in AWS.'),
	// The controller.
	image: text('', "Reference of the controller's image. Empty: built from this clone."),
	imageBuild: choice(
		['', 'archive', 'minikube'],
		'How an image is made. Empty: archive on Linux, minikube elsewhere.',
	),
	profile: text('write-only', 'What the controller may do with Secrets: write-only or self-heal.'),
	admissionPolicy: flag(true, 'Installs the admission policies. They need Kubernetes 1.30.'),
	replicas: z._default(
		described(z.int().check(z.minimum(1), z.maximum(5)), 'From 2 on with leader election.'),
		1,
	),
	logLevel: text('', 'debug, info, error, panic, or a verbosity. Empty: info.'),
	providers: optional(structure(), 'Providers of the controller. Empty: AWS Secrets Manager in awsRegion.'),
	policy: z._default(described(z.array(z.unknown()), 'Who may read what. Empty: nothing is read.'), []),
	limits: optional(structure(), 'Limits of the controller.'),
	watch: optional(structure(), "Times of the controller's watches."),
	changes: optional(structure(), 'Sources of change notices: how the controller hears of changed secrets.'),
	changeQueue: flag(
		false,
		'Makes a queue of change notices from AWS Secrets Manager, and the rule that fills it.',
	),
	restarts: optional(structure(), 'Workloads that are restarted after a change of their Secrets.'),
	start: optional(start, 'Whether pods wait for their Secrets before they start.'),
	// Its pod and its network.
	pod: optional(pod, 'Resources, scheduling, labels, environment and volumes of the pod.'),
	serviceAccount: optional(serviceAccount, 'Labels and annotations of the ServiceAccount.'),
	priorityClass: text(
		'system-cluster-critical',
		'PriorityClass of the pod; none: the default of the cluster.',
	),
	networkPolicy: flag(true, "Installs a NetworkPolicy for the controller's pods."),
	network: optional(network, 'Ports and addresses in which clusters differ.'),
	webhook: optional(webhook, 'Who may post change notices, and the Secrets with the files of a webhook.'),
	proxy: optional(z.partial(proxy), 'The proxy that leads to providers.'),
	authorities: text('jasm-authorities', 'ConfigMap with the files that caFile and trustBundle name.'),
	trustBundle: text('', 'File of that ConfigMap whose authorities every provider trusts as well.'),
	serviceMonitor: flag(false, 'Installs a ServiceMonitor of the Prometheus operator.'),
	// To try it.
	testSecrets: flag(false, 'Makes fake secrets in AWS Secrets Manager.'),
	samples: flag(false, 'Makes sample pods that ask every configured kind of provider for a secret.'),
});

export type StackKeys = z.infer<typeof stackKeys>;
