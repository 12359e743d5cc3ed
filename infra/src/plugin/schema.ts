// The components as a Pulumi package describes them, from which Pulumi generates SDKs for its other languages; pure.
import type { ChangeQueueArgs } from '../components/change-queue.ts';
import type { IrsaRoleArgs } from '../components/irsa-role.ts';
import type { IssuerBucketArgs } from '../components/issuer-bucket.ts';
import type { JasmArgs } from '../components/jasm.ts';
import type { PodIdentityArgs } from '../components/pod-identity.ts';
import { VERSION } from '../documents/contract.ts';

type Property = {
	readonly type?: string;
	readonly $ref?: string;
	readonly additionalProperties?: Property;
	readonly items?: Property;
	readonly description?: string;
	readonly plain?: boolean;
};
type Properties<Args> = Readonly<Record<keyof Args & string, Property>>;

/** The name of the package; a component's type token is `jasm:infra:NAME`, as in a TypeScript program. */
export const PACKAGE = 'jasm';

const text = (description: string): Property => ({ type: 'string', description });
/** Decides which resources there are, so its value must be known before the program runs. */
const plain = (type: string, description: string): Property => ({ type, description, plain: true });
const any = (description: string): Property => ({ $ref: 'pulumi.json#/Any', description });
const map = (description: string): Property => ({
	type: 'object',
	additionalProperties: { type: 'string' },
	description,
});

const CONTROLLER = any(
	"Providers and policy, with the fields of the controller's configuration file. Values may be outputs, the object itself may not.",
);
const TAGS = map('Tags of everything that is made.');

const jasm = {
	image: text("Reference of the controller's image."),
	controller: CONTROLLER,
	namespace: text("Name of JASM's own namespace. Default: jasm."),
	createNamespace: plain('boolean', 'Default: true. False for a namespace that exists.'),
	profile: plain('string', 'write-only (the default; it cannot read a Secret) or self-heal.'),
	admissionPolicy: plain('boolean', 'Default: true, which needs Kubernetes 1.30.'),
	start: {
		...any('Which pods wait for their Secrets: wait, deadlineSeconds, exempt.'),
		plain: true,
	},
	replicas: { type: 'integer', description: 'Default: 1. From 2 on with leader election.' },
	aws: any('The region and roleArn that the controller is given, where a provider is AWS.'),
	platform: plain('string', 'kubernetes (the default) or openshift.'),
	networkPolicy: plain('boolean', 'Default: true.'),
	network: any('Ports and addresses in which clusters differ.'),
	webhook: any('Who may post change notices (from), and the Secrets with the files for it (secrets).'),
	proxy: any('The proxy that leads to providers.'),
	authorities: text('ConfigMap with the files below /etc/jasm that caFile names. Default: jasm-authorities.'),
	trustBundle: text('File of that ConfigMap with authorities that every provider trusts.'),
	logLevel: text('debug, info (the default), error, panic, or a verbosity.'),
	priorityClass: text('Default: system-cluster-critical. Empty: none.'),
	pod: any("Settings of the controller's pod."),
	serviceAccount: any('Labels and annotations of the ServiceAccount.'),
	serviceMonitor: plain('boolean', 'Default: false.'),
} satisfies Properties<JasmArgs>;

const role = {
	controller: CONTROLLER,
	accountId: text('The AWS account of the secrets.'),
	region: text('The region of providers that name none.'),
	queueArn: text('ARN of the queue of change notices from which the role may receive.'),
	roleName: text('Name of the role. Default: a name that Pulumi makes unique.'),
	tags: TAGS,
	namespace: text('The namespace of JASM.'),
	serviceAccount: text('The ServiceAccount of JASM.'),
};

const irsaRole = {
	...role,
	providerArn: text('ARN of the IAM OIDC provider of the cluster.'),
	issuer: text("Issuer of the cluster's tokens: https, without trailing slash."),
} satisfies Properties<IrsaRoleArgs>;

const podIdentity = {
	...role,
	clusterName: text('Name of the EKS cluster, which needs the Pod Identity Agent.'),
	roleArn: text('A role that exists, in place of one that is made.'),
} satisfies Properties<PodIdentityArgs>;

const issuerBucket = {
	bucket: text('Bucket whose https address is the issuer.'),
	issuer: text('Address of the issuer.'),
	documents: { ...any('The documents discovery and jwks of the cluster, as texts.'), plain: true },
	tags: TAGS,
} satisfies Properties<IssuerBucketArgs>;

const changeQueue = {
	controller: CONTROLLER,
	tags: TAGS,
} satisfies Properties<ChangeQueueArgs>;

/** A component as the schema describes it. */
export type Component = {
	readonly isComponent: boolean;
	readonly description: string;
	readonly inputProperties: Readonly<Record<string, Property>>;
	readonly requiredInputs: readonly string[];
	readonly properties: Readonly<Record<string, Property>>;
	readonly required: readonly string[];
};

const component = <Inputs extends Readonly<Record<string, Property>>>(
	description: string,
	inputProperties: Inputs,
	requiredInputs: readonly (keyof Inputs & string)[],
	properties: Component['properties'],
): Component => ({
	isComponent: true,
	...{ description, inputProperties, requiredInputs, properties },
	required: Object.keys(properties),
});

const ROLE_INPUTS = ['controller', 'accountId', 'region', 'namespace', 'serviceAccount'] as const;
const ROLE_ARN = { roleArn: text('ARN of the role, once its permissions are attached.') };

/** Components by their type tokens. */
export const COMPONENTS: Readonly<Record<string, Component>> = {
	[`${PACKAGE}:infra:Jasm`]: component(
		'An installation of JASM in one cluster.',
		jasm,
		['image', 'controller'],
		{ namespace: text('Its namespace.'), serviceAccount: text('Its ServiceAccount.') },
	),
	[`${PACKAGE}:infra:IrsaRole`]: component(
		"An AWS role that only the controller's ServiceAccount may assume, by a token of its cluster.",
		irsaRole,
		[...ROLE_INPUTS, 'providerArn', 'issuer'],
		ROLE_ARN,
	),
	[`${PACKAGE}:infra:PodIdentity`]: component(
		'An identity for the controller by EKS Pod Identity.',
		podIdentity,
		[...ROLE_INPUTS, 'clusterName'],
		ROLE_ARN,
	),
	[`${PACKAGE}:infra:IssuerBucket`]: component(
		'A token issuer that AWS can read, for a cluster without a public one.',
		issuerBucket,
		['bucket', 'issuer', 'documents'],
		{ providerArn: text('ARN of the IAM OIDC provider, once the documents are public.') },
	),
	[`${PACKAGE}:infra:ChangeQueue`]: component(
		'The queue in which AWS Secrets Manager tells JASM of changed secrets, with the rule that fills it.',
		changeQueue,
		['controller'],
		{
			queueUrl: text('For changes.sources of the controller.'),
			queueArn: text('For the role of the controller.'),
		},
	),
};

/** The schema of the package. */
export const packageSchema = () => ({
	name: PACKAGE,
	version: VERSION,
	description: 'Components that install JASM, a Kubernetes controller that syncs secrets',
	license: 'Apache-2.0',
	repository: 'https://github.com/codnod/jasm',
	resources: COMPONENTS,
});
