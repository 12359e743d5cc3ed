// The rendered manifests: complete, current, free of secrets, and in an order that kubectl can apply.
import { readFileSync } from 'node:fs';
import { loadConfig } from '@jasm/controller';
import test from 'ava';
import { loadAll } from 'js-yaml';
import type { Recorded } from '../render/engine.ts';
import { manifests } from '../render/manifests.ts';
import { render, VARIANTS } from '../render/render.ts';
import { clusterRules } from '../src/rights.ts';

type Manifest = {
	kind: string;
	apiVersion: string;
	metadata: { name: string; namespace?: string };
	rules?: unknown;
};

const committed = (file: string) => readFileSync(new URL(`../../deploy/${file}`, import.meta.url), 'utf8');
const parsed = (file: string) => loadAll(committed(file)) as Manifest[];

test('the files of deploy/ are what the program declares', async t => {
	for (const [file, yaml] of Object.entries(await render(VARIANTS))) {
		t.is(committed(file).replace(/^#.*\n/, ''), yaml, `deploy/${file}: run pnpm render`);
	}
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
		t.deepEqual(role?.rules, clusterRules(profile));
	}
});

test('the controller takes the config file of every variant, and finds the profile of its rights in it', t => {
	for (const [file, { profile }] of Object.entries(VARIANTS)) {
		const map = parsed(file).find(({ kind }) => kind === 'ConfigMap') as Manifest & {
			data: Record<string, string>;
		};
		const env = { POD_NAMESPACE: 'jasm', AWS_ROLE_ARN: 'arn:aws:iam::000000000000:role/jasm' };
		const config = loadConfig({ argv: ['--config=x'], env, readFile: () => map.data['config.yaml'] ?? '' });
		t.is(config.profile, profile ?? 'write-only');
		t.deepEqual(config.notices, []);
	}
});

const recorded = (inputs: Record<string, unknown>): Recorded => ({
	type: 'kubernetes:core/v1:Secret',
	name: 's',
	urn: 'urn',
	parent: '',
	custom: true,
	provider: 'p',
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

test('an object without a name is refused: nobody could apply it twice', t => {
	t.throws(() => manifests([recorded({ kind: 'Secret', metadata: {} })]), { message: /no metadata\.name/ });
});

test('the order of declaration does not show', t => {
	const objects = ['b', 'a', 'c'].map(name => recorded({ kind: 'ConfigMap', metadata: { name } }));
	t.is(manifests(objects), manifests([...objects].reverse()));
});
