// Finds the API server and the identity to use: in the cluster by ourselves, elsewhere from a kubeconfig.
import { access, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { JasmError } from '../errors.ts';
import type { Clock } from '../runtime/clock.ts';
import { type Credentials, serviceAccountCredentials } from './credentials.ts';

export type ClusterConfig = {
	/** Name or address without brackets; for an address no server name is sent, its IP SAN is verified. */
	readonly host: string;
	readonly port: number;
	/** Path in front of every request, without a slash at the end; usually empty. */
	readonly basePath: string;
	/** The namespace this identity lives in, where it is known. */
	readonly namespace?: string;
	readonly credentials: Credentials;
};

export type KubernetesConfigOptions = {
	/** From `--kubeconfig`; wins over everything else. */
	readonly kubeconfigPath?: string;
	/** Context of the kubeconfig; its current one by default. */
	readonly context?: string;
	readonly env: Readonly<Record<string, string | undefined>>;
	readonly clock: Clock;
	/** Where the kubelet mounts the ServiceAccount. */
	readonly serviceAccountDir?: string;
};

const SERVICE_ACCOUNT_DIR = '/var/run/secrets/kubernetes.io/serviceaccount';

/**
 * In order: `kubeconfigPath`, `KUBECONFIG` (a list of files), the pod's ServiceAccount, `~/.kube/config`.
 * Rejects with KUBERNETES_CONFIG_INVALID that names what was looked for.
 */
export async function loadKubernetesConfig(options: KubernetesConfigOptions): Promise<ClusterConfig> {
	const { kubeconfigPath, env } = options;
	const named = kubeconfigPath || env['KUBECONFIG'];
	if (named)
		return fromKubeconfig(options, kubeconfigPath ? [kubeconfigPath] : named.split(':').filter(Boolean));
	const inCluster = await fromServiceAccount(options);
	if (inCluster !== undefined) return inCluster;
	const home = env['HOME'] || env['USERPROFILE'];
	const file = home && join(home, '.kube', 'config');
	if (file && (await exists(file))) return fromKubeconfig(options, [file]);
	throw new JasmError(
		'looking for the Kubernetes API server: neither --kubeconfig nor KUBECONFIG is set, ' +
			`no ServiceAccount is mounted and ${file ? `"${file}" does not exist` : 'HOME is not set'}`,
		{ code: 'KUBERNETES_CONFIG_INVALID' },
	);
}

async function fromServiceAccount(options: KubernetesConfigOptions): Promise<ClusterConfig | undefined> {
	const { env, clock, serviceAccountDir = SERVICE_ACCOUNT_DIR } = options;
	const host = env['KUBERNETES_SERVICE_HOST'];
	const port = Number(env['KUBERNETES_SERVICE_PORT']);
	const tokenFile = join(serviceAccountDir, 'token');
	if (!host || !Number.isInteger(port) || port <= 0 || !(await exists(tokenFile))) return undefined;
	const namespace = await readFile(join(serviceAccountDir, 'namespace'), 'utf8').catch(() => '');
	const caFile = join(serviceAccountDir, 'ca.crt');
	return {
		host: host.replace(/^\[(.*)\]$/, '$1'),
		port,
		basePath: '',
		...(namespace.trim() !== '' && { namespace: namespace.trim() }),
		credentials: serviceAccountCredentials({ tokenFile, caFile, clock }),
	};
}

async function fromKubeconfig(
	{ context, clock }: KubernetesConfigOptions,
	files: readonly string[],
): Promise<ClusterConfig> {
	// 80 MB that only a process outside of the cluster pays for.
	const { loadKubeconfig } = await import('./kubeconfig.ts');
	return loadKubeconfig({ files, clock, ...(context !== undefined && { context }) });
}

const exists = (file: string) =>
	access(file).then(
		() => true,
		() => false,
	);
