// The invariants themselves: each objects to the thing it is there to forbid.
import test from 'ava';
import { type Declared, violations } from './helpers/invariants.ts';

const container = {
	name: 'c',
	image: 'jasm:1',
	resources: { requests: { memory: '1Mi' }, limits: { memory: '1Mi', cpu: '1' } },
	securityContext: {
		allowPrivilegeEscalation: false,
		privileged: false,
		readOnlyRootFilesystem: true,
		capabilities: { drop: ['ALL'] },
	},
};
const pod = (change: object, spec: object = {}): Declared => ({
	type: 'kubernetes:core/v1:Pod',
	name: 'pod',
	provider: 'p',
	inputs: {
		kind: 'Pod',
		metadata: { name: 'pod', namespace: 'n', labels: { 'app.kubernetes.io/part-of': 'jasm' } },
		spec: {
			securityContext: { runAsNonRoot: true, seccompProfile: { type: 'RuntimeDefault' } },
			containers: [{ ...container, ...change }],
			...spec,
		},
	},
});
const role = (rule: object): Declared => ({
	type: 'kubernetes:rbac.authorization.k8s.io/v1:ClusterRole',
	name: 'role',
	provider: 'p',
	inputs: { metadata: { name: 'role', labels: { 'app.kubernetes.io/part-of': 'jasm' } }, rules: [rule] },
});
const policy = (rule: object): Declared => ({
	type: 'kubernetes:networking.k8s.io/v1:NetworkPolicy',
	name: 'p',
	provider: 'p',
	inputs: { spec: { ingress: [rule] } },
});
const secretsRule = (...verbs: string[]) => role({ apiGroups: [''], resources: ['secrets'], verbs });

test('a confined pod and the rights of a profile have no violation', t => {
	t.deepEqual(violations([pod({}), secretsRule('create', 'update')], 'write-only'), []);
	t.deepEqual(violations([secretsRule('create', 'update', 'get', 'list', 'watch')], 'self-heal'), []);
});

const admission = (kind: string, name: string): Declared => ({
	type: `kubernetes:admissionregistration.k8s.io/v1:${kind}`,
	name,
	provider: 'p',
	inputs: { metadata: { name, labels: { 'app.kubernetes.io/part-of': 'jasm' } } },
});
const workloadsRule = (...verbs: string[]) =>
	role({ apiGroups: ['apps'], resources: ['deployments'], verbs });

for (const [what, patching, policyName] of [
	['pods', role({ apiGroups: [''], resources: ['pods'], verbs: ['patch'] }), 'jasm-pods'],
	['workloads', workloadsRule('patch'), 'jasm-restart-only'],
] as const) {
	test(`patch on ${what} without the policy that holds it is a violation, and with policy and binding it is none`, t => {
		const policy = admission('ValidatingAdmissionPolicy', policyName);
		const binding = admission('ValidatingAdmissionPolicyBinding', policyName);
		const violation = [
			`kubernetes:rbac.authorization.k8s.io/v1:ClusterRole role grants patch on ${what} without its policy`,
		];
		t.deepEqual(violations([patching], 'write-only'), violation);
		t.deepEqual(violations([patching, policy], 'write-only'), violation);
		t.deepEqual(violations([patching, policy, binding], 'write-only'), []);
	});
}

test('a right on workloads in the whole cluster, or a further verb, is a violation', t => {
	const held = [
		admission('ValidatingAdmissionPolicy', 'jasm-restart-only'),
		admission('ValidatingAdmissionPolicyBinding', 'jasm-restart-only'),
	];
	const bound: Declared = {
		...role({}),
		type: 'kubernetes:rbac.authorization.k8s.io/v1:ClusterRoleBinding',
		inputs: {
			metadata: { name: 'any', labels: { 'app.kubernetes.io/part-of': 'jasm' } },
			roleRef: { name: 'role' },
		},
	};
	t.deepEqual(violations([...held, workloadsRule('patch'), bound], 'write-only'), [
		'kubernetes:rbac.authorization.k8s.io/v1:ClusterRoleBinding role grants patch on workloads of the whole cluster',
	]);
	t.deepEqual(violations([...held, workloadsRule('patch', 'get')], 'write-only'), [
		'kubernetes:rbac.authorization.k8s.io/v1:ClusterRole role grants more than patch on workloads',
	]);
});

const withContext = (change: object) => pod({ securityContext: { ...container.securityContext, ...change } });
const withVolumes = (volumes: object[], ...volumeMounts: object[]) => pod({ volumeMounts }, { volumes });
const token = (serviceAccountToken: object) => ({
	name: 't',
	projected: { sources: [{ serviceAccountToken }] },
});
for (const [violation, resource] of [
	['has no explicit provider', { ...pod({}), provider: '' }],
	['may run as root', pod({}, { securityContext: {} })],
	['shares a namespace of the host', pod({}, { hostNetwork: true })],
	['has a writable root filesystem', withContext({ readOnlyRootFilesystem: false })],
	['may gain privileges', withContext({ allowPrivilegeEscalation: true })],
	['keeps capabilities', withContext({ capabilities: { drop: ['ALL'], add: ['NET_ADMIN'] } })],
	['has no limits', pod({ resources: { requests: { memory: '1Mi' } } })],
	['has an image without a fixed tag', pod({ image: 'jasm:latest' })],
	['has an image without a fixed tag', pod({ image: 'jasm' })],
	['has two volumes of one name', withVolumes([{ name: 'a' }, { name: 'a' }])],
	['has a token for the API server among its files', withVolumes([token({ expirationSeconds: 600 })])],
	[
		'has a token that lives longer than an hour',
		withVolumes([token({ audience: 'vault', expirationSeconds: 7_200 })]),
	],
	['mounts a volume that it has not', withVolumes([], { name: 'a', mountPath: '/a', readOnly: true })],
	['may write where something is mounted', withVolumes([{ name: 'a' }], { name: 'a', mountPath: '/a' })],
	[
		'mounts twice at one path',
		withVolumes(
			[{ name: 'a' }],
			{ name: 'a', mountPath: '/a', readOnly: true },
			{ name: 'a', mountPath: '/a', readOnly: true },
		),
	],
	[
		'mounts a file that never changes',
		withVolumes([{ name: 'a' }], { name: 'a', mountPath: '/a/b', subPath: 'b', readOnly: true }),
	],
	['lets everybody in at 8082', policy({ ports: [{ port: 8082 }] })],
	['lets everybody in at 8082', policy({ ports: [{ port: 8080 }, { port: 8082 }], from: [] })],
	['lets everybody in at 8082', policy({ ports: [{ port: 8082 }], from: [{}] })],
	['lets everybody in at every port', policy({})],
	['leads to port 8082, which no container has', policy({ ports: [{ port: 8082 }] })],
	[
		'leads to port 8082, which no container has',
		{
			type: 'kubernetes:core/v1:Service',
			name: 's',
			provider: 'p',
			inputs: { spec: { ports: [{ port: 8082, targetPort: 'webhook' }] } },
		},
	],
	['grants a wildcard', role({ apiGroups: ['*'], resources: ['pods'], verbs: ['list'] })],
	['grants patch on Secrets', secretsRule('create', 'patch')],
	['grants delete on Secrets', secretsRule('delete')],
	['grants get on Secrets', secretsRule('get')],
	[
		'has a secret in clear',
		{ ...pod({}), type: 'kubernetes:core/v1:Secret', inputs: { stringData: { a: 'b' } } },
	],
	[
		'keeps its value in the state',
		{
			type: 'aws:secretsmanager/secretVersion:SecretVersion',
			name: 's',
			provider: 'p',
			inputs: { secretString: 'x' },
		},
	],
	[
		'permits a wildcard',
		{
			type: 'aws:iam/rolePolicy:RolePolicy',
			name: 'r',
			provider: 'p',
			inputs: { policy: '{"Statement":[{"Action":"secretsmanager:GetSecretValue","Resource":"*"}]}' },
		},
	],
	...(['lets others send', 'takes messages without TLS'] as const).map(violation => [
		violation,
		{
			type: 'aws:sqs/queuePolicy:QueuePolicy',
			name: 'q',
			provider: 'p',
			inputs: {
				policy:
					'{"Statement":[{"Effect":"Allow","Principal":"*","Action":"sqs:SendMessage","Resource":"arn:q"}]}',
			},
		},
	]),
	[
		'lacks the label app.kubernetes.io/part-of',
		{ ...pod({}), inputs: { metadata: { name: 'a', namespace: 'b' } } },
	],
	['namespace does not fit its kind', { ...pod({}), inputs: { metadata: { name: 'a' } } }],
] as [string, Declared][]) {
	test(`objects where a resource ${violation} (${resource.type}, ${JSON.stringify(resource.inputs).length})`, t => {
		const found = violations([resource], 'write-only');
		t.true(
			found.some(line => line.endsWith(violation)),
			found.join('\n') || 'no violation',
		);
	});
}
