// The port, the files and the hosts that an installation provides for one webhook of the configuration; pure.
import type { Environment, Host } from '../providers/provider.ts';
import { filesOf, hostsOf } from '../providers/shared/hosts.ts';
import { changeSource } from './changes-schema.ts';

export type WebhookInstallation = {
	readonly port: number;
	/** The listener is reached from its own pod only. */
	readonly local: boolean;
	/** Files whose content is secret: tokens, keys, the certificate with its key. */
	readonly secretFiles: readonly string[];
	/** Further files with credentials, which a person brings: those for a proxy. */
	readonly credentialFiles: readonly string[];
	/** Files with certificate authorities; nothing in them is secret. */
	readonly authorities: readonly string[];
	/** Hosts that it connects to: its issuer, or the proxy that leads there. */
	readonly egress: readonly Host[];
};

/**
 * @param source as it is written
 * @param env what the installation sets for the controller
 * @returns undefined for another kind of source, and where the controller would refuse it
 */
export function webhookOf(source: unknown, env: Environment): WebhookInstallation | undefined {
	const { data } = changeSource.safeParse(source);
	if (data?.kind !== 'webhook') {
		return undefined;
	}

	const { address, tlsCertFile, tlsKeyFile, bearerFiles = [], hmacFiles = [], clientCaFile, oidc } = data;
	const colon = address.lastIndexOf(':');
	return {
		port: Number(address.slice(colon + 1)),
		local: /^(localhost|127\..*|\[::1\])$/i.test(address.slice(0, colon)),
		secretFiles: filesOf(tlsCertFile, tlsKeyFile, ...bearerFiles, ...hmacFiles),
		credentialFiles: filesOf(oidc?.proxyCredentialsFile),
		authorities: filesOf(clientCaFile, oidc?.caFile),
		egress: oidc === undefined ? [] : hostsOf(oidc, env, oidc.issuer),
	};
}
