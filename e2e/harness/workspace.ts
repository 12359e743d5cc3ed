// Where the stage keeps everything it writes, and the environment in which its commands run.
import { existsSync, mkdirSync } from 'node:fs';
import { homedir } from 'node:os';
import { delimiter, dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';

export const ROOT = fileURLToPath(new URL('../..', import.meta.url));

/** The one folder that a run writes to. */
export const STAGE = join(ROOT, '.e2e');

/** Folders of the stage; `logs` alone outlives a run that failed. */
export const PATHS = {
	/** Links to the commands that the stage brings along. */
	bin: join(STAGE, 'bin'),
	home: join(STAGE, 'home'),
	logs: join(STAGE, 'logs'),
	/** Kept between runs: it holds nothing of one. */
	python: join(STAGE, 'python'),
	minikube: join(STAGE, 'minikube'),
	kubeconfig: join(STAGE, 'kubeconfig'),
	pulumi: join(STAGE, 'pulumi'),
	state: join(STAGE, 'pulumi-state'),
	project: join(STAGE, 'project'),
	/** The bundle as it was when the run began: somebody may build again meanwhile. */
	bundle: join(STAGE, 'controller'),
	images: join(STAGE, 'images'),
	tls: join(STAGE, 'tls'),
	awsConfig: join(STAGE, 'aws', 'config'),
	awsCredentials: join(STAGE, 'aws', 'credentials'),
} as const;

export type Environment = Record<string, string>;

/** Profile of the AWS configuration that the stage writes. */
export const AWS_PROFILE = 'codnod';

/** Variables that would lead a command to an account or a cluster of the person who runs it. */
const FOREIGN = /^(AWS_|KUBE|PULUMI_|MINIKUBE_)/;

/** The environment of every command: nothing of it points out of the workspace. */
export function stageEnvironment(): Environment {
	for (const folder of [PATHS.bin, PATHS.home, PATHS.logs, PATHS.state, PATHS.pulumi]) {
		mkdirSync(folder, { recursive: true });
	}
	const own = Object.entries(process.env).filter(([name]) => !FOREIGN.test(name)) as [string, string][];
	const docker = join(homedir(), '.docker');
	return {
		...Object.fromEntries(own),
		// Caches of kubectl and pip belong to the run; a Docker context of the person is needed by minikube.
		HOME: PATHS.home,
		...(existsSync(docker) ? { DOCKER_CONFIG: process.env['DOCKER_CONFIG'] ?? docker } : {}),
		PATH: [PATHS.bin, dirname(process.execPath), process.env['PATH'] ?? ''].join(delimiter),
		MINIKUBE_HOME: PATHS.minikube,
		MINIKUBE_IN_STYLE: 'false',
		KUBECONFIG: PATHS.kubeconfig,
		PULUMI_HOME: PATHS.pulumi,
		PULUMI_BACKEND_URL: `file://${PATHS.state}`,
		PULUMI_CONFIG_PASSPHRASE: '',
		PULUMI_SKIP_UPDATE_CHECK: 'true',
		AWS_PROFILE,
		AWS_CONFIG_FILE: PATHS.awsConfig,
		AWS_SHARED_CREDENTIALS_FILE: PATHS.awsCredentials,
		AWS_EC2_METADATA_DISABLED: 'true',
		AWS_PAGER: '',
	};
}
