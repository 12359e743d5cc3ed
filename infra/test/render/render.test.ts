// The rendered manifests: complete, current, free of secrets, and in an order that kubectl can apply.
import { readFileSync } from 'node:fs';
import { loadConfig } from '@jasm/controller';
import test from 'ava';
import { load, loadAll } from 'js-yaml';
import { manifests, type Rendered } from '../../render/manifests.ts';
import { allFiles, RESTART_VARIANTS, render, START_VARIANTS, VARIANTS } from '../../render/render.ts';
import { clusterRules, restartRules } from '../../src/documents/rights.ts';

type Manifest = {
	kind: string;
	apiVersion: string;
	metadata: { name: string; namespace?: string };
	rules?: unknown;
	subjects?: { namespace: string }[];
	data?: Record<string, string>;
};

const committed = (file: string) => readFileSync(new URL(`../../../deploy/${file}`, import.meta.url), 'utf8');
const parsed = (file: string) => loadAll(committed(file)) as Manifest[];

test.serial('the files of deploy/ are what the program declares', async t => {
	for (const [file, text] of await allFiles('jasm')) {
		t.is(committed(file), text, `deploy/${file}: run pnpm render`);
	}
});

test.serial('everything of an installation follows its namespace, and no text names another one', async t => {
	for (const args of Object.values(VARIANTS)) {
		const objects = loadAll(await render({ ...args, namespace: 'platform' })) as Manifest[];
		const there = objects.flatMap(({ metadata }) => metadata.namespace ?? []);
		t.deepEqual([...new Set(there)], ['platform']);
		t.is(objects.find(({ kind }) => kind === 'Namespace')?.metadata.name, 'platform');
		const subjects = objects.flatMap(({ subjects: of = [] }) => of.map(({ namespace }) => namespace));
		t.deepEqual([...new Set(subjects)], ['platform']);
		const expressions = JSON.stringify(objects.filter(({ kind }) => kind.startsWith('ValidatingAdmission')));
		t.notRegex(
			expressions,
			/serviceaccount:jasm|'jasm'[^)]*request\.namespace|request\.namespace[^)]*'jasm'/,
		);
	}
});

test('a file grants nothing before it is edited, and every line to edit is marked', t => {
	for (const file of Object.keys(VARIANTS)) {
		const lines = committed(file).split('\n');
		const map = parsed(file).find(({ kind }) => kind === 'ConfigMap');
		t.deepEqual((load(map?.data?.['config.yaml'] ?? '') as { policy: unknown }).policy, []);
		const placeholders = lines.filter(line => /\b(ACCOUNT|REGION|REGISTRY)\b/.test(line));
		t.is(placeholders.length, 4);
		for (const line of placeholders) t.regex(line, / # EDIT: /);
		t.is(lines.filter(line => line.includes('EDIT:')).length, 5);
		t.notRegex(committed(file), /0{12}|eu-west-1|config-hash/);
	}
});

test('a file that was not edited does not start: the controller names the placeholder', t => {
	const [file = ''] = Object.keys(VARIANTS);
	const text = parsed(file).find(({ kind }) => kind === 'ConfigMap')?.data?.['config.yaml'] ?? '';
	const start = (env: Record<string, string>) =>
		loadConfig({ argv: ['--config=x'], env: { POD_NAMESPACE: 'jasm', ...env }, readFile: () => text });
	t.throws(() => start({ AWS_REGION: 'REGION' }), { message: /"REGION" is not the name of an AWS region/ });
	const AWS_ROLE_ARN = 'arn:aws:iam::ACCOUNT:role/jasm';
	t.throws(() => start({ AWS_REGION: 'eu-west-1', AWS_ROLE_ARN }), { message: /is not the ARN of a role/ });
});

test('namespace and rights come before what needs them, the Deployment comes last', t => {
	for (const file of Object.keys(VARIANTS)) {
		const kinds = parsed(file).map(({ kind }) => kind);
		t.is(kinds[0], 'Namespace');
		t.is(kinds.at(-1), 'Deployment');
	}
});

test('every namespaced object names its namespace, so that any current namespace will do', t => {
	for (const { kind, metadata } of Object.keys(VARIANTS).flatMap(parsed)) {
		const cluster = /^(Namespace|ClusterRole.*|ValidatingAdmission.*)$/.test(kind);
		t.is(metadata.namespace, cluster ? undefined : 'jasm', `${kind} ${metadata.name}`);
	}
});

test('the files that make pods wait hold policies and bindings only, and no right', t => {
	t.deepEqual(
		[
			...new Set(
				Object.keys(START_VARIANTS)
					.flatMap(parsed)
					.map(({ kind }) => kind),
			),
		].sort(),
		[
			'MutatingAdmissionPolicy',
			'MutatingAdmissionPolicyBinding',
			'ValidatingAdmissionPolicy',
			'ValidatingAdmissionPolicyBinding',
		],
	);
});

test('the file for restarts gives one right in the listed namespaces, at the sentinel in its own, held by a policy', t => {
	const [file = ''] = Object.keys(RESTART_VARIANTS);
	const objects = parsed(file);
	t.deepEqual(
		objects.map(({ kind, metadata }) =>
			[kind, metadata.namespace ?? '', metadata.name].join(' ').replace('  ', ' '),
		),
		[
			'ClusterRole jasm-restart',
			'Role jasm jasm-restart',
			'RoleBinding jasm jasm-restart',
			'RoleBinding NAMESPACE jasm-restart',
			'ValidatingAdmissionPolicy jasm-restart-only',
			'ValidatingAdmissionPolicyBinding jasm-restart-only',
			'Deployment jasm jasm-restart-sentinel',
		],
	);
	t.deepEqual(objects[0]?.rules, restartRules());
	for (const { subjects = [] } of objects) for (const { namespace } of subjects) t.is(namespace, 'jasm');
	const marks = committed(file).match(/.*EDIT:.*/g);
	t.deepEqual(marks, ['  namespace: NAMESPACE # EDIT: a namespace whose workloads JASM may restart']);
});

test.serial('the files for restarts follow their namespace', async t => {
	for (const args of Object.values(RESTART_VARIANTS)) {
		const objects = loadAll(await render({ ...args, namespace: 'platform' }, 'restarts')) as Manifest[];
		const there = objects.flatMap(({ metadata }) => metadata.namespace ?? []).sort();
		t.deepEqual(there, ['listed-namespace', 'platform', 'platform', 'platform']);
		for (const { subjects = [] } of objects)
			for (const { namespace } of subjects) t.is(namespace, 'platform');
	}
});

test('no other file has anything of restarts', t => {
	for (const file of Object.keys({ ...VARIANTS, ...START_VARIANTS })) {
		t.notRegex(committed(file), /restart-|deployments|statefulsets|daemonsets/, file);
	}
});

test('the variant for Kubernetes 1.30 adds no gate, as 1.30 does not serve that', t => {
	const kinds = parsed('start-gate-kubernetes-1.30.yaml').map(({ kind }) => kind);
	t.deepEqual(kinds, ['ValidatingAdmissionPolicy', 'ValidatingAdmissionPolicyBinding']);
});

test('the variant for Kubernetes 1.20 holds nothing that 1.20 does not serve', t => {
	const served = new Set(['v1', 'apps/v1', 'rbac.authorization.k8s.io/v1', 'networking.k8s.io/v1']);
	t.deepEqual(
		parsed('self-heal-kubernetes-1.20.yaml').filter(({ apiVersion }) => !served.has(apiVersion)),
		[],
	);
});

test('the rights in each file are those of its profile', t => {
	for (const profile of ['write-only', 'self-heal'] as const) {
		const role = parsed(`${profile}.yaml`).find(({ kind }) => kind === 'ClusterRole');
		t.deepEqual(role?.rules, clusterRules(profile, { release: true }));
	}
});

test('the controller takes the config file of every variant, and finds the profile of its rights in it', t => {
	for (const [file, { profile }] of Object.entries(VARIANTS)) {
		const map = parsed(file).find(({ kind }) => kind === 'ConfigMap') as Manifest & {
			data: Record<string, string>;
		};
		const AWS_ROLE_ARN = 'arn:aws:iam::000000000000:role/jasm';
		const env = { POD_NAMESPACE: 'jasm', AWS_REGION: 'eu-west-1', AWS_ROLE_ARN };
		const config = loadConfig({ argv: ['--config=x'], env, readFile: () => map.data['config.yaml'] ?? '' });
		t.is(config.profile, profile ?? 'write-only');
		t.deepEqual(config.warnings, ['policy has no rule: no namespace may read anything']);
	}
});

const recorded = (inputs: Record<string, unknown>): Rendered => ({
	type: 'kubernetes:core/v1:Secret',
	name: 's',
	inputs,
});

test('a secret is refused, not printed', t => {
	const secret = { '4dabf18193072939515e22adb298388d': '1b47061264138c4ac30d75fd1eb44270', value: 'hunter2' };
	const resource = recorded({ kind: 'Secret', metadata: { name: 'a' }, data: { password: secret } });
	const error = t.throws(() => manifests([resource]), {
		message: /s\.data\.password: a secret is never rendered/,
	});
	t.false(error.message.includes('hunter2'));
});

test('an object without a name is refused, as no second apply would find it', t => {
	t.throws(() => manifests([recorded({ kind: 'Secret', metadata: {} })]), { message: /no metadata\.name/ });
});

test('the order of declaration does not show', t => {
	const objects = ['b', 'a', 'c'].map(name => recorded({ kind: 'ConfigMap', metadata: { name } }));
	t.is(manifests(objects), manifests([...objects].reverse()));
});
