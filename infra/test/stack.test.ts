// The whole stack under mocks: what holds for everything declared, and what its parts must agree on.
import test from 'ava';
import { ENVIRONMENT, NAME, PORTS, SENTINEL } from '../src/documents/contract.ts';
import { declareJasm } from '../src/stack.ts';
import { declare, resolved } from './helpers/declare.ts';
import { type Declared, violations } from './helpers/invariants.ts';
import { FACTS, stackConfig } from './helpers/stack-config.ts';
import { VARIANTS } from './helpers/stack-variants.ts';

// biome-ignore lint/suspicious/noExplicitAny: manifests of every kind, read by path
type Manifest = any;
const inputs = (resource: Declared): Manifest => resource.inputs;

for (const [title, changes] of Object.entries(VARIANTS)) {
	test.serial(`${title}: every invariant holds for everything declared`, async t => {
		const config = stackConfig(changes);
		const { resources } = await declare(() => declareJasm(config, FACTS));
		t.deepEqual(violations(resources, config.profile), []);
		t.true(resources.length > 13);
	});

	test.serial(`${title}: a preview, in which nothing is known yet, declares the same resources`, async t => {
		const config = stackConfig(changes);
		const names = (resources: Declared[]) => resources.map(({ type, name }) => `${type} ${name}`).sort();
		const update = await declare(() => declareJasm(config, FACTS));
		const preview = await declare(() => declareJasm(config, FACTS), { preview: true });
		t.deepEqual(names(preview.resources), names(update.resources));
	});
}

test.serial('role, guard, bindings and Deployment name one and the same ServiceAccount', async t => {
	const { one } = await declare(() => declareJasm(stackConfig(), FACTS));
	const account = inputs(one('ServiceAccount')).metadata;
	const user = `system:serviceaccount:${account.namespace}:${account.name}`;
	const trust = JSON.parse(inputs(one('iam/role:Role')).assumeRolePolicy);
	t.deepEqual(
		Object.entries(trust.Statement[0].Condition.StringEquals)
			.filter(([key]) => key.endsWith(':sub'))
			.map(([, value]) => value),
		[user],
	);
	t.is(trust.Statement[0].Principal.Federated, 'arn:aws:mock:::issuer');
	t.is(inputs(one('iam/role:Role')).name, 'jasm-minikube');
	const [condition] = inputs(one(':ValidatingAdmissionPolicy')).spec.matchConditions;
	const [, held = ''] = /matches\('(.*)'\)/.exec(condition.expression) ?? [];
	t.regex(user, new RegExp(held));
	const deployment = inputs(one(':Deployment', 'jasm-controller'));
	t.is(deployment.spec.template.spec.serviceAccountName, account.name);
	t.is(deployment.metadata.namespace, account.namespace);
	t.deepEqual(inputs(one(':ClusterRoleBinding')).subjects, [
		{ kind: 'ServiceAccount', name: account.name, namespace: account.namespace },
	]);
	t.is(account.annotations['eks.amazonaws.com/role-arn'], 'arn:aws:mock:::jasm');
});

test.serial('a binding makes the guard deny, and the sentinel is what it must object to', async t => {
	const { one } = await declare(() => declareJasm(stackConfig(), FACTS));
	const policy = inputs(one(':ValidatingAdmissionPolicy'));
	const { spec } = inputs(one(':ValidatingAdmissionPolicyBinding'));
	t.deepEqual(spec, { policyName: policy.metadata.name, validationActions: ['Deny'] });
	t.is(policy.spec.failurePolicy, 'Fail');
	const sentinel = inputs(one('core/v1:Secret'));
	t.deepEqual([sentinel.metadata.name, sentinel.metadata.namespace], [SENTINEL, NAME]);
	t.is(sentinel.metadata.labels, undefined);
	t.is(sentinel.data, undefined);
});

test.serial('selectors find the pods, and ports, probes and Service speak of the same listeners', async t => {
	const { one } = await declare(() =>
		declareJasm(stackConfig({ replicas: '2', serviceMonitor: 'true' }), FACTS),
	);
	const { template, selector } = inputs(one(':Deployment', 'jasm-controller')).spec;
	const [container] = template.spec.containers;
	const ports = Object.fromEntries(container.ports.map((port: Manifest) => [port.name, port.containerPort]));
	t.deepEqual(ports, PORTS);
	for (const probe of ['startupProbe', 'livenessProbe', 'readinessProbe'])
		t.is(container[probe].httpGet.port, 'health');
	const selected = [
		selector.matchLabels,
		inputs(one(':Service')).spec.selector,
		inputs(one(':NetworkPolicy')).spec.podSelector.matchLabels,
		inputs(one(':PodDisruptionBudget')).spec.selector.matchLabels,
	];
	for (const labels of selected) t.like(template.metadata.labels, labels);
	t.is(inputs(one(':Service')).spec.ports[0].targetPort, 'metrics');
	t.like(inputs(one(':Service')).metadata.labels, inputs(one(':ServiceMonitor')).spec.selector.matchLabels);
});

test.serial(
	'every variable that the pod is given is one that the controller or the AWS SDK reads',
	async t => {
		const { one } = await declare(() => declareJasm(stackConfig(), FACTS));
		const [{ env }] = inputs(one(':Deployment', 'jasm-controller')).spec.template.spec.containers;
		const read = [...Object.keys(ENVIRONMENT), 'AWS_STS_REGIONAL_ENDPOINTS', 'AWS_EC2_METADATA_DISABLED'];
		t.deepEqual(
			env.map(({ name }: Manifest) => name).filter((name: string) => !read.includes(name)),
			[],
		);
		const file = env.find(({ name }: Manifest) => name === 'AWS_WEB_IDENTITY_TOKEN_FILE').value;
		const { containers, volumes } = inputs(one(':Deployment', 'jasm-controller')).spec.template.spec;
		const mount = containers[0].volumeMounts.find(({ mountPath }: Manifest) =>
			file.startsWith(`${mountPath}/`),
		);
		const [{ serviceAccountToken }] = volumes.find(({ name }: Manifest) => name === mount.name).projected
			.sources;
		t.is(`${mount.mountPath}/${serviceAccountToken.path}`, file);
		t.is(serviceAccountToken.audience, 'sts.amazonaws.com');
	},
);

test.serial('the Pulumi providers are bound to the context and to the account', async t => {
	const { one } = await declare(() => declareJasm(stackConfig(), FACTS));
	t.like(inputs(one('pulumi:providers:kubernetes')), {
		kubeconfig: FACTS.kubeconfig,
		context: 'minikube',
		clusterIdentifier: 'minikube',
		enableServerSideApply: 'true',
	});
	// Set, it would empty the state whenever a refresh finds the cluster stopped.
	t.is(inputs(one('pulumi:providers:kubernetes')).deleteUnreachable, undefined);
	t.like(inputs(one('pulumi:providers:aws')), {
		profile: 'codnod',
		region: 'eu-west-1',
		allowedAccountIds: '["111122223333"]',
	});
});

test.serial('leader election, its rights and the disruption budget come with the second replica', async t => {
	const alone = await declare(() => declareJasm(stackConfig(), FACTS));
	const args = ({ one }: typeof alone) =>
		inputs(one(':Deployment', 'jasm-controller')).spec.template.spec.containers[0].args;
	t.true(args(alone).includes('--leader-elect=false'));
	t.deepEqual(
		alone
			.types()
			.filter(type => /:(Role|RoleBinding|PodDisruptionBudget)$/.test(type) && type.startsWith('kube')),
		[],
	);
	const two = await declare(() => declareJasm(stackConfig({ replicas: '2' }), FACTS));
	t.true(args(two).includes('--leader-elect=true'));
	t.deepEqual(inputs(two.one('rbac.authorization.k8s.io/v1:Role')).rules, [
		{ apiGroups: ['coordination.k8s.io'], resources: ['leases'], verbs: ['create'] },
		{
			apiGroups: ['coordination.k8s.io'],
			resources: ['leases'],
			resourceNames: ['jasm.codnod.io'],
			verbs: ['get', 'update'],
		},
	]);
	t.is(inputs(two.one(':PodDisruptionBudget')).spec.maxUnavailable, 1);
});

test.serial(
	'a change of the policy changes the pod template, anything else leaves the pods alone',
	async t => {
		const template = async (changes: Record<string, string>) =>
			JSON.stringify(
				inputs(
					(await declare(() => declareJasm(stackConfig(changes), FACTS))).one(
						':Deployment',
						'jasm-controller',
					),
				).spec.template,
			);
		const before = await template({});
		t.is(await template({ samples: 'false', serviceMonitor: 'true' }), before);
		const policy = '[{"namespaces":["x"],"provider":"aws-secretsmanager","paths":["/x/*"]}]';
		t.not(await template({ policy }), before);
		t.not(await template({ profile: 'self-heal' }), before);
	},
);

test.serial('the outputs tell a person what to run next, in the right cluster', async t => {
	const { outputs } = await declare(() => declareJasm(stackConfig(), FACTS));
	t.is(await resolved(outputs['namespace'] as string), 'jasm');
	t.is(await resolved(outputs['roleArn'] as string), 'arn:aws:mock:::jasm');
	for (const line of outputs['tryIt'] as string[])
		t.true(line.startsWith(`kubectl --kubeconfig ${FACTS.kubeconfig} --context minikube `));
});
