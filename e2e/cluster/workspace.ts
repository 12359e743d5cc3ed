// Where a run keeps everything that it writes, and the environment in which its commands run.
import { existsSync, mkdirSync, symlinkSync } from 'node:fs';
import { homedir } from 'node:os';
import { delimiter, dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';

export const ROOT = fileURLToPath(new URL('../..', import.meta.url));

/** The one folder that a run writes to. */
export const STAGE = join(ROOT, '.e2e');

/** The clone in which a reader of the manual works: cluster, kubeconfig and Pulumi's state are in it, as the manual says. */
const CLONE = join(STAGE, 'jasm');

/** Folders of a run. Only `logs` outlives it, and `python`, which holds nothing of a run. */
export const PATHS = {
	/** Links to commands that the run brings along. */
	bin: join(STAGE, 'bin'),
	home: join(STAGE, 'home'),
	logs: join(STAGE, 'logs'),
	python: join(STAGE, 'python'),
	/** What the clone is made of: this repository with the changes of its work tree. */
	origin: join(STAGE, 'origin.git'),
	clone: CLONE,
	/** Blocks of the manual as they are pasted. */
	blocks: join(STAGE, 'blocks'),
	minikube: join(CLONE, '.minikube'),
	kubeconfig: join(CLONE, '.minikube', 'kubeconfig'),
	state: join(CLONE, '.pulumi', 'state'),
	pulumi: join(STAGE, 'pulumi'),
	/** The bundle as it was when the run began: another build may replace it meanwhile. */
	bundle: join(STAGE, 'controller'),
	images: join(STAGE, 'images'),
	tls: join(STAGE, 'tls'),
	awsConfig: join(STAGE, 'aws', 'config'),
	awsCredentials: join(STAGE, 'aws', 'credentials'),
} as const;

export type Environment = Record<string, string>;

/** Profile of the AWS configuration that the run writes. */
export const AWS_PROFILE = 'codnod';

/** Variables that would lead a command to an account or a cluster of the person who runs it. */
const FOREIGN = /^(AWS_|KUBE|PULUMI_|MINIKUBE_|VAULT_)/;

/** Variables that a reader exports as the manual says. */
const BY_THE_READER = [
	'MINIKUBE_HOME',
	'KUBECONFIG',
	'PULUMI_BACKEND_URL',
	'PULUMI_CONFIG_PASSPHRASE',
	'AWS_PROFILE',
];

/** Files of package managers in the home directory: the reader's registry and what was fetched before. */
const SHARED_HOME = ['.npmrc', '.npm', '.cache/pnpm', '.cache/pip', '.local/share/pnpm', 'Library/pnpm'];

/** The environment of every command: nothing of it points out of the workspace. */
export function stageEnvironment(): Environment {
	for (const folder of [PATHS.bin, PATHS.home, PATHS.logs, PATHS.pulumi]) {
		mkdirSync(folder, { recursive: true });
	}
	const own = Object.entries(process.env).filter(([name]) => !FOREIGN.test(name)) as [string, string][];
	const docker = join(homedir(), '.docker');
	return {
		...Object.fromEntries(own),
		// Caches of kubectl belong to the run; minikube needs a Docker context of the person.
		HOME: PATHS.home,
		...(existsSync(docker) ? { DOCKER_CONFIG: process.env['DOCKER_CONFIG'] ?? docker } : {}),
		PATH: [PATHS.bin, dirname(process.execPath), process.env['PATH'] ?? ''].join(delimiter),
		MINIKUBE_HOME: PATHS.minikube,
		MINIKUBE_IN_STYLE: 'false',
		KUBECONFIG: PATHS.kubeconfig,
		PULUMI_HOME: PATHS.pulumi,
		PULUMI_BACKEND_URL: `file://${PATHS.state}`,
		PULUMI_CONFIG_PASSPHRASE: 'choose one',
		PULUMI_SKIP_UPDATE_CHECK: 'true',
		AWS_PROFILE,
		AWS_CONFIG_FILE: PATHS.awsConfig,
		AWS_SHARED_CREDENTIALS_FILE: PATHS.awsCredentials,
		AWS_EC2_METADATA_DISABLED: 'true',
		AWS_PAGER: '',
	};
}

/** What package managers put on PATH for a script: commands of this checkout that a reader does not have. */
const SCRIPT_COMMANDS = /[\\/]node_modules[\\/](\.bin|.*[\\/]node-gyp-bin)$/;

/** PATH without what a script of this checkout gets. A person's own commands stay, those installed inside the checkout too. */
export function readerPath(path: string): string {
	const node = dirname(process.execPath);
	return path
		.split(delimiter)
		.filter(folder => folder !== node && !SCRIPT_COMMANDS.test(folder))
		.join(delimiter);
}

/** The environment of a person before the first page of the manual: without its exports and without this run's Node. */
export function readerEnvironment(env: Environment): Environment {
	linkPackageManagers();
	const kept = Object.entries(env).filter(
		([name]) => !BY_THE_READER.includes(name) && !/^(npm|pnpm)_/i.test(name),
	);
	return {
		...Object.fromEntries(kept),
		PATH: readerPath(env['PATH'] ?? ''),
		// Says yes where a person would.
		PULUMI_SKIP_CONFIRMATIONS: 'true',
		EDITOR: 'false',
	};
}

function linkPackageManagers(): void {
	for (const name of SHARED_HOME) {
		const [from, to] = [join(homedir(), name), join(PATHS.home, name)];
		if (!existsSync(from) || existsSync(to)) continue;
		mkdirSync(dirname(to), { recursive: true });
		symlinkSync(from, to);
	}
}
