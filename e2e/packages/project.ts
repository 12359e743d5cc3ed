// A project outside of the workspace that has both packages installed from their tarballs, as a user of npm has them.
import { execFile, spawnSync } from 'node:child_process';
import { copyFileSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { promisify } from 'node:util';
import { ROOT } from '../cluster/workspace.ts';

const FIXTURES = join(import.meta.dirname, 'fixtures');
const PACKAGES = ['@jasm/controller', '@jasm/infra'] as const;

type Manifest = Record<string, unknown> & { readonly devDependencies: Record<string, string> };
const manifestOf = (folder: string) =>
	JSON.parse(readFileSync(join(ROOT, folder, 'package.json'), 'utf8')) as Manifest;

/** What a user installs beside the two packages, in the versions that the workspace is tested with. */
function companions(): string[] {
	const infra = manifestOf('infra');
	const peers = ['@pulumi/aws', '@pulumi/kubernetes', '@pulumi/pulumi'];
	const { zod } = manifestOf('controller')['dependencies'] as Record<string, string>;
	return [
		...peers.map(name => `${name}@${infra.devDependencies[name]}`),
		`@types/node@${manifestOf('.').devDependencies['@types/node']}`,
		`zod@${zod}`,
	];
}

export class Project {
	readonly folder = mkdtempSync(join(tmpdir(), 'jasm-packages-'));

	/** Packs both packages and installs them, by the registry and the cache that npm is configured with. */
	async install(): Promise<void> {
		const tarballs = join(this.folder, 'tarballs');
		for (const name of PACKAGES) {
			await run('pnpm', ['--filter', name, 'pack', '--pack-destination', tarballs], ROOT);
		}
		this.write('package.json', '{ "private": true, "type": "module" }');
		const files = readdirSync(tarballs).map(file => `./tarballs/${file}`);
		// The scripts of the SDKs only install plugins of the Pulumi CLI.
		const quiet = ['--ignore-scripts', '--prefer-offline', '--no-audit', '--no-fund', '--loglevel=error'];
		await run('npm', ['install', ...quiet, ...files, ...companions()], this.folder);
		for (const fixture of readdirSync(FIXTURES)) {
			copyFileSync(join(FIXTURES, fixture), join(this.folder, fixture));
		}
	}

	write(file: string, text: string): void {
		const path = join(this.folder, file);
		mkdirSync(dirname(path), { recursive: true });
		writeFileSync(path, text);
	}

	/** Runs a command in the folder. Rejects with all that it printed if it fails. */
	run(command: string, args: readonly string[], env: Record<string, string> = {}): Promise<string> {
		return run(command, args, this.folder, env);
	}
}

/** Whether a command is on PATH. */
export const isInstalled = (command: string): boolean =>
	spawnSync(command, ['version'], { stdio: 'ignore' }).status === 0;

async function run(
	command: string,
	args: readonly string[],
	cwd: string,
	env: Record<string, string> = {},
): Promise<string> {
	// A provider that renders manifests refuses to start beside a kubeconfig, and no test here needs a cluster.
	const { KUBECONFIG: _cluster, ...inherited } = process.env;
	const options = { cwd, env: { ...inherited, ...env }, maxBuffer: 64 * 1024 * 1024 };
	const { stdout } = await promisify(execFile)(command, args, options).catch(error => {
		const { stdout = '', stderr = '' } = error as { stdout?: string; stderr?: string };
		throw new Error(`${command} ${args.join(' ')} failed in ${cwd}\n${stdout}${stderr}`);
	});
	return stdout;
}
