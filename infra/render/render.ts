// `pnpm render`: writes the complete manifests of each variant to deploy/; `--check` fails on drift instead.
import { mkdir, readFile, writeFile } from 'node:fs/promises';
import { relative, resolve } from 'node:path';
import { fileURLToPath, pathToFileURL } from 'node:url';
import { parseArgs } from 'node:util';
import * as k8s from '@pulumi/kubernetes';
import * as pulumi from '@pulumi/pulumi';
import { Jasm, type JasmArgs } from '../src/components/jasm.ts';
import { NAME } from '../src/documents/contract.ts';
import { manifests, type Rendered } from './manifests.ts';
import { marked, markedNamespace, STAND_INS } from './placeholders.ts';

const { image, region, roleArn, listed } = STAND_INS;
const COMMON = {
	image,
	aws: { region, roleArn },
	// The region comes from AWS_REGION, so that a person writes it once.
	controller: { providers: { 'aws-secretsmanager': { kind: 'aws-secretsmanager' as const } }, policy: [] },
};

/** The variants that are kept rendered, by file name, each with what it is for. */
export const VARIANTS: Record<string, JasmArgs> = {
	'write-only.yaml': { ...COMMON, profile: 'write-only', replicas: 2, start: { wait: 'annotated' } },
	'self-heal.yaml': { ...COMMON, profile: 'self-heal', replicas: 2, start: { wait: 'annotated' } },
	// Without what Kubernetes 1.20 does not serve: the guard (1.30) and disruption budgets (1.21).
	'self-heal-kubernetes-1.20.yaml': { ...COMMON, profile: 'self-heal', replicas: 1, admissionPolicy: false },
};

/**
 * The policies that make pods wait, by file name: applied after an installation is ready and deleted before it, so that
 * no pod waits while nothing can release it. The installations above are rendered without them.
 */
export const START_VARIANTS: Record<string, JasmArgs> = {
	'start-gate.yaml': { ...COMMON, start: { wait: 'annotated' } },
	// Without what Kubernetes 1.30 to 1.35 does not serve: pods write the gate themselves, and the check is there.
	'start-gate-kubernetes-1.30.yaml': { ...COMMON, start: { wait: 'checked' } },
};

/** What restarts of workloads need, by file name: applied beside an installation whose configuration lists the namespaces. */
export const RESTART_VARIANTS: Record<string, JasmArgs> = {
	'restarts.yaml': { ...COMMON, controller: { ...COMMON.controller, restarts: { namespaces: [listed] } } },
};

/** The first lines of each file. */
const HEADER = `# Rendered by \`pnpm render\` from infra/, which overwrites this file: edit a copy, or patch it with kustomize.
# Every line that you have to edit is marked with EDIT. See docs/install.md.
`;

type Part = 'installation' | 'start' | 'restarts';

/** The manifests of an installation as YAML, or of a part that has files of its own. Nothing is contacted. */
export async function render(args: JasmArgs, part: Part = 'installation'): Promise<string> {
	const resources: Rendered[] = [];
	await pulumi.runtime.setMocks(
		{
			newResource(resource) {
				resources.push(resource);
				return { id: resource.name, state: resource.inputs };
			},
			call: ({ inputs }) => inputs,
		},
		NAME,
		'render',
	);
	await pulumi.runtime.runInPulumiStack(async () => {
		const cluster = new k8s.Provider('rendered', { kubeconfig: '{}' });
		new Jasm(NAME, args, { providers: [cluster] });
	});
	await pulumi.runtime.disconnect();
	return manifests(resources.filter(resource => partOf(resource) === part));
}

function partOf({ inputs }: Rendered): Part {
	const { metadata } = inputs as { metadata?: { labels?: Record<string, string> } };
	const component = metadata?.labels?.['app.kubernetes.io/component'];
	return component === 'start' || component === 'restarts' ? component : 'installation';
}

const START_HEADER = `# Rendered by \`pnpm render\` from infra/. Apply it after the installation is ready; delete it first.
`;
const RESTART_HEADER = `# Rendered by \`pnpm render\` from infra/. It gives JASM the right to restart workloads in one namespace: copy the
# RoleBinding that is marked with EDIT for each further one. Apply it before the controller's configuration has restarts.
`;

/** The whole text of a file: with its header and the marks of what a person has to edit. */
export const fileText = async (args: JasmArgs): Promise<string> => HEADER + marked(await render(args));
export const startFileText = async (args: JasmArgs): Promise<string> =>
	START_HEADER + (await render(args, 'start'));
export const restartFileText = async (args: JasmArgs): Promise<string> =>
	RESTART_HEADER + markedNamespace(await render(args, 'restarts'));

/** The texts of all files, by file name, for an installation in that namespace. */
export async function allFiles(namespace: string): Promise<[file: string, text: string][]> {
	const files: [string, string][] = [];
	for (const [variants, textOf] of [
		[VARIANTS, fileText],
		[START_VARIANTS, startFileText],
		[RESTART_VARIANTS, restartFileText],
	] as const) {
		for (const [file, args] of Object.entries(variants)) {
			files.push([file, await textOf({ ...args, namespace })]);
		}
	}

	return files;
}

async function main(): Promise<void> {
	const { values } = parseArgs({
		options: {
			check: { type: 'boolean', default: false },
			namespace: { type: 'string', default: NAME },
			output: { type: 'string' },
		},
	});
	const root = fileURLToPath(new URL('../..', import.meta.url));
	const { namespace } = values;
	// The committed files are those of the default namespace.
	const folder = resolve(root, values.output ?? (namespace === NAME ? 'deploy' : `dist/${namespace}`));
	await mkdir(folder, { recursive: true });
	for (const [file, text] of await allFiles(namespace)) {
		const url = new URL(file, `${pathToFileURL(folder)}/`);
		const path = relative(root, fileURLToPath(url));
		const found = await readFile(url, 'utf8').catch(() => '');
		if (found === text) continue;
		if (values.check) {
			process.stderr.write(`${path} differs from what infra/ declares: run \`pnpm render\` and commit it\n`);
			process.exitCode = 1;
		} else {
			await writeFile(url, text);
			process.stdout.write(`wrote ${path}\n`);
		}
	}
}

if (import.meta.main) await main();
