// The stack's configuration, read and checked whole: every fault is reported at once; pure.
import { schemaFaults } from '@jasm/controller/installation';
import * as pulumi from '@pulumi/pulumi';
import type { StartArgs } from '../components/jasm.ts';
import { eventPatternFaults } from '../documents/change-documents.ts';
import { installationFaults } from '../documents/checks.ts';
import type { Profile } from '../documents/contract.ts';
import type { ControllerConfig } from '../documents/controller-config.ts';
import type { ProxySettings } from '../documents/platform.ts';
import type { KnownSettings } from '../documents/pod-settings.ts';
import { permissionFaults } from '../documents/policy-documents.ts';
import { decode, type StackValues } from './decode.ts';
import { type AwsConfig, type Identity, makesRole, needsAccount, readIdentity } from './identity.ts';
import { type StackKeys, stackKeys } from './schema.ts';

export type { AwsConfig, Identity } from './identity.ts';

export type ImageConfig =
	| { readonly kind: 'given'; readonly reference: string }
	/** Built by `minikube image build` from controller/Dockerfile. */
	| { readonly kind: 'minikube-build' }
	/** Assembled from the workspace without a container builder, loaded by `minikube image load`. */
	| { readonly kind: 'archive' };

type PlainKeys =
	| 'kubeContext'
	| 'platform'
	| 'namespace'
	| 'createNamespace'
	| 'tags'
	| 'admissionPolicy'
	| 'replicas'
	| 'pod'
	| 'serviceAccount'
	| 'networkPolicy'
	| 'network'
	| 'webhook'
	| 'authorities'
	| 'serviceMonitor'
	| 'changes'
	| 'changeQueue'
	| 'testSecrets'
	| 'samples';

export type InfraConfig = Readonly<Pick<StackKeys, PlainKeys>> & {
	/** Name of the stack: everything that it makes in AWS carries it, so that stacks can share an account. */
	readonly stack: string;
	/** One kubeconfig file; undefined leaves it to KUBECONFIG, then to the home directory. */
	readonly kubeconfig: string | undefined;
	/** The account that the stack works in; undefined where it makes nothing in AWS. */
	readonly aws: AwsConfig | undefined;
	readonly region: string | undefined;
	readonly identity: Identity;
	readonly image: ImageConfig;
	readonly profile: Profile;
	readonly controller: ControllerConfig;
	/** Whether pods wait for their Secrets. `auto`: as the version of the cluster allows. */
	readonly start: Omit<StartArgs, 'wait'> & { readonly wait: StartArgs['wait'] | 'auto' };
	readonly logLevel: string | undefined;
	/** Empty for the default of the cluster. */
	readonly priorityClass: string;
	readonly proxy: ProxySettings | undefined;
	readonly trustBundle: string | undefined;
};

/** The one context that a stack may touch without `allowOtherContext: true`. */
export const MINIKUBE = 'minikube';

/** Reports one fault of one key. */
export type Fault = (key: string, problem: string) => void;

const SECRET_KEY =
	'is marked as secret, and JASM would write it in plain text into manifests: set it with --plaintext. ' +
	'Credentials of providers belong in a Kubernetes Secret that jasm:pod mounts or takes as envFrom';

/**
 * Reads the whole configuration of a stack. Throws one RunError that lists every fault. `secretKeys` are the keys
 * that the user marked with --secret: each is refused, and no fault repeats its value.
 */
export function loadConfig(
	values: StackValues,
	stack: string,
	secretKeys: ReadonlySet<string> = new Set(),
): InfraConfig {
	const decoded = decode(Object.fromEntries(Object.entries(values).filter(([key]) => !secretKeys.has(key))));
	const faults = [
		...[...secretKeys].map(key => `${key}: ${SECRET_KEY}`),
		...schemaFaults(stackKeys, decoded),
	];
	const faulty = (key: string) => faults.some(each => new RegExp(`^${key}\\b`).test(each));
	const fault: Fault = (key, problem) => {
		// A key has one fault: what else is wrong with it follows from that.
		if (!faulty(key)) faults.push(`${key}: ${problem}`);
	};
	// Faulty keys fall back to their defaults, so that the rest can be checked.
	const valid = Object.entries(decoded).filter(([key]) => key in stackKeys._zod.def.shape && !faulty(key));
	const keys = stackKeys.parse(Object.fromEntries(valid));

	const elsewhere = keys.kubeContext !== MINIKUBE;
	if (elsewhere && !keys.allowOtherContext) {
		fault('kubeContext', `"${keys.kubeContext}" is not ${MINIKUBE}; allowOtherContext: true permits it`);
	}
	const { aws, region, identity } = readIdentity(keys, stack, fault);
	if (keys.identity === 'minikube' && elsewhere && keys.allowOtherContext) {
		fault('identity', `minikube needs kubeContext ${MINIKUBE}; see docs/install.md for another cluster`);
	}
	const proxy = readProxy(keys, fault);
	const controller = readController(keys, region);
	const setting = {
		...pick(keys, ['platform', 'network', 'networkPolicy', 'webhook']),
		proxy,
		trustBundle: keys.trustBundle || undefined,
	};
	const profile = keys.profile as Profile;
	// Rules name providers, so without those their faults would be wrong.
	if (!faulty('providers')) {
		const role = identity.kind !== 'none' && identity.kind !== 'pod-identity';
		const refused = installationFaults({
			...{ config: controller, profile, pod: keys.pod as KnownSettings },
			around: { namespace: keys.namespace, region, role },
			setting: { ...setting, role },
		});
		faults.push(...refused);
		if (aws !== undefined && makesRole(identity) && refused.length === 0) {
			faults.push(...permissionFaults(controller, aws));
		}
	}
	if (profile === 'write-only' && !keys.admissionPolicy) {
		fault(
			'admissionPolicy',
			'write-only does not run without it; before Kubernetes 1.30 use profile self-heal',
		);
	}
	if (!['never', 'auto'].includes(keys.start.wait ?? 'never') && !keys.admissionPolicy) {
		fault('start', 'needs admissionPolicy: without it, JASM could change every pod of the cluster');
	}
	if (controller.restarts !== undefined && !keys.admissionPolicy) {
		fault('restarts', 'needs admissionPolicy: without it, JASM could change every workload there');
	}
	if (keys.changeQueue && !makesRole(identity)) {
		fault(
			'changeQueue',
			'needs an identity whose role the stack makes: the role has to receive from the queue',
		);
	} else if (keys.changeQueue && !faulty('providers') && !faulty('policy')) {
		faults.push(...eventPatternFaults(controller));
	}
	if (keys.testSecrets && !needsAccount(keys)) fault('testSecrets', 'needs an identity in AWS');
	const image = readImage(keys, fault);
	if (faults.length > 0) {
		throw new pulumi.RunError(
			`the configuration of stack ${stack} has faults:\n${faults.map(each => `  - jasm:${each}`).join('\n')}`,
		);
	}
	return {
		...pick(keys, PLAIN),
		...{ stack, aws, region, identity, image, profile, controller },
		...setting,
		start: { ...keys.start, wait: keys.start.wait ?? 'never' },
		kubeconfig: keys.kubeconfig || undefined,
		logLevel: keys.logLevel || undefined,
		priorityClass: keys.priorityClass === 'none' ? '' : keys.priorityClass,
	};
}

const PLAIN = [
	...(['kubeContext', 'namespace', 'createNamespace', 'tags', 'admissionPolicy', 'replicas'] as const),
	...(['pod', 'serviceAccount', 'networkPolicy', 'network', 'webhook', 'platform', 'authorities'] as const),
	...(['serviceMonitor', 'changes', 'changeQueue', 'testSecrets', 'samples'] as const),
] satisfies PlainKeys[];

function pick<const Key extends keyof StackKeys>(
	keys: StackKeys,
	names: readonly Key[],
): Pick<StackKeys, Key> {
	return Object.fromEntries(names.map(name => [name, keys[name]])) as Pick<StackKeys, Key>;
}

function readProxy({ proxy }: StackKeys, fault: Fault): ProxySettings | undefined {
	if (Object.keys(proxy).length === 0) return undefined;
	if (proxy.url === undefined) fault('proxy.url', 'is required');
	return { url: proxy.url ?? '', noProxy: proxy.noProxy };
}

/** The controller's file; without providers, AWS Secrets Manager in the stack's region. */
function readController(
	{ providers, policy, limits, watch, changes, changeQueue, restarts, identity }: StackKeys,
	region: string | undefined,
): ControllerConfig {
	const none = Object.keys(providers).length === 0;
	const credentials = identity === 'pod-identity' ? { credentials: 'container' } : {};
	const standard = { kind: 'aws-secretsmanager', ...(region && { region }), ...credentials };
	return {
		providers: none ? { 'aws-secretsmanager': standard } : providers,
		policy,
		...(Object.keys(limits).length === 0 ? {} : { limits }),
		...(Object.keys(watch).length === 0 ? {} : { watch }),
		...(Object.keys(restarts).length === 0 ? {} : { restarts }),
		// The queue that the stack makes is a source as well, and is not known yet.
		...(Object.keys(changes).length === 0 || (changeQueue && !('sources' in changes)) ? {} : { changes }),
	} as ControllerConfig;
}

/**
 * On Linux the workspace has all files of an image, so nothing has to be pulled; elsewhere its Node is for another
 * system, and minikube builds.
 */
function readImage({ image, imageBuild, kubeContext }: StackKeys, fault: Fault): ImageConfig {
	if (image === '') {
		if (kubeContext !== MINIKUBE) fault('image', 'is required: only minikube builds its own');
		const build = imageBuild || (process.platform === 'linux' ? 'archive' : 'minikube');
		return { kind: build === 'archive' ? 'archive' : 'minikube-build' };
	}
	const [, tag = ''] = /(?::([\w][\w.-]*)|@sha256:[0-9a-f]{64})$/.exec(image) ?? [undefined, 'latest'];
	if (tag === 'latest' || /\s/.test(image))
		fault('image', `"${image}" needs a tag other than latest, or a digest`);
	return { kind: 'given', reference: image };
}
