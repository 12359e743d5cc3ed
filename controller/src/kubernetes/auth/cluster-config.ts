// How to reach one API server, and as whom.
import type { Credentials } from './credentials.ts';

/** A proxy that forwards connections by CONNECT. */
export type ProxyConfig = {
	/** Whether the connection to the proxy itself is TLS. */
	readonly secure: boolean;
	readonly host: string;
	readonly port: number;
	/** Value of the Proxy-Authorization header. */
	readonly authorization?: string;
};

export type ClusterConfig = {
	/** Name or address, without brackets. An address is sent without a server name and verified by its IP SAN. */
	readonly host: string;
	readonly port: number;
	/** Prefix of every request's path, without a slash at the end; usually empty. */
	readonly basePath: string;
	/** Default: connections are direct. */
	readonly proxy?: ProxyConfig;
	readonly credentials: Credentials;
};
