// `pnpm render`: writes the complete manifests of each variant to deploy/; `--check` fails on drift instead.
import { readFile, writeFile } from 'node:fs/promises';
import { fileURLToPath } from 'node:url';
import type { JasmArgs } from '../src/jasm.ts';
import { type Recorded, record } from './engine.ts';
import { manifests } from './manifests.ts';

const directory = fileURLToPath(new URL('..', import.meta.url));

// Placeholders that an installation by kubectl replaces: docs/install.md says how.
const COMMON = {
	image: 'jasm-controller:0.1.0',
	aws: { region: 'eu-west-1', roleArn: 'arn:aws:iam::000000000000:role/jasm' },
	controller: {
		providers: { 'aws-secretsmanager': { kind: 'aws-secretsmanager', region: 'eu-west-1' } },
		policy: [
			{ namespaces: ['jasm-sample'], provider: 'aws-secretsmanager', paths: ['/prod/codnod/**'] },
			{ namespaces: ['team-*'], provider: 'aws-secretsmanager', paths: ['/prod/{namespace}/**'] },
		],
	},
};

/** The variants that are kept rendered, by file name. */
export const VARIANTS: Record<string, JasmArgs> = {
	'write-only.yaml': { ...COMMON, profile: 'write-only', replicas: 2 },
	'self-heal.yaml': { ...COMMON, profile: 'self-heal', replicas: 2 },
	// Without what Kubernetes 1.20 does not serve: the guard (1.30) and disruption budgets (1.21).
	'self-heal-kubernetes-1.20.yaml': { ...COMMON, profile: 'self-heal', replicas: 1, admissionPolicy: false },
};

/** The manifests of each installation as YAML, by the same names. */
export async function render(variants: Record<string, JasmArgs>): Promise<Record<string, string>> {
	const { exitCode, messages, resources } = await record({
		directory,
		program: 'render/program.ts',
		project: 'jasm',
		stack: 'render',
		config: { 'render:variants': JSON.stringify(variants), 'pulumi:disable-default-providers': '["*"]' },
	});
	if (exitCode !== 0) throw new Error(`rendering failed:\n${messages.join('\n')}`);
	const byUrn = new Map(resources.map(resource => [resource.urn, resource]));
	const installation = (resource: Recorded | undefined): string | undefined =>
		resource?.type === 'jasm:infra:Jasm'
			? resource.name
			: resource && installation(byUrn.get(resource.parent));
	return Object.fromEntries(
		Object.keys(variants).map(name => [
			name,
			manifests(resources.filter(each => installation(each) === name)),
		]),
	);
}

if (import.meta.main) {
	for (const [file, yaml] of Object.entries(await render(VARIANTS))) {
		const url = new URL(`../../deploy/${file}`, import.meta.url);
		const text = `# Rendered by \`pnpm render\` from infra/: do not edit. See docs/install.md.\n${yaml}`;
		const committed = await readFile(url, 'utf8').catch(() => '');
		if (committed === text) continue;
		if (process.argv.includes('--check')) {
			process.stderr.write(
				`deploy/${file} differs from what infra/ declares: run \`pnpm render\` and commit it\n`,
			);
			process.exitCode = 1;
		} else {
			await writeFile(url, text);
			process.stdout.write(`wrote deploy/${file}\n`);
		}
	}
}
