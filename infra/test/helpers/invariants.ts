// What holds for every resource of an installation, each as a function from a resource to its violations; pure.

/** A declared resource: what mocks and recordings have in common. */
export type Declared = {
	readonly type: string;
	readonly name: string;
	readonly custom?: boolean | undefined;
	/** Reference to an explicit Pulumi provider; empty where a default provider would serve. */
	readonly provider?: string | undefined;
	readonly inputs: Record<string, unknown>;
};

export type Invariant = (resource: Declared) => string[];

// biome-ignore lint/suspicious/noExplicitAny: manifests of every kind, read by path
type Manifest = any;

const isCluster = ({ type }: Declared) => type.startsWith('kubernetes:');
const CLUSTER_SCOPED =
	/:(Namespace|ClusterRole|ClusterRoleBinding|ValidatingAdmissionPolicy|ValidatingAdmissionPolicyBinding|MutatingAdmissionPolicy|MutatingAdmissionPolicyBinding)$/;
/** Marks a wrapped secret on the wire and in mocks. */
const SIGNATURE = '4dabf18193072939515e22adb298388d';

/** Every resource names its Pulumi provider: none takes the ambient cluster or account. */
export const explicitProvider: Invariant = ({ type, custom, provider }) =>
	custom === false || type.startsWith('pulumi:') || (provider ?? '') !== ''
		? []
		: ['has no explicit provider'];

/** Every object of the cluster is found by its labels; the sentinel must have none. */
export const labelled: Invariant = resource => {
	const { metadata } = resource.inputs as Manifest;
	if (!isCluster(resource) || metadata?.name === 'jasm-sentinel') return [];
	return metadata?.labels?.['app.kubernetes.io/part-of'] === 'jasm'
		? []
		: ['lacks the label app.kubernetes.io/part-of'];
};

/** Every object has a name of its own, and a namespace where its kind has one. */
export const placed: Invariant = resource => {
	const { metadata } = resource.inputs as Manifest;
	if (!isCluster(resource)) return [];
	const violations = typeof metadata?.name === 'string' ? [] : ['has no metadata.name'];
	const namespaced = !CLUSTER_SCOPED.test(resource.type);
	if (namespaced !== (typeof metadata?.namespace === 'string'))
		violations.push('namespace does not fit its kind');
	return violations;
};

/** No secret value is declared in clear. */
export const noPlaintextSecret: Invariant = ({ type, inputs }) => {
	const values =
		type.endsWith(':Secret') && type.startsWith('kubernetes:') ? [inputs['data'], inputs['stringData']] : [];
	if (type === 'aws:secretsmanager/secretVersion:SecretVersion') {
		if (inputs['secretString'] !== undefined) return ['keeps its value in the state'];
		values.push(inputs['secretStringWo']);
	}
	return values
		.filter(value => value !== undefined)
		.flatMap(value => (isWrapped(value) ? [] : ['has a secret in clear']));
};

/** Every container is confined, limited, and of an image that does not change under its name. */
export const hardened: Invariant = resource => {
	const { spec, kind } = resource.inputs as Manifest;
	const pod = kind === 'Pod' ? spec : spec?.template?.spec;
	if (!isCluster(resource) || pod === undefined) return [];
	const violations: string[] = [];
	const demand = (holds: boolean, violation: string) => holds || violations.push(violation);
	demand(pod.securityContext?.runAsNonRoot === true, 'may run as root');
	demand(pod.securityContext?.seccompProfile?.type === 'RuntimeDefault', 'has no seccomp profile');
	demand(!pod.hostNetwork && !pod.hostPID && !pod.hostIPC, 'shares a namespace of the host');
	for (const container of [...(pod.containers ?? []), ...(pod.initContainers ?? [])]) {
		const context = container.securityContext ?? {};
		demand(context.readOnlyRootFilesystem === true, 'has a writable root filesystem');
		demand(context.allowPrivilegeEscalation === false && context.privileged === false, 'may gain privileges');
		demand(
			JSON.stringify(context.capabilities?.drop) === '["ALL"]' && !context.capabilities?.add,
			'keeps capabilities',
		);
		demand(
			container.resources?.limits?.memory !== undefined && container.resources?.limits?.cpu !== undefined,
			'has no limits',
		);
		demand(container.resources?.requests?.memory !== undefined, 'has no requests');
		demand(!/(:latest|^[^:@]+)$/.test(String(container.image)), 'has an image without a fixed tag');
	}
	return violations;
};

/** Every token of a pod is for one named audience and soon over, and what is mounted is there, read-only, once. */
export const mounted: Invariant = resource => {
	const { spec, kind } = resource.inputs as Manifest;
	const pod = kind === 'Pod' ? spec : spec?.template?.spec;
	if (!isCluster(resource) || pod === undefined) return [];
	const violations: string[] = [];
	const demand = (holds: boolean, violation: string) => holds || violations.push(violation);
	const volumes = (pod.volumes ?? []) as Manifest[];
	const names = volumes.map(({ name }) => name);
	demand(new Set(names).size === names.length, 'has two volumes of one name');
	for (const { projected } of volumes) {
		for (const { serviceAccountToken: token } of projected?.sources ?? []) {
			if (token === undefined) continue;
			demand(Boolean(token.audience), 'has a token for the API server among its files');
			demand(token.expirationSeconds <= 3_600, 'has a token that lives longer than an hour');
		}
	}
	for (const { volumeMounts = [] } of pod.containers ?? []) {
		const paths = volumeMounts.map(({ mountPath }: Manifest) => mountPath);
		demand(new Set(paths).size === paths.length, 'mounts twice at one path');
		for (const { name, readOnly, subPath } of volumeMounts) {
			demand(names.includes(name), 'mounts a volume that it has not');
			demand(readOnly === true, 'may write where something is mounted');
			demand(subPath === undefined, 'mounts a file that never changes');
		}
	}
	return violations;
};

/** A sender that is not listed reaches the ports of metrics and probes, and no other. */
export const listedSenders: Invariant = ({ type, inputs }) => {
	if (!type.endsWith(':NetworkPolicy')) return [];
	const rules = ((inputs as Manifest).spec?.ingress ?? []) as Manifest[];
	return rules
		.filter(
			({ from }) => !Array.isArray(from) || from.length === 0 || from.some(peer => !Object.keys(peer).length),
		)
		.flatMap(({ ports }) => (ports ?? [{ port: 'every port' }]) as Manifest[])
		.filter(({ port }) => port !== 8080 && port !== 8081)
		.map(({ port }) => `lets everybody in at ${port}`);
};

/** No right and no permission is for everything. */
export const noWildcard: Invariant = ({ type, inputs }) => {
	const rules = (inputs as Manifest).rules ?? [];
	const wild = rules.some((rule: Record<string, string[]>) =>
		Object.values(rule).some(list => list.includes('*')),
	);
	if (wild) return ['grants a wildcard'];
	if (!type.startsWith('aws:iam/') || typeof inputs['policy'] !== 'string') return [];
	const statements = JSON.parse(inputs['policy']).Statement as {
		Action: string | string[];
		Resource: string | string[];
	}[];
	const open = statements.some(
		({ Action, Resource }) =>
			[Action].flat().some(action => action.includes('*')) ||
			[Resource].flat().some(resource => resource === '*' || /:secret:\/?[*?]/.test(resource)),
	);
	return open ? ['permits a wildcard'] : [];
};

/** A queue takes messages from one rule of EventBridge and from nowhere else, and only over TLS. */
export const queueIsClosed: Invariant = ({ type, inputs }) => {
	if (!type.startsWith('aws:sqs/queuePolicy:') || typeof inputs['policy'] !== 'string') return [];
	const statements = JSON.parse(inputs['policy']).Statement as Manifest[];
	const allowed = statements.filter(({ Effect }) => Effect === 'Allow');
	const open = allowed.some(
		({ Principal, Action, Condition }) =>
			JSON.stringify(Principal) !== '{"Service":"events.amazonaws.com"}' ||
			Action !== 'sqs:SendMessage' ||
			!/^arn:[^*?]+$/.test(String(Condition?.ArnEquals?.['aws:SourceArn'])),
	);
	const plain = !statements.some(
		({ Effect, Condition }) => Effect === 'Deny' && Condition?.Bool?.['aws:SecureTransport'] === 'false',
	);
	return [...(open ? ['lets others send'] : []), ...(plain ? ['takes messages without TLS'] : [])];
};

/** Secrets are written, never patched or deleted, and read only in profile `self-heal`. */
export const secretVerbs =
	(profile: string): Invariant =>
	({ inputs }) => {
		const rules: { resources: string[]; verbs: string[] }[] = (inputs as Manifest).rules ?? [];
		const allowed =
			profile === 'self-heal' ? ['create', 'update', 'get', 'list', 'watch'] : ['create', 'update'];
		return rules
			.filter(({ resources }) => resources.includes('secrets'))
			.flatMap(({ verbs }) => verbs.filter(verb => !allowed.includes(verb)))
			.map(verb => `grants ${verb} on Secrets`);
	};

/** Rights to patch that an admission policy has to hold, by what they are for, with the name of the policy. */
const HELD_PATCHES = {
	pods: { policy: 'jasm-pods', resources: ['pods'] },
	workloads: {
		policy: 'jasm-restart-only',
		resources: ['deployments', 'statefulsets', 'daemonsets', 'replicasets', 'jobs', 'cronjobs'],
	},
};

const rulesOf = ({ inputs }: Declared): { resources: string[]; verbs: string[] }[] =>
	(inputs as Manifest).rules ?? [];

/** Whether the resource gives any right but reading on one of these. */
const changes = (resource: Declared, of: readonly string[]): boolean =>
	rulesOf(resource).some(
		({ resources, verbs }) =>
			resources.some(each => of.includes(each.replace(/\/.*/, ''))) &&
			verbs.some(verb => !['get', 'list', 'watch'].includes(verb)),
	);

/** `patch` on pods and on workloads is given only together with the policy and the binding that hold JASM to one change. */
function patchIsHeld(resources: readonly Declared[]): string[] {
	return Object.entries(HELD_PATCHES).flatMap(([what, { policy, resources: of }]) => {
		const has = (type: string) =>
			resources.some(each => each.type.endsWith(type) && (each.inputs as Manifest).metadata?.name === policy);
		const held = has(':ValidatingAdmissionPolicy') && has(':ValidatingAdmissionPolicyBinding');
		return resources
			.filter(each => !held && changes(each, of))
			.map(({ type, name }) => `${type} ${name} grants patch on ${what} without its policy`);
	});
}

/** The right on workloads reads pod templates: it is bound by namespace, never in the whole cluster, and nothing else comes with it. */
function workloadsByNamespace(resources: readonly Declared[]): string[] {
	const roles = resources.filter(each => changes(each, HELD_PATCHES.workloads.resources));
	const names = roles.map(({ inputs }) => (inputs as Manifest).metadata?.name);
	return [
		...roles
			.filter(role => rulesOf(role).some(({ verbs }) => verbs.join() !== 'patch'))
			.map(({ type, name }) => `${type} ${name} grants more than patch on workloads`),
		...resources
			.filter(
				({ type, inputs }) =>
					type.endsWith(':ClusterRoleBinding') && names.includes((inputs as Manifest).roleRef?.name),
			)
			.map(({ type, name }) => `${type} ${name} grants patch on workloads of the whole cluster`),
	];
}

/** Every port of a Service, and every port that is open to listed senders, is one of the container. */
function portsAreThere(resources: readonly Declared[]): string[] {
	const isController = ({ metadata }: Manifest) =>
		metadata?.name === 'jasm' || metadata?.name?.startsWith('jasm-');
	const ports: Manifest[] = resources
		.filter(({ type, inputs }) => type.endsWith(':Deployment') && isController(inputs))
		.flatMap(({ inputs }) => (inputs as Manifest).spec.template.spec.containers[0].ports ?? []);
	return resources.flatMap(({ type, name, inputs }) => {
		const { spec } = inputs as Manifest;
		const missing = type.endsWith(':Service')
			? spec.ports.filter(
					({ port, targetPort }: Manifest) =>
						!ports.some(each => each.name === targetPort && each.containerPort === port),
				)
			: type.endsWith(':NetworkPolicy')
				? spec.ingress
						.flatMap((rule: Manifest) => rule.ports ?? [])
						.filter(({ port }: Manifest) => !ports.some(each => each.containerPort === port))
				: [];
		return missing.map(
			({ port }: Manifest) => `${type} ${name} leads to port ${port}, which no container has`,
		);
	});
}

/** All of them over all resources: one line per violation. */
export function violations(resources: readonly Declared[], profile: string): string[] {
	const all = [
		explicitProvider,
		labelled,
		placed,
		noPlaintextSecret,
		hardened,
		mounted,
		listedSenders,
		noWildcard,
		queueIsClosed,
		secretVerbs(profile),
	];
	return [
		...resources.flatMap(resource =>
			all.flatMap(invariant => invariant(resource)).map(text => `${resource.type} ${resource.name} ${text}`),
		),
		...patchIsHeld(resources),
		...workloadsByNamespace(resources),
		...portsAreThere(resources),
	];
}

function isWrapped(value: unknown): boolean {
	return typeof value === 'object' && value !== null && SIGNATURE in value;
}
