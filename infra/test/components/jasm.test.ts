// The component Jasm in a program of one's own: Outputs everywhere, faults early or late, and every setting.
import { fileURLToPath } from 'node:url';
import * as pulumi from '@pulumi/pulumi';
import test, { type ExecutionContext } from 'ava';
import { load } from 'js-yaml';
import { Jasm, type JasmArgs } from '../../src/index.ts';
import { type Declaration, declare } from '../helpers/declare.ts';
import { record } from '../helpers/engine.ts';
import { violations } from '../helpers/invariants.ts';
import { inCluster } from '../helpers/providers.ts';
import { AZURE, VAULT } from '../helpers/stack-config.ts';

// biome-ignore lint/suspicious/noExplicitAny: manifests of every kind, read by path
type Manifest = any;
const inputs = ({ one }: Declaration, type: string): Manifest => one(type).inputs;
const podOf = (declaration: Declaration): Manifest => inputs(declaration, ':Deployment').spec.template;
const later = <T>(value: T) => pulumi.output(Promise.resolve(value));

const CONTROLLER: JasmArgs['controller'] = { providers: { vault: VAULT }, policy: [] };
const installed = (args: Partial<JasmArgs> = {}) =>
	declare(() => void new Jasm('jasm', { image: 'r/i:1', controller: CONTROLLER, ...args }, inCluster()));

/** What the constructor throws. */
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

test.serial('every value may be an Output, and none of them leaves its warning in a manifest', async t => {
	const declaration = await installed({
		image: later('registry.example/jasm:1.0.0'),
		namespace: later('platform'),
		replicas: later(2),
		logLevel: later('debug'),
		priorityClass: later('important'),
		authorities: later('ours'),
		trustBundle: later('company.pem'),
		aws: { region: later('eu-west-1'), roleArn: later('arn:aws:iam::111122223333:role/jasm') },
		proxy: { url: later('http://proxy.example:3128'), noProxy: [later('internal')] },
		network: { dnsPorts: [later(5353)], egress: later([{ ports: [9000] }]) },
		pod: {
			labels: { team: later('platform') },
			env: [{ name: 'A', value: later('b') }],
			resources: { limits: { memory: later('200Mi'), cpu: '2' } },
		},
		serviceAccount: { annotations: { owner: later('platform') } },
		controller: {
			providers: {
				kv: { ...AZURE, vaultUrl: later(AZURE.vaultUrl), clientId: later(AZURE.clientId) },
				vault: { kind: 'vault', address: later('https://vault.example:8201'), role: later('jasm') },
			},
			policy: later([{ namespaces: ['team-*'], provider: 'vault', paths: ['prod/*'] }]),
			limits: { burst: later(7) },
		},
	});
	t.notRegex(JSON.stringify(declaration.resources), /Output<T>|Calling \[to/);
	t.deepEqual(violations(declaration.resources, 'write-only'), []);
	const config = load(inputs(declaration, ':ConfigMap').data['config.yaml']) as Manifest;
	t.is(config.providers.kv.vaultUrl, AZURE.vaultUrl);
	t.is(config.providers.vault.address, 'https://vault.example:8201');
	t.deepEqual(config.policy[0].paths, ['prod/*']);
	t.deepEqual(config.limits, { burst: 7 });
	const { spec, metadata } = podOf(declaration);
	const [container] = spec.containers;
	const env = Object.fromEntries(container.env.map(({ name, value }: Manifest) => [name, value]));
	t.like(env, {
		A: 'b',
		AWS_REGION: 'eu-west-1',
		AWS_ROLE_ARN: 'arn:aws:iam::111122223333:role/jasm',
		HTTPS_PROXY: 'http://proxy.example:3128',
		HTTP_PROXY: 'http://proxy.example:3128',
		NO_PROXY: 'internal',
		NODE_EXTRA_CA_CERTS: '/etc/jasm/company.pem',
	});
	t.deepEqual(container.args.slice(2), ['--leader-elect=true', '--zap-log-level=debug']);
	t.is(spec.priorityClassName, 'important');
	t.is(metadata.labels.team, 'platform');
	t.deepEqual(container.resources, {
		requests: { cpu: '50m', memory: '64Mi' },
		limits: { cpu: '2', memory: '200Mi' },
	});
	t.deepEqual(inputs(declaration, ':ServiceAccount').metadata.annotations, {
		owner: 'platform',
		'eks.amazonaws.com/role-arn': 'arn:aws:iam::111122223333:role/jasm',
	});
	const ports = inputs(declaration, ':NetworkPolicy').spec.egress.flatMap((rule: Manifest) =>
		rule.ports.map(({ port }: Manifest) => port),
	);
	t.true(
		[5353, 3128, 9000].every(port => ports.includes(port)),
		ports.join(),
	);
	for (const { type, inputs: of } of declaration.resources) {
		if (/^kubernetes:.*(ConfigMap|Deployment|NetworkPolicy|ServiceAccount|Secret|Service)$/.test(type))
			t.is((of as Manifest).metadata.namespace, 'platform', type);
	}
});

test.serial(
	'what is wrong is refused in the constructor, next to Outputs that are not known yet',
	async t => {
		const controller = {
			providers: {
				kv: { kind: 'azure-keyvolt', regoin: 1, vaultUrl: later('x') },
				vault: { kind: 'vault', address: later('https://vault.example'), rol: 'jasm' },
			},
			policy: [{ provider: 'nope', namespaces: ['a'], paths: ['../x'] }],
		} as unknown as JasmArgs['controller'];
		const message = await refusal({ controller });
		t.regex(message, /^the configuration of jasm has faults:/);
		t.regex(message, /providers\.kv\.kind: "azure-keyvolt" is not allowed, did you mean "azure-keyvault"\?/);
		t.regex(message, /providers\.vault\.rol: unknown field, did you mean "role"\?/);
		t.regex(message, /policy\[0\]\.provider: "nope" is not a configured provider/);
		t.regex(message, /policy\[0\]\.paths/);
		t.notRegex(message, /vault\.address|vaultUrl/);
	},
);

test.serial('settings that collide with those of the installation are refused', async t => {
	const pod = {
		env: [
			{ name: 'POD_NAME', value: 'x' },
			{ name: 'HTTPS_PROXY', value: 'y' },
		],
		volumes: [{ name: 'config', emptyDir: {} }],
		volumeMounts: [{ name: 'x', mountPath: '/etc/jasm' }],
	};
	const message = await refusal({ pod, proxy: { url: 'http://p:1' } });
	for (const fault of [
		'pod.env[0].name: the installation itself sets "POD_NAME"',
		'pod.env[1].name: the installation itself sets "HTTPS_PROXY"',
		'pod.volumes[0].name: the installation itself sets "config"',
		'pod.volumeMounts[0].mountPath: the installation itself sets "/etc/jasm"',
	])
		t.true(message.includes(fault), message);
	t.regex(await refusal({ trustBundle: 'config.yaml' }), /trustBundle: "config.yaml" is the config file/);
});

test.serial(
	'a fault that an Output brings ends the program, and nothing that follows from it is declared',
	async t => {
		const { exitCode, messages, resources } = await record({
			directory: fileURLToPath(new URL('../..', import.meta.url)),
			program: 'test/fixtures/late-fault.ts',
			project: 'jasm',
			stack: 'test',
			config: { 'pulumi:disable-default-providers': '["*"]' },
		});
		t.not(exitCode, 0);
		t.regex(messages.join('\n'), /the configuration of jasm has faults:\n {2}- providers\.vault\.address: /);
		t.deepEqual(
			resources.filter(({ type }) => /^kubernetes:.*(ConfigMap|Deployment|NetworkPolicy)/.test(type)),
			[],
		);
	},
);

test.serial('a preview in which nothing is known declares the same resources', async t => {
	const args = (): JasmArgs => ({
		image: 'r/i:1',
		controller: { providers: { vault: { ...VAULT, address: later(VAULT.address) } }, policy: [] },
	});
	const names = ({ resources }: Declaration) => resources.map(({ type, name }) => `${type} ${name}`).sort();
	const program = () => void new Jasm('jasm', args(), inCluster());
	t.deepEqual(names(await declare(program, { preview: true })), names(await declare(program)));
});

async function knob(
	t: ExecutionContext,
	args: Partial<JasmArgs>,
	read: (pod: Manifest, all: Declaration) => unknown,
	expected: unknown,
) {
	const declaration = await installed(args);
	t.deepEqual(violations(declaration.resources, 'write-only'), []);
	t.deepEqual(read(podOf(declaration), declaration), expected);
}

const TOLERATION = { key: 'platform', operator: 'Exists' };
const AFFINITY = { nodeAffinity: {} };
for (const [title, args, read, expected] of [
	['node selector', { pod: { nodeSelector: { pool: 'a' } } }, pod => pod.spec.nodeSelector, { pool: 'a' }],
	['tolerations', { pod: { tolerations: [TOLERATION] } }, pod => pod.spec.tolerations, [TOLERATION]],
	['affinity', { pod: { affinity: AFFINITY } }, pod => pod.spec.affinity, AFFINITY],
	[
		'pull secrets and policy',
		{ pod: { imagePullSecrets: ['registry'], imagePullPolicy: 'Always' } },
		pod => [pod.spec.imagePullSecrets, pod.spec.containers[0].imagePullPolicy],
		[[{ name: 'registry' }], 'Always'],
	],
	[
		'labels, without those that select the pod',
		{ pod: { labels: { app: 'other', team: 'x' } } },
		pod => [pod.metadata.labels.app, pod.metadata.labels.team],
		['jasm', 'x'],
	],
	[
		'annotations beside the hash of the configuration',
		{ pod: { annotations: { 'sidecar.istio.io/inject': 'false' } } },
		pod => Object.keys(pod.metadata.annotations).sort(),
		['jasm.codnod.io/config-hash', 'sidecar.istio.io/inject'],
	],
	[
		'volumes and mounts',
		{
			pod: {
				volumes: [{ name: 'x', emptyDir: {} }],
				volumeMounts: [{ name: 'x', mountPath: '/x', readOnly: true }],
			},
		},
		pod => [pod.spec.volumes.at(-1).name, pod.spec.containers[0].volumeMounts.at(-1).mountPath],
		['x', '/x'],
	],
	[
		'variables of a Secret',
		{ pod: { envFrom: [{ secretRef: { name: 'x' } }] } },
		pod => pod.spec.containers[0].envFrom,
		[{ secretRef: { name: 'x' } }],
	],
	['no priority class', { priorityClass: '' }, pod => pod.spec.priorityClassName, undefined],
	['the default priority class', {}, pod => pod.spec.priorityClassName, 'system-cluster-critical'],
	[
		'ids of OpenShift',
		{ platform: 'openshift' },
		pod => pod.spec.securityContext,
		{ runAsNonRoot: true, seccompProfile: { type: 'RuntimeDefault' } },
	],
	[
		'the ids of the image',
		{ platform: 'openshift', pod: { ids: 'image' } },
		pod => pod.spec.securityContext.runAsUser,
		65_532,
	],
	[
		'one replica without leader election',
		{},
		pod => pod.spec.containers[0].args.at(-1),
		'--leader-elect=false',
	],
	[
		'an existing namespace',
		{ createNamespace: false, namespace: 'shared' },
		(_, all) => [
			all.types().includes('kubernetes:core/v1:Namespace'),
			inputs(all, ':Deployment').metadata.namespace,
		],
		[false, 'shared'],
	],
	[
		'EKS Pod Identity: a region without a role, and no token',
		{
			aws: { region: 'eu-west-1' },
			controller: {
				providers: { aws: { kind: 'aws-secretsmanager', credentials: 'container' } },
				policy: [],
			},
		},
		(pod, all) => [
			pod.spec.containers[0].env
				.filter(({ name }: Manifest) => name.startsWith('AWS_'))
				.map(({ name }: Manifest) => name),
			pod.spec.volumes.length,
			inputs(all, ':ServiceAccount').metadata.annotations,
		],
		[['AWS_REGION', 'AWS_EC2_METADATA_DISABLED'], 1, undefined],
	],
	[
		'the log in the status of a pod that ended',
		{},
		pod => pod.spec.containers[0].terminationMessagePolicy,
		'FallbackToLogsOnError',
	],
] as [string, Partial<JasmArgs>, (pod: Manifest, all: Declaration) => unknown, unknown][]) {
	test.serial(`setting: ${title}`, knob, args, read, expected);
}

test('a misspelt kind, field or credential is an error of the compiler', t => {
	const providers: JasmArgs['controller']['providers'] = {
		// @ts-expect-error: no such kind
		a: { kind: 'azure-keyvolt', vaultUrl: 'https://a.vault.azure.net' },
		// @ts-expect-error: no such field
		b: { kind: 'vault', adress: 'https://vault.example', role: 'jasm' },
		// @ts-expect-error: no such credentials
		c: { kind: 'aws-secretsmanager', credentials: 'static' },
		// @ts-expect-error: a field of other credentials
		d: { kind: 'aws-secretsmanager', credentials: 'container', roleArn: 'arn' },
		e: { kind: 'vault', address: later('https://vault.example'), role: 'jasm' },
	};
	t.is(Object.keys(providers).length, 5);
});
