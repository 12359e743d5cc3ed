// The pages of the providers: every example is valid, every policy to paste allows what it should and no more.
import { readFileSync } from 'node:fs';
import test from 'ava';
import { load } from 'js-yaml';
import * as z from 'zod/mini';
import { loadConfig } from '../../src/config/config.ts';
import { ERROR_CODES } from '../../src/errors.ts';
import type { ProviderKind } from '../../src/providers/provider.ts';
import { parseAnnotation } from '../../src/requests/annotation.ts';
import { allows, parsePolicy } from '../../testing/vault/policy.ts';

/** The kind of docs/providers/custom.md, as far as its example needs it. */
const FILES: ProviderKind = {
	schema: z.strictObject({ kind: z.literal('files'), folder: z.string() }),
	prepare() {
		throw new Error('not called');
	},
};

const PAGES = ['aws-secretsmanager', 'vault', 'azure-keyvault', 'custom'];

const pageOf = (name: string) =>
	readFileSync(new URL(`../../../docs/providers/${name}.md`, import.meta.url), 'utf8');

function blocksOf(name: string, language: string): string[] {
	const blocks = pageOf(name).matchAll(new RegExp(`^( *)\`\`\`${language}\\n(.*?)^\\1\`\`\``, 'gms'));
	return Array.from(blocks, ([, indentation, text]) =>
		text!.replaceAll(new RegExp(`^${indentation}`, 'gm'), ''),
	);
}

type PodSpec = {
	readonly volumes: { readonly name: string; readonly projected: { readonly sources: Projected[] } }[];
	readonly containers: { readonly volumeMounts: { readonly name: string; readonly mountPath: string }[] }[];
};

type Document = {
	readonly policy?: object[];
	readonly spec?: PodSpec;
	/** Of a kustomization. */
	readonly patches?: { readonly target: { readonly kind: string }; readonly patch: string }[];
};

type Projected = { readonly serviceAccountToken: { readonly audience: string; readonly path: string } };

for (const name of PAGES) {
	for (const [index, block] of blocksOf(name, 'yaml').entries()) {
		test(`example ${index + 1} of docs/providers/${name}.md is valid`, t => {
			const document = load(block) as Document;
			if (document.spec !== undefined) {
				const { audience, path } = document.spec.volumes[0]!.projected.sources[0]!.serviceAccountToken;
				t.true(pageOf(name).includes(`\`${audience}\``) && path.endsWith('token'));
			} else if (document.patches !== undefined) {
				const { patch } = document.patches.find(({ target }) => target.kind === 'Deployment')!;
				const { spec } = (load(patch) as { spec: { template: { spec: PodSpec } } }).spec.template;
				const [volume] = spec.volumes;
				const { audience, path } = volume!.projected.sources[0]!.serviceAccountToken;
				const mount = spec.containers[0]!.volumeMounts.find(({ name }) => name === volume!.name);
				t.true(pageOf(name).includes(`\`${mount?.mountPath}/${path}\``));
				t.true(pageOf(name).includes(`audience=${audience}`));
			} else if (document.policy !== undefined) {
				const config = () =>
					loadConfig({
						argv: ['--config=x'],
						env: {},
						readFile: path => (path === 'x' ? block : ''),
						kinds: [FILES],
					});
				t.notThrows(config);
			} else {
				t.notThrows(() => parseAnnotation(block));
			}
		});
	}

	test(`docs/providers/${name}.md names only codes that exist, and links only to pages that do`, t => {
		const page = pageOf(name);
		const codes = Array.from(page.matchAll(/`([A-Z]+_[A-Z_]+)`/g), ([, code]) => code!);
		const variables = codes.filter(code => !(code in ERROR_CODES));
		t.true(codes.length > variables.length);
		t.deepEqual(
			variables.filter(code => !/^(AWS|AZURE|VAULT)_/.test(code)),
			[],
		);
		for (const [, target] of page.matchAll(/\]\((\.\.\/[^)#]+)/g)) {
			t.notThrows(() => readFileSync(new URL(`../../../docs/providers/${target}`, import.meta.url)), target);
		}
	});
}

test('the AWS policies to paste allow reading values and signing in, and nothing else', t => {
	const policies = blocksOf('aws-secretsmanager', 'json').map(block => JSON.parse(block));
	const statements = policies.flatMap(({ Statement }) => Statement);
	t.deepEqual(
		statements.map(({ Action }) => Action),
		['sts:AssumeRoleWithWebIdentity', 'secretsmanager:GetSecretValue'],
	);
	t.deepEqual(Object.keys(statements[0].Condition), ['StringEquals']);
	t.true(statements[1].Resource.every((arn: string) => arn.startsWith('arn:aws:secretsmanager:')));
});

test('the Vault policy to paste allows reading below its prefix, and nothing else', t => {
	const [, policy = ''] = /vault policy write jasm - <<'HCL'\n(.*?)\n *HCL/s.exec(pageOf('vault')) ?? [];
	const rules = parsePolicy(policy);
	t.true(allows(rules, 'secret/data/prod/team-a/db', ['read']));
	for (const path of ['secret/data/other', 'secret/metadata/prod/db', 'sys/mounts']) {
		t.false(allows(rules, path, ['read', 'list']), path);
	}

	t.false(allows(rules, 'secret/data/prod/db', ['create', 'update', 'delete', 'list']));
});

test('the Azure role to paste has one data action and no other', t => {
	const [role = ''] = blocksOf('azure-keyvault', 'json');
	t.like(JSON.parse(role), {
		Actions: [],
		DataActions: ['Microsoft.KeyVault/vaults/secrets/getSecret/action'],
	});
});
