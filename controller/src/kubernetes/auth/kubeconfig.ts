// Makes a cluster of a kubeconfig: address, proxy, trust and identity, as kubectl takes them from the same files.
import type { Clock } from '../../runtime/clock.ts';
import { KubernetesError } from '../errors.ts';
import type { ClusterConfig, ProxyConfig } from './cluster-config.ts';
import { AuthorizationCache, type Credentials, type TlsMaterial } from './credentials.ts';
import { type ClusterEntry, KubeconfigFault } from './kubeconfig-fields.ts';
import { type KubeconfigSource, type Selected, selectFrom } from './kubeconfig-files.ts';
import { checkMaterial, Identity } from './kubeconfig-identity.ts';

export type KubeconfigOptions = KubeconfigSource & {
	readonly clock: Clock;
	/** The environment of credential plugins. */
	readonly env?: Readonly<Record<string, string | undefined>>;
};

/** Rejects with code `configuration` if files, context, server or credentials cannot be used. */
export async function loadKubeconfig(options: KubeconfigOptions): Promise<ClusterConfig> {
	return explained(options, async () => {
		const selected = selectFrom(options);
		const { cluster } = selected;
		const server = URL.canParse(cluster.server ?? '') ? new URL(cluster.server!) : undefined;
		if (server?.protocol !== 'https:') {
			throw new KubeconfigFault(`the server "${cluster.server ?? ''}" is not an https address`);
		}
		const credentials = new KubeconfigCredentials(options, selected);
		await credentials.check();
		const proxy = proxyOf(cluster);
		return {
			host: server.hostname.replace(/^\[(.*)\]$/, '$1'),
			port: Number(server.port || 443),
			basePath: server.pathname.replace(/\/+$/, ''),
			...(proxy !== undefined && { proxy }),
			credentials,
		};
	});
}

class KubeconfigCredentials implements Credentials {
	readonly #options: KubeconfigOptions;
	readonly #token: AuthorizationCache;
	#identity: Identity;
	#mustReload = false;

	constructor(options: KubeconfigOptions, selected: Selected) {
		this.#options = options;
		this.#identity = new Identity(options, selected);
		this.#token = new AuthorizationCache({
			clock: options.clock,
			read: () => this.#identity.authorization(),
		});
	}

	/** Reads every file once, so that a missing one is reported before anything runs. */
	async check(): Promise<void> {
		checkMaterial(await this.#identity.tls(false));
		if (this.#identity.plugin === undefined) await this.#identity.authorization();
	}

	tls(): Promise<TlsMaterial> {
		return explained(this.#options, () => {
			this.#reload();
			return this.#identity.tls(true);
		});
	}

	authorization(): Promise<string | undefined> {
		return explained(this.#options, () => {
			this.#reload();
			return this.#identity.plugin === undefined ? this.#token.get() : this.#identity.authorization();
		});
	}

	impersonation() {
		return this.#identity.impersonate;
	}

	invalidate(): void {
		this.#mustReload = true;
		this.#identity.plugin?.invalidate();
		this.#token.invalidate();
	}

	/** A login can have rewritten the file. While the file cannot be used, the identity stays as it was. */
	#reload(): void {
		if (!this.#mustReload) return;
		this.#mustReload = false;
		try {
			this.#identity = new Identity(this.#options, selectFrom(this.#options));
		} catch {}
	}
}

/** The address of a proxy can hold a password: no message quotes it. */
function proxyOf({ 'proxy-url': written }: ClusterEntry): ProxyConfig | undefined {
	if (written === undefined) return undefined;
	const url = URL.canParse(written) ? new URL(written) : undefined;
	if (url === undefined || (url.protocol !== 'http:' && url.protocol !== 'https:') || url.hostname === '') {
		throw new KubeconfigFault('proxy-url must be an http or https address: other proxies are not supported');
	}
	const { username, password } = url;
	const login = `${decodeURIComponent(username)}:${decodeURIComponent(password)}`;
	return {
		secure: url.protocol === 'https:',
		host: url.hostname.replace(/^\[(.*)\]$/, '$1'),
		port: Number(url.port || (url.protocol === 'https:' ? 443 : 80)),
		...(username !== '' && { authorization: `Basic ${Buffer.from(login).toString('base64')}` }),
	};
}

/** A fault as the error that names the files. */
async function explained<T>({ files }: KubeconfigSource, read: () => Promise<T>): Promise<T> {
	try {
		return await read();
	} catch (error) {
		if (!(error instanceof KubeconfigFault)) throw error;
		throw new KubernetesError({
			code: 'configuration',
			doing: `reading kubeconfig ${files.map(file => `"${file}"`).join(', ')}`,
			why: error.message,
		});
	}
}
