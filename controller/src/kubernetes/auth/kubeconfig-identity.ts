// Trust and identity of a kubeconfig's cluster and user: which field goes first, which exclude each other.
import { X509Certificate } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { isIP } from 'node:net';
import { checkServerIdentity, createSecureContext, getCACertificates } from 'node:tls';
import type { Clock } from '../../runtime/clock.ts';
import type { TlsMaterial } from './credentials.ts';
import { ExecPlugin } from './exec-plugin.ts';
import { impersonation } from './impersonation.ts';
import { type ClusterEntry, KubeconfigFault, list, mapping, type UserEntry } from './kubeconfig-fields.ts';
import type { Selected } from './kubeconfig-files.ts';

export type IdentityOptions = {
	readonly clock: Clock;
	/** The environment of credential plugins. */
	readonly env?: Readonly<Record<string, string | undefined>>;
};

/** The user's entry, checked as kubectl checks it. */
export class Identity {
	readonly impersonate: Readonly<Record<string, readonly string[]>>;
	readonly plugin: ExecPlugin | undefined;
	readonly #cluster: ClusterEntry;
	readonly #user: UserEntry;

	constructor({ clock, env = {} }: IdentityOptions, { cluster, user, userName, resolveForUser }: Selected) {
		const at = `user "${userName}"`;
		checkCluster(cluster);
		checkUser(user, at);
		this.#cluster = cluster;
		this.#user = user;
		this.impersonate = impersonation(user, at);
		// A token, a password or a certificate goes before the plugin, which then is not run.
		this.plugin =
			user.exec !== undefined && !hasOwnCredential(user)
				? new ExecPlugin({
						written: user.exec,
						at,
						resolve: resolveForUser,
						cluster: () => clusterInfo(cluster),
						env,
						clock,
					})
				: undefined;
		if (this.plugin === undefined && !hasOwnCredential(user)) {
			throw new KubeconfigFault(
				`${at}: it has no credentials: set token, tokenFile, client-certificate, exec or username`,
			);
		}
	}

	/** The token file goes before the token, which is what is left if the file cannot be read. */
	async authorization(): Promise<string | undefined> {
		const { token, tokenFile, username, password = '' } = this.#user;
		if (username !== undefined) return `Basic ${Buffer.from(`${username}:${password}`).toString('base64')}`;
		const fromFile = tokenFile === undefined ? undefined : tokenIn(tokenFile, token !== undefined);
		const bearer = fromFile ?? token ?? (this.plugin && (await this.plugin.get()).token);
		return bearer === undefined ? undefined : `Bearer ${bearer.trim()}`;
	}

	/** @param run whether the plugin may be run for its certificate */
	async tls(run: boolean): Promise<TlsMaterial> {
		const { 'tls-server-name': name, 'insecure-skip-tls-verify': insecure } = this.#cluster;
		const cluster = this.#cluster;
		const user = this.#user;
		const ca = pem(cluster['certificate-authority-data'], cluster['certificate-authority']);
		const fromPlugin = run && this.plugin !== undefined ? await this.plugin.get() : undefined;
		const cert = pem(user['client-certificate-data'], user['client-certificate']) ?? fromPlugin?.cert;
		const key = pem(user['client-key-data'], user['client-key']) ?? fromPlugin?.key;
		return {
			ca: ca ?? trustedByDefault(),
			...(cert !== undefined && { cert, key: key! }),
			...(insecure === true && { rejectUnauthorized: false }),
			...(name !== undefined && expected(name)),
		};
	}
}

/** What OpenSSL says of certificates and keys, before any connection. @throws KubeconfigFault */
export function checkMaterial({ ca, cert, key }: TlsMaterial): void {
	// An authority that is not PEM would be ignored in silence.
	if (typeof ca === 'string') usable('the certificate-authority', () => new X509Certificate(ca));
	if (cert !== undefined) {
		usable('client-certificate and client-key', () =>
			createSecureContext({ cert, ...(key !== undefined && { key }) }),
		);
	}
}

function usable(what: string, use: () => unknown): void {
	try {
		use();
	} catch (error) {
		throw new KubeconfigFault(`${what} cannot be used (${(error as NodeJS.ErrnoException).code})`);
	}
}

const hasOwnCredential = (user: UserEntry) =>
	(user.token ?? user.tokenFile ?? user.username ?? certificateOf(user)) !== undefined;

const certificateOf = (user: UserEntry) => user['client-certificate-data'] ?? user['client-certificate'];

function checkCluster(cluster: ClusterEntry): void {
	onlyOne(cluster, ['certificate-authority-data', 'certificate-authority'], 'the cluster');
	const ca = cluster['certificate-authority-data'] ?? cluster['certificate-authority'];
	if (cluster['insecure-skip-tls-verify'] && ca !== undefined) {
		throw new KubeconfigFault('insecure-skip-tls-verify and a certificate-authority exclude each other');
	}
}

function checkUser(user: UserEntry, at: string): void {
	onlyOne(user, ['client-certificate-data', 'client-certificate'], at);
	onlyOne(user, ['client-key-data', 'client-key'], at);
	onlyOne(user, ['token', 'username'], at);
	onlyOne(user, ['tokenFile', 'username'], at);
	if (certificateOf(user) !== undefined && (user['client-key-data'] ?? user['client-key']) === undefined) {
		throw new KubeconfigFault(`${at}: client-certificate needs client-key or client-key-data`);
	}
	if (user['auth-provider'] !== undefined) {
		throw new KubeconfigFault(`${at}: auth-provider is not supported: use a credential plugin (exec)`);
	}
}

function onlyOne<Name extends string>(
	entry: { readonly [N in Name]?: unknown },
	[a, b]: readonly [Name, Name],
	at: string,
): void {
	if (entry[a] !== undefined && entry[b] !== undefined) {
		throw new KubeconfigFault(`${at}: ${a} and ${b} exclude each other`);
	}
}

/** An address is verified without being sent as a server name. */
const expected = (name: string): TlsMaterial =>
	isIP(name) === 0
		? { servername: name }
		: { servername: '', checkServerIdentity: (_, cert) => checkServerIdentity(name, cert) };

/** What kubectl trusts without a certificate-authority, beside the list that Node brings along. */
let systemAuthorities: readonly string[] | undefined;
const trustedByDefault = (): readonly string[] => {
	systemAuthorities ??= [...getCACertificates('default'), ...getCACertificates('system')];
	return systemAuthorities;
};

const pem = (data: string | undefined, file: string | undefined): string | undefined =>
	data ?? (file === undefined ? undefined : readText(file));

function readText(file: string): string {
	try {
		return readFileSync(file, 'utf8');
	} catch (error) {
		throw new KubeconfigFault(`reading "${file}": ${(error as NodeJS.ErrnoException).code}`);
	}
}

function tokenIn(file: string, hasFallback: boolean): string | undefined {
	try {
		const token = readText(file).trim();
		if (token !== '') return token;
		throw new KubeconfigFault(`reading "${file}": the file is empty`);
	} catch (error) {
		if (hasFallback) return undefined;
		throw error;
	}
}

/** The cluster as a credential plugin gets to know it, in the order of kubectl. */
function clusterInfo(cluster: ClusterEntry): Readonly<Record<string, unknown>> {
	const ca = pem(cluster['certificate-authority-data'], cluster['certificate-authority']);
	const extensions = list(cluster.extensions, 'extensions').map(item => mapping(item, 'extensions'));
	const own = extensions.find(({ name }) => name === 'client.authentication.k8s.io/exec');
	return {
		server: cluster.server,
		'tls-server-name': cluster['tls-server-name'],
		'insecure-skip-tls-verify': cluster['insecure-skip-tls-verify'] || undefined,
		'certificate-authority-data': ca && Buffer.from(ca).toString('base64'),
		'proxy-url': cluster['proxy-url'],
		'disable-compression': cluster['disable-compression'] || undefined,
		config: own?.['extension'] ?? null,
	};
}
