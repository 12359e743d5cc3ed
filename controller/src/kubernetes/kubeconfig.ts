// Reads a kubeconfig outside of the cluster; the only file that loads @kubernetes/client-node.
import type { RequestOptions } from 'node:https';
import { KubeConfig } from '@kubernetes/client-node';
import { JasmError } from '../errors.ts';
import type { Clock } from '../runtime/clock.ts';
import type { ClusterConfig } from './config.ts';
import { AuthorizationCache, type Credentials, type TlsMaterial } from './credentials.ts';

export type KubeconfigOptions = {
	/** Merged; the first that names a current context decides it. A name that occurs twice is refused. */
	readonly files: readonly string[];
	/** The current context of the files by default. */
	readonly context?: string;
	readonly clock: Clock;
};

/** Rejects with KUBERNETES_CONFIG_INVALID where the files, the context or the server cannot be used. */
export async function loadKubeconfig(options: KubeconfigOptions): Promise<ClusterConfig> {
	const kubeconfig = load(options);
	const cluster = kubeconfig.getCurrentCluster()!;
	const server = URL.canParse(cluster.server) ? new URL(cluster.server) : undefined;
	if (server?.protocol !== 'https:') {
		throw invalid(options, `the server "${cluster.server}" is not an https address`);
	}
	if (cluster.proxyUrl) throw invalid(options, 'a proxy-url is not supported');
	const namespace = kubeconfig.getContextObject(kubeconfig.getCurrentContext())?.namespace;
	return {
		host: server.hostname.replace(/^\[(.*)\]$/, '$1'),
		port: Number(server.port || 443),
		basePath: server.pathname.replace(/\/+$/, ''),
		...(namespace !== undefined && { namespace }),
		credentials: credentialsOf(kubeconfig, options),
	};
}

function credentialsOf(first: KubeConfig, options: KubeconfigOptions): Credentials {
	let kubeconfig: KubeConfig | undefined = first;
	/** Runs exec plugins and reads files as the user's entry says. */
	const apply = async () => {
		kubeconfig ??= load(options);
		const https: RequestOptions = { headers: {} };
		try {
			await kubeconfig.applyToHTTPSOptions(https);
		} catch {
			// Its cause stays out: a plugin prints what it likes, tokens included.
			throw invalid(options, `the credentials of user "${kubeconfig.getCurrentUser()?.name}" cannot be read`);
		}
		return https;
	};
	const cache = new AuthorizationCache({
		clock: options.clock,
		async read() {
			const { headers, auth } = await apply();
			const authorization = (headers as Record<string, string>)['Authorization']?.trim();
			return authorization ?? (auth ? `Basic ${Buffer.from(auth).toString('base64')}` : undefined);
		},
	});
	return {
		tls: async () => tlsOf(await apply()),
		authorization: () => cache.get(),
		invalidate() {
			// The library keeps an exec plugin's token until it expires, refused or not: begin anew.
			kubeconfig = undefined;
			cache.invalidate();
		},
	};
}

function tlsOf(https: RequestOptions): TlsMaterial {
	const { ca, cert, key, passphrase, rejectUnauthorized, servername } = https;
	return JSON.parse(
		JSON.stringify({
			ca: textOf(ca),
			cert: textOf(cert),
			key: textOf(key),
			passphrase,
			rejectUnauthorized,
			servername,
		}),
	);
}

const textOf = (pem: unknown) => (pem === undefined || pem === null ? undefined : String(pem));

function load(options: KubeconfigOptions): KubeConfig {
	const kubeconfig = new KubeConfig();
	for (const [index, file] of options.files.entries()) {
		try {
			const layer = index === 0 ? kubeconfig : new KubeConfig();
			layer.loadFromFile(file);
			if (index > 0) kubeconfig.mergeConfig(layer, kubeconfig.getCurrentContext() !== undefined);
		} catch (error) {
			const { code, message } = error as NodeJS.ErrnoException;
			const why = message.startsWith('Duplicate ') ? message : 'the file is not a valid kubeconfig';
			throw invalid({ ...options, files: [file] }, code ?? why);
		}
	}
	if (options.context !== undefined) kubeconfig.setCurrentContext(options.context);
	if (kubeconfig.getCurrentCluster() === null) {
		const context = kubeconfig.getCurrentContext();
		throw invalid(options, context ? `there is no cluster for context "${context}"` : 'no context is chosen');
	}
	return kubeconfig;
}

const invalid = ({ files }: KubeconfigOptions, why: string) =>
	new JasmError(`reading kubeconfig ${files.map(file => `"${file}"`).join(', ')}: ${why}`, {
		code: 'KUBERNETES_CONFIG_INVALID',
	});
