// Restarts in the component Jasm: the right, the policy and the sentinel are there together, by namespace, or not at all.
import test from 'ava';
import { load } from 'js-yaml';
import { Jasm, type JasmArgs } from '../../src/index.ts';
import { type Declaration, declare } from '../helpers/declare.ts';
import { violations } from '../helpers/invariants.ts';
import { inCluster } from '../helpers/providers.ts';
import { VAULT } from '../helpers/stack-config.ts';

// biome-ignore lint/suspicious/noExplicitAny: manifests of every kind, read by path
type Manifest = any;

const CONTROLLER: JasmArgs['controller'] = { providers: { vault: VAULT }, policy: [] };
const RESTARTS = { namespaces: ['shop', 'billing', 'shop'], dryRun: true };

const installed = (args: Partial<JasmArgs> = {}) =>
	declare(() => void new Jasm('jasm', { image: 'r/i:1', controller: CONTROLLER, ...args }, inCluster()));

const restarting = (args: Partial<JasmArgs> = {}, restarts: object = RESTARTS) =>
	installed({ controller: { ...CONTROLLER, restarts } as JasmArgs['controller'], ...args });

/** The objects of the cluster that belong to restarts. */
const partOf = ({ resources }: Declaration) =>
	resources
		.map(({ inputs }) => inputs as Manifest)
		.filter(({ metadata }) => metadata?.labels?.['app.kubernetes.io/component'] === 'restarts');

async function refusal(args: Partial<JasmArgs>): Promise<string> {
	let message = 'not refused';
	await declare(() => {
		try {
			new Jasm('jasm', { image: 'r/i:1', controller: CONTROLLER, ...args }, inCluster());
		} catch (error) {
			message = (error as Error).message;
		}
	});
	return message;
}

for (const profile of ['write-only', 'self-heal'] as const) {
	test.serial(
		`${profile}: the right is bound in each listed namespace, at the sentinel in JASM's own, and nowhere else`,
		async t => {
			const declaration = await restarting({ profile, namespace: 'platform' });
			t.deepEqual(violations(declaration.resources, profile), []);
			const bindings = partOf(declaration).filter(({ kind }) => kind === 'RoleBinding');
			t.deepEqual(bindings.map(({ metadata }) => metadata.namespace).sort(), ['billing', 'platform', 'shop']);
			for (const { metadata, roleRef, subjects } of bindings) {
				const role = metadata.namespace === 'platform' ? 'Role' : 'ClusterRole';
				t.is(`${roleRef.kind} ${roleRef.name}`, `${role} jasm-restart`);
				t.deepEqual(subjects, [{ kind: 'ServiceAccount', name: 'jasm', namespace: 'platform' }]);
			}
			const own = partOf(declaration).find(({ kind }) => kind === 'Role');
			t.is(own.metadata.namespace, 'platform');
			t.deepEqual(own.rules, [
				{
					apiGroups: ['apps'],
					resources: ['deployments'],
					resourceNames: ['jasm-restart-sentinel'],
					verbs: ['patch'],
				},
			]);
			const clusterWide = declaration.resources.filter(({ type }) => type.endsWith(':ClusterRoleBinding'));
			t.deepEqual(
				clusterWide.map(({ inputs }) => (inputs as Manifest).roleRef.name),
				['jasm'],
			);
		},
	);
}

test.serial(
	'the right is patch on three kinds, held by a policy and its binding, with a sentinel without pods',
	async t => {
		const objects = partOf(await restarting());
		const find = (kind: string) => objects.find(each => each.kind === kind);
		t.deepEqual(find('ClusterRole').rules, [
			{ apiGroups: ['apps'], resources: ['daemonsets', 'deployments', 'statefulsets'], verbs: ['patch'] },
		]);
		t.is(find('ValidatingAdmissionPolicy').spec.failurePolicy, 'Fail');
		t.deepEqual(find('ValidatingAdmissionPolicyBinding').spec, {
			policyName: find('ValidatingAdmissionPolicy').metadata.name,
			validationActions: ['Deny'],
		});
		const sentinel = find('Deployment');
		t.is(`${sentinel.metadata.namespace}/${sentinel.metadata.name}`, 'jasm/jasm-restart-sentinel');
		t.is(sentinel.spec.replicas, 0);
		t.is(sentinel.spec.template.metadata.annotations, undefined);
		// The Service, the disruption budget and the network policy of the controller select its pods by this label.
		t.is(sentinel.spec.template.metadata.labels.app, undefined);
	},
);

test.serial('the controller reads the same namespaces in its configuration', async t => {
	const { one } = await restarting();
	const config = load((one(':ConfigMap').inputs as Manifest).data['config.yaml']) as Manifest;
	t.deepEqual(config.restarts, RESTARTS);
});

test.serial('without restarts there is nothing of them: no right, no policy, no sentinel', async t => {
	for (const profile of ['write-only', 'self-heal'] as const) {
		const declaration = await installed({ profile });
		t.deepEqual(partOf(declaration), []);
		t.notRegex(JSON.stringify(declaration.resources), /statefulsets|daemonsets|jasm-restart/);
	}
});

test.serial('without the admission policy, and so below Kubernetes 1.30, restarts are refused', async t => {
	const controller = { ...CONTROLLER, restarts: { namespaces: ['shop'] } };
	const message = await refusal({ controller, profile: 'self-heal', admissionPolicy: false });
	t.regex(message, /controller\.restarts needs admissionPolicy/);
});

test.serial(
	'restarts that are known too late, or in a namespace where nothing is restarted, are refused',
	async t => {
		const restarts = { namespaces: [Promise.resolve('shop')] };
		const late = await refusal({
			controller: { ...CONTROLLER, restarts } as unknown as JasmArgs['controller'],
		});
		t.regex(late, /controller\.restarts\.namespaces\[0\]: must be known before the program runs/);
		for (const [namespace, name] of [
			['platform', 'platform'],
			['platform', 'kube-system'],
		] as const) {
			const controller = { ...CONTROLLER, restarts: { namespaces: ['shop', name] } };
			const message = await refusal({ controller, namespace });
			t.true(
				message.includes(`restarts.namespaces[1]: "${name}" is JASM's own namespace or one of the system`),
			);
		}
		const pattern = await refusal({ controller: { ...CONTROLLER, restarts: { namespaces: ['team-*'] } } });
		t.regex(pattern, /restarts\.namespaces\[0\].*patterns are not allowed here/);
	},
);

test.serial('the policy stands before the right, and the controller starts after both', async t => {
	// Pulumi destroys in the opposite order: the right goes first.
	const { resources } = await restarting();
	const at = (type: string, part = '') =>
		resources.findIndex(each => each.type.endsWith(type) && each.name.includes(part));
	t.true(at(':ValidatingAdmissionPolicyBinding', 'restarts') < at(':ClusterRole', 'restarts'));
	t.true(at(':ClusterRole', 'restarts') < at(':RoleBinding', 'restarts'));
	t.true(at(':RoleBinding', 'restarts') < at(':Deployment', 'controller'));
	t.true(at(':Deployment', 'sentinel') < at(':Deployment', 'controller'));
});
