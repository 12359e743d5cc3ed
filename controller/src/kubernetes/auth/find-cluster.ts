// Finds the API server and the identity to use: the pod's ServiceAccount in a cluster, a kubeconfig elsewhere.
import { access } from 'node:fs/promises';
import { delimiter, join } from 'node:path';
import type { Clock } from '../../runtime/clock.ts';
import { KubernetesError } from '../errors.ts';
import type { ClusterConfig } from './cluster-config.ts';
import { serviceAccountCredentials } from './credentials.ts';

export type KubernetesConfigOptions = {
	/** From `--kubeconfig`; goes before every other source. */
	readonly kubeconfigPath?: string;
	/** Context of the kubeconfig; the current one by default. */
	readonly context?: string;
	readonly env: Readonly<Record<string, string | undefined>>;
	readonly clock: Clock;
	/** Where the kubelet mounts the ServiceAccount. */
	readonly serviceAccountDir?: string;
};

const SERVICE_ACCOUNT_DIR = '/var/run/secrets/kubernetes.io/serviceaccount';

/**
 * In order: `kubeconfigPath`, `KUBECONFIG` (a list of files), the pod's ServiceAccount, `~/.kube/config`.
 * Rejects with code `configuration` and names every place that was tried.
 */
export async function loadKubernetesConfig(options: KubernetesConfigOptions): Promise<ClusterConfig> {
	const { kubeconfigPath, env } = options;
	const named = kubeconfigPath || env['KUBECONFIG'];
	if (named)
		return fromKubeconfig(
			options,
			kubeconfigPath ? [kubeconfigPath] : named.split(delimiter).filter(Boolean),
		);
	const inCluster = await fromServiceAccount(options);
	if (inCluster !== undefined) return inCluster;
	const home = env['HOME'] || env['USERPROFILE'];
	const file = home && join(home, '.kube', 'config');
	if (file && (await exists(file))) return fromKubeconfig(options, [file]);
	throw new KubernetesError({
		code: 'configuration',
		doing: 'looking for the Kubernetes API server',
		why:
			'neither --kubeconfig nor KUBECONFIG is set, ' +
			`no ServiceAccount is mounted and ${file ? `"${file}" does not exist` : 'HOME is not set'}`,
	});
}

async function fromServiceAccount(options: KubernetesConfigOptions): Promise<ClusterConfig | undefined> {
	const { env, clock, serviceAccountDir = SERVICE_ACCOUNT_DIR } = options;
	const host = env['KUBERNETES_SERVICE_HOST'];
	const port = Number(env['KUBERNETES_SERVICE_PORT']);
	const tokenFile = join(serviceAccountDir, 'token');
	if (!host || !Number.isInteger(port) || port <= 0 || !(await exists(tokenFile))) return undefined;
	const caFile = join(serviceAccountDir, 'ca.crt');
	return {
		host: host.replace(/^\[(.*)\]$/, '$1'),
		port,
		basePath: '',
		credentials: serviceAccountCredentials({ tokenFile, caFile, clock }),
	};
}

async function fromKubeconfig(
	{ context, clock, env, kubeconfigPath }: KubernetesConfigOptions,
	files: readonly string[],
): Promise<ClusterConfig> {
	// In a cluster this code is never loaded.
	const { loadKubeconfig } = await import('./kubeconfig.ts');
	const mustExist = Boolean(kubeconfigPath);
	return loadKubeconfig({ files, mustExist, clock, env, ...(context !== undefined && { context }) });
}

const exists = (file: string) =>
	access(file).then(
		() => true,
		() => false,
	);
