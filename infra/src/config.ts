// The stack's configuration, read and checked whole: every fault is reported at once; pure.
import * as pulumi from '@pulumi/pulumi';
import type { Profile } from './contract.ts';
import { type ControllerConfig, configFaults, type ProviderConfig } from './controller-config.ts';
import { AUTHORITIES, podFiles } from './pod-files.ts';
import { permissionFaults } from './policy-documents.ts';

/** AWS account that the stack works in. */
export type AwsConfig = { readonly accountId: string; readonly region: string; readonly profile: string };

/** How the controller proves to AWS who it is. */
export type Identity =
	/** The stack publishes the cluster's keys in a bucket and registers it with IAM. */
	| { readonly kind: 'minikube'; readonly bucket: string; readonly issuer: string }
	/** The cluster's issuer is registered with IAM already, as on EKS. */
	| { readonly kind: 'oidc-provider'; readonly providerArn: string; readonly issuer: string }
	/** Nothing in AWS is touched. */
	| { readonly kind: 'none' };

export type ImageConfig =
	| { readonly kind: 'given'; readonly reference: string }
	/** Built by `minikube image build` from controller/Dockerfile. */
	| { readonly kind: 'minikube-build' }
	/** Assembled from the workspace without a container builder, loaded by `minikube image load`. */
	| { readonly kind: 'archive' };

export type InfraConfig = {
	/** Name of the stack: what it makes in AWS carries it, so that stacks can share an account. */
	readonly stack: string;
	readonly kubeContext: string;
	/** One kubeconfig file; undefined leaves it to KUBECONFIG, then to the home directory. */
	readonly kubeconfig: string | undefined;
	readonly aws: AwsConfig | undefined;
	readonly identity: Identity;
	readonly image: ImageConfig;
	readonly profile: Profile;
	readonly admissionPolicy: boolean;
	readonly replicas: number;
	readonly networkPolicy: boolean;
	readonly serviceMonitor: boolean;
	/** Name of the ConfigMap with the files that `caFile` names. */
	readonly authorities: string;
	readonly testSecrets: boolean;
	readonly samples: boolean;
	readonly controller: ControllerConfig;
};

/** The one context that a stack may touch unless it says `allowOtherContext: true`. */
export const MINIKUBE = 'minikube';

/** Where values come from: `pulumi.Config` fits. */
export type ConfigSource = { get(key: string): string | undefined };

const ISSUER = /^https:\/\/[a-z0-9.-]+(\/[A-Za-z0-9._-]+)*$/;
const REGION = /^[a-z]{2}(-[a-z]+)+-\d$/;

/** Reads the whole configuration of a stack. Throws one RunError that lists every fault. */
export function loadConfig(source: ConfigSource, stack: string): InfraConfig {
	const faults: string[] = [];
	const fault = (key: string, expectation: string) => faults.push(`${key}: ${expectation}`);
	const text = (key: string, fallback = '') => source.get(key) ?? fallback;
	const flag = (key: string, fallback: boolean) => {
		const value = source.get(key);
		if (value !== undefined && value !== 'true' && value !== 'false') fault(key, 'expected true or false');
		return value === undefined ? fallback : value === 'true';
	};
	const choice = <T extends string>(key: string, values: readonly [T, ...T[]]): T => {
		const value = source.get(key) ?? values[0];
		if (!values.includes(value as T)) fault(key, `expected ${values.join(' or ')}, got "${value}"`);
		return value as T;
	};
	const structure = (key: string, fallback: unknown): unknown => {
		const value = source.get(key);
		if (value === undefined) return fallback;
		try {
			return JSON.parse(value);
		} catch {
			fault(key, 'expected a structure (pulumi config set --path)');
			return fallback;
		}
	};

	const kubeContext = text('kubeContext', MINIKUBE);
	if (kubeContext !== MINIKUBE && !flag('allowOtherContext', false)) {
		fault('kubeContext', `"${kubeContext}" is not ${MINIKUBE}; allowOtherContext: true permits it`);
	}
	const kind = choice('identity', ['minikube', 'oidc-provider', 'none']);
	const aws = kind === 'none' ? undefined : readAws(text, fault);
	const identity = readIdentity(kind, aws, stack, text, fault);
	if (kind === 'minikube' && kubeContext !== MINIKUBE) {
		fault('identity', `minikube needs kubeContext ${MINIKUBE}; another cluster brings its oidc-provider`);
	}
	const replicas = Number(text('replicas', '1'));
	if (!Number.isInteger(replicas) || replicas < 1 || replicas > 5) fault('replicas', 'expected 1 to 5');

	const region = text('awsRegion');
	const byDefault: Record<string, ProviderConfig> = {
		'aws-secretsmanager': { kind: 'aws-secretsmanager', ...(region === '' ? {} : { region }) },
	};
	const controller = {
		providers: structure('providers', byDefault),
		policy: structure('policy', []),
		limits: structure('limits', undefined),
		watch: structure('watch', undefined),
	} as ControllerConfig;
	// Checked by the controller, with everything else of its file.
	const profile = text('profile', 'write-only') as Profile;
	const refused = configFaults(controller, profile, aws?.region);
	faults.push(...refused);
	if (refused.length === 0) {
		faults.push(...podFiles(controller).faults);
		if (aws !== undefined) faults.push(...permissionFaults(controller, aws));
	}

	const admissionPolicy = flag('admissionPolicy', true);
	if (profile === 'write-only' && !admissionPolicy) {
		fault(
			'admissionPolicy',
			'write-only does not run without it; before Kubernetes 1.30 use profile self-heal',
		);
	}
	const config: InfraConfig = {
		stack,
		kubeContext,
		kubeconfig: source.get('kubeconfig'),
		aws,
		identity,
		image: readImage(text('image'), choice('imageBuild', ['minikube', 'archive']), kubeContext, fault),
		profile,
		admissionPolicy,
		replicas,
		networkPolicy: flag('networkPolicy', true),
		serviceMonitor: flag('serviceMonitor', false),
		authorities: text('authorities', AUTHORITIES),
		testSecrets: flag('testSecrets', false),
		samples: flag('samples', false),
		controller,
	};
	if (config.testSecrets && aws === undefined) fault('testSecrets', 'needs an identity in AWS');
	if (faults.length > 0) {
		throw new pulumi.RunError(
			`the configuration of stack ${stack} has faults:\n${faults.map(f => `  - jasm:${f}`).join('\n')}`,
		);
	}
	return config;
}

type Text = (key: string, fallback?: string) => string;
type Fault = (key: string, expectation: string) => void;

function readAws(text: Text, fault: Fault): AwsConfig {
	const aws = {
		accountId: text('awsAccountId'),
		region: text('awsRegion'),
		profile: text('awsProfile', 'codnod'),
	};
	if (!/^\d{12}$/.test(aws.accountId))
		fault('awsAccountId', 'expected the 12 digits of the account to work in');
	if (!REGION.test(aws.region)) fault('awsRegion', 'expected a region such as eu-west-1');
	if (aws.profile === '') fault('awsProfile', 'expected the name of a profile');
	return aws;
}

function readIdentity(
	kind: Identity['kind'],
	aws: AwsConfig | undefined,
	stack: string,
	text: Text,
	fault: Fault,
): Identity {
	if (kind === 'minikube' && aws !== undefined) {
		// Deterministic, so that the issuer is known before the cluster starts; no dots, so that TLS fits.
		const bucket = `jasm-oidc-${aws.accountId}-${stack}`.toLowerCase();
		if (!/^[a-z0-9-]{3,63}$/.test(bucket))
			fault('identity', `"${bucket}" is not a bucket name: use a plainer stack name`);
		return { kind, bucket, issuer: `https://${bucket}.s3.${aws.region}.amazonaws.com` };
	}
	if (kind === 'oidc-provider') {
		const [providerArn, issuer] = [text('oidcProviderArn'), text('issuerUrl')];
		if (!ISSUER.test(issuer))
			fault('issuerUrl', 'expected an https URL without port, query and trailing slash');
		const expected = `:oidc-provider/${issuer.replace('https://', '')}`;
		if (!providerArn.startsWith('arn:') || !providerArn.endsWith(expected)) {
			fault('oidcProviderArn', `expected an ARN that ends in ${expected}`);
		}
		return { kind, providerArn, issuer };
	}
	return { kind: 'none' };
}

function readImage(
	reference: string,
	build: 'minikube' | 'archive',
	context: string,
	fault: Fault,
): ImageConfig {
	if (reference === '') {
		if (context !== MINIKUBE) fault('image', 'expected an image reference: only minikube builds its own');
		return { kind: build === 'archive' ? 'archive' : 'minikube-build' };
	}
	const [, tag = ''] = /(?::([\w][\w.-]*)|@sha256:[0-9a-f]{64})$/.exec(reference) ?? [undefined, 'latest'];
	if (tag === 'latest' || /\s/.test(reference))
		fault('image', `"${reference}" needs a tag other than latest, or a digest`);
	return { kind: 'given', reference };
}
