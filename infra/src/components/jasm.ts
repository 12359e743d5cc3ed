// Component: an installation of JASM in one cluster: namespace, rights, guard, controller.
import * as k8s from '@pulumi/kubernetes';
import * as pulumi from '@pulumi/pulumi';
import { type Installation, installationFaults, installationWarnings } from '../documents/checks.ts';
import { NAME, type Profile, systemPatterns } from '../documents/contract.ts';
import type { ControllerConfig } from '../documents/controller-config.ts';
import { egressRules } from '../documents/egress.ts';
import { labels } from '../documents/labels.ts';
import type { Platform } from '../documents/platform.ts';
import { podFiles } from '../documents/pod-files.ts';
import type { KnownSettings } from '../documents/pod-settings.ts';
import type { PodSettings } from '../documents/pod-template.ts';
import { requirementsOf, type Setting } from '../documents/requirements.ts';
import { checked, type Inputs, known } from '../inputs.ts';
import { AdmissionPolicies } from './admission-policies.ts';
import { type AwsArgs, ControllerDeployment } from './controller-deployment.ts';
import { ControllerRbac, type Metadata } from './controller-rbac.ts';
import { ControllerNetworkPolicy } from './network-policy.ts';
import { Restarts } from './restarts.ts';
import { StartPolicies, type StartPoliciesArgs } from './start-policies.ts';

/** The image, the configuration of the controller, and where clusters differ. */
export type JasmArgs = {
	/** Reference of the controller's image. */
	readonly image: pulumi.Input<string>;
	/** Providers and policy: the controller's config file. Every value may be an Output, except for those of `restarts`. */
	readonly controller: Inputs<ControllerConfig>;
	/** Name of JASM's own namespace; default `jasm`. */
	readonly namespace?: pulumi.Input<string> | undefined;
	/** Default true; false for a namespace that exists. */
	readonly createNamespace?: boolean | undefined;
	/** Default `write-only`: it cannot read a Secret. */
	readonly profile?: Profile | undefined;
	/** Default true, which needs Kubernetes 1.30; `write-only` refuses to run without it. */
	readonly admissionPolicy?: boolean | undefined;
	/**
	 * Whether pods wait for their Secrets before they start. `annotated` and `all` need Kubernetes 1.36, `checked` (pods
	 * write the gate themselves) 1.30; each needs the admission policy. Default `never`.
	 */
	readonly start?: StartArgs | undefined;
	/** Default 1; from 2 on with leader election. */
	readonly replicas?: pulumi.Input<number> | undefined;
	/** The region and role that the controller is given; undefined where no provider is AWS. */
	readonly aws?: AwsArgs | undefined;
	/** Default `kubernetes`. */
	readonly platform?: Platform | undefined;
	/** Default true. */
	readonly networkPolicy?: boolean | undefined;
	/** Ports and addresses in which clusters differ. */
	readonly network?: Inputs<NonNullable<Setting['network']>> | undefined;
	/** Who may post change notices, and which Secrets hold the files for it; for a source of kind `webhook`. */
	readonly webhook?: Inputs<NonNullable<Setting['webhook']>> | undefined;
	/** The proxy that leads to providers; never used for the API server. */
	readonly proxy?: Inputs<NonNullable<Setting['proxy']>> | undefined;
	/** ConfigMap of JASM's namespace with the files below /etc/jasm that `caFile` names; default `jasm-authorities`. */
	readonly authorities?: pulumi.Input<string> | undefined;
	/** File of that ConfigMap with authorities that are trusted beside the well-known ones, for every provider. */
	readonly trustBundle?: pulumi.Input<string> | undefined;
	/** `debug`, `info`, `error`, `panic`, or a verbosity; default `info`. */
	readonly logLevel?: pulumi.Input<string> | undefined;
	/** Default `system-cluster-critical`: other pods wait for what this one writes. Empty: none. */
	readonly priorityClass?: pulumi.Input<string> | undefined;
	readonly pod?: PodSettings | undefined;
	/** Labels and annotations of the ServiceAccount. */
	readonly serviceAccount?: Metadata | undefined;
	/** Default false. */
	readonly serviceMonitor?: boolean | undefined;
};

/** Which pods wait for their Secrets. */
export type StartArgs = {
	readonly wait: StartPoliciesArgs['wait'] | 'never';
	/** With `all`: seconds after its creation at which a pod starts in any case; default 60. */
	readonly deadlineSeconds?: number | undefined;
	/** Namespaces whose pods never wait, such as that of a Vault that runs in this cluster. */
	readonly exempt?: readonly string[] | undefined;
};

/**
 * An installation of JASM in one cluster.
 *
 * @example
 * ```ts
 * import { Jasm } from '@jasm/infra';
 * import * as k8s from '@pulumi/kubernetes';
 *
 * const cluster = new k8s.Provider('cluster', { context: 'minikube' });
 * export const { namespace } = new Jasm(
 * 	'jasm',
 * 	{
 * 		image: 'registry.example.com/jasm-controller:0.1.0',
 * 		controller: {
 * 			providers: { vault: { kind: 'vault', address: 'https://vault.example.com', role: 'jasm' } },
 * 			policy: [{ namespaces: ['team-*'], provider: 'vault', paths: ['prod/{namespace}/**'] }],
 * 		},
 * 	},
 * 	{ providers: [cluster] },
 * );
 * ```
 */
export class Jasm extends pulumi.ComponentResource {
	readonly namespace: pulumi.Output<string>;
	readonly serviceAccount: pulumi.Output<string>;

	/** Throws a RunError where the controller would refuse its configuration, as far as that is known. */
	constructor(name: string, args: JasmArgs, options?: pulumi.ComponentResourceOptions) {
		super('jasm:infra:Jasm', name, {}, options);
		const { profile = 'write-only', replicas = 1, aws, pod = {} } = args;
		const { wait = 'never', deadlineSeconds = 60, exempt = [] } = args.start ?? {};
		const release = wait !== 'never';
		if (release && args.admissionPolicy === false) {
			throw new pulumi.RunError(
				`${name}: start.wait ${wait} needs admissionPolicy: without it, JASM could change every pod of the cluster`,
			);
		}
		const restarted = restartedNamespaces(name, args);
		const several = typeof replicas !== 'number' || replicas > 1;
		const ids = pod.ids ?? (args.platform === 'openshift' ? 'platform' : 'image');
		const { controller, settings } = this.#checked(name, args, profile);
		const listens = hasWebhook(name, args);
		const requirements = pulumi
			.all([controller, settings])
			.apply(([config, setting]) => requirementsOf(config, setting));
		const files = pulumi
			.all([requirements, args.authorities, settings])
			.apply(([needs, authorities, { webhook }]) =>
				podFiles(needs, { authorities: authorities || undefined, secrets: webhook?.secrets }),
			);

		const wanted = pulumi.output(args.namespace).apply(given => given || NAME);
		const created = args.createNamespace === false ? [] : [this.#namespace(name, wanted)];
		const namespace = created[0]?.metadata.name ?? wanted;
		const within = { parent: this, dependsOn: created };
		const rbac = new ControllerRbac(
			`${name}-rbac`,
			{ namespace, profile, release, leaderElection: several, serviceAccount: accountOf(args) },
			within,
		);
		const guards: pulumi.Resource[] =
			args.admissionPolicy === false
				? []
				: [
						new AdmissionPolicies(
							`${name}-guard`,
							{
								...{ namespace, serviceAccountName: NAME, release },
								systemNamespaces: controller.apply(({ policy }) => systemPatterns(policy)),
							},
							within,
						),
					];
		if (restarted.length > 0) {
			const { image } = args;
			const rights = { namespace, serviceAccountName: NAME, namespaces: restarted, image, ids };
			guards.push(
				new Restarts(`${name}-restarts`, rights, { parent: this, dependsOn: [...created, rbac, ...guards] }),
			);
		}
		if (args.networkPolicy !== false) {
			const egress = pulumi
				.all([requirements, settings])
				.apply(([needs, setting]) => egressRules(needs, setting));
			const senders = pulumi.all([requirements, settings]).apply(([{ listeners }, { webhook }]) => ({
				listeners,
				from: webhook?.from ?? [],
			}));
			new ControllerNetworkPolicy(`${name}-network`, { namespace, egress, senders }, within);
		}
		const deployment = new ControllerDeployment(
			`${name}-controller`,
			{
				...{ namespace, profile, controller, requirements, files, replicas, several, listens, aws, pod, ids },
				serviceAccountName: rbac.serviceAccountName,
				image: args.image,
				logLevel: args.logLevel,
				priorityClass: pulumi.output(args.priorityClass).apply(priorityClassOf),
				serviceMonitor: args.serviceMonitor ?? false,
			},
			// Rights and guard first: without them the controller refuses to start.
			{ parent: this, dependsOn: [...created, rbac, ...guards] },
		);
		if (wait !== 'never') {
			// Created last and destroyed first: no pod waits while nothing can release it.
			new StartPolicies(
				`${name}-start`,
				{ namespace, wait, deadlineSeconds, exempt },
				{ parent: this, dependsOn: deployment },
			);
		}
		this.namespace = namespace;
		this.serviceAccount = rbac.serviceAccountName;
		this.registerOutputs({ namespace: this.namespace, serviceAccount: this.serviceAccount });
	}

	#namespace(name: string, namespace: pulumi.Input<string>): k8s.core.v1.Namespace {
		const metadata = {
			name: namespace,
			labels: { ...labels('namespace'), 'pod-security.kubernetes.io/enforce': 'restricted' },
		};
		return new k8s.core.v1.Namespace(name, { metadata }, { parent: this });
	}

	/** The configuration and the settings, checked by the controller's own rules. */
	#checked(name: string, args: JasmArgs, profile: Profile) {
		const { aws, platform, network, networkPolicy, webhook, proxy, trustBundle } = args;
		const role = aws?.roleArn !== undefined;
		const pod = known(args.pod ?? {}).value as KnownSettings;
		const installation = ({ config, namespace, region, ...setting }: Checked): Installation => ({
			config,
			profile,
			pod,
			around: { namespace, region, role },
			setting: { ...setting, platform, networkPolicy, role },
		});
		const released = (args.start?.wait ?? 'never') !== 'never';
		const value = {
			config: released
				? { ...args.controller, start: { ...args.controller.start, release: true } }
				: args.controller,
			namespace: args.namespace,
			region: aws?.region,
			...{ network, webhook, proxy, trustBundle },
		};
		const all = checked<Checked>(
			`the configuration of ${name} has faults`,
			value as Inputs<Checked>,
			given => installationFaults(installation(given)),
			// Faults of the controller's configuration begin with its own paths.
			path => path.replace(/^config\./, ''),
		).apply(installation);
		all.apply(complete => {
			for (const warning of installationWarnings(complete)) void pulumi.log.warn(warning, this);
		});
		return { controller: all.apply(({ config }) => config), settings: all.apply(({ setting }) => setting) };
	}
}

/** Decides whether there is a Service, so it must be known before the program runs. */
function hasWebhook(name: string, { controller, webhook }: JasmArgs): boolean {
	const { value, open } = known(controller);
	if (webhook?.from !== undefined && open.some(path => /^changes(\.sources(\[\d+\])?)?$/.test(path))) {
		throw new pulumi.RunError(
			`${name}: controller.changes.sources must not be an Output where webhook is set`,
		);
	}
	const { changes } = value as Partial<ControllerConfig>;
	return (changes?.sources ?? []).some(source => source?.kind === 'webhook');
}

/** What is checked together, because each part decides about faults of the others. */
type Checked = Pick<Setting, 'network' | 'webhook' | 'proxy' | 'trustBundle'> & {
	readonly config: ControllerConfig;
	readonly namespace?: string | undefined;
	readonly region?: string | undefined;
};

/** Where workloads may be restarted, which decides which rights there are. Throws where that is not known or not held. */
function restartedNamespaces(name: string, { controller, admissionPolicy }: JasmArgs): readonly string[] {
	const { value, open } = known(controller.restarts, 'restarts');
	const [unknown] = open;
	if (unknown !== undefined) {
		throw new pulumi.RunError(
			`${name}: controller.${unknown}: must be known before the program runs, because it decides about rights`,
		);
	}
	if (value !== undefined && admissionPolicy === false) {
		throw new pulumi.RunError(
			`${name}: controller.restarts needs admissionPolicy: without it, JASM could change every workload there`,
		);
	}
	const { namespaces = [] } = (value ?? {}) as { namespaces?: readonly string[] };
	return Array.isArray(namespaces) ? namespaces : [];
}

/** The annotation is for people and for the EKS webhook; the pod itself carries the role and a token of its own. */
function accountOf({ aws, serviceAccount = {} }: JasmArgs): Metadata {
	if (aws?.roleArn === undefined) return serviceAccount;
	const annotations = pulumi
		.all([serviceAccount.annotations, aws.roleArn])
		.apply(([extra, roleArn]) => ({ ...extra, 'eks.amazonaws.com/role-arn': roleArn }));
	return { ...serviceAccount, annotations };
}

const priorityClassOf = (given: string | undefined) =>
	((given ?? 'system-cluster-critical') || undefined) as string;
