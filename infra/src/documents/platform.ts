// The settings in which clusters and networks differ, with their defaults; pure.

/** OpenShift gives pods their user ids, and its DNS listens on another port. */
export type Platform = 'kubernetes' | 'openshift';

/** What a cluster's network asks of the controller's NetworkPolicy. */
export type NetworkSettings = {
	/** TCP ports of API servers. Policies apply behind the Service, so the server's own port counts. */
	readonly apiServerPorts?: readonly number[] | undefined;
	/** Ports of the cluster's DNS, UDP and TCP. */
	readonly dnsPorts?: readonly number[] | undefined;
	/** Further connections that are allowed: TCP ports, to every address or to those of one CIDR. */
	readonly egress?:
		| readonly { readonly ports: readonly number[]; readonly cidr?: string | undefined }[]
		| undefined;
};

/** The way to providers outside the cluster. */
export type ProxySettings = {
	/** URL of the proxy, without credentials. */
	readonly url: string;
	/** Hosts and domains that are reached without it. */
	readonly noProxy?: readonly string[] | undefined;
};

export type PlatformSettings = {
	readonly platform?: Platform | undefined;
	readonly network?: NetworkSettings | undefined;
	readonly proxy?: ProxySettings | undefined;
	/** File of the ConfigMap of authorities whose certificates are trusted beside the well-known ones. */
	readonly trustBundle?: string | undefined;
};

/** Common ports of API servers: managed clusters, kubeadm, minikube, MicroK8s. */
const API_SERVER_PORTS = [443, 6443, 8443, 16443];
const DNS_PORTS: Readonly<Record<Platform, readonly number[]>> = { kubernetes: [53], openshift: [53, 5353] };

/** The network settings with defaults filled in. */
export function networkOf({ platform = 'kubernetes', network = {} }: PlatformSettings) {
	return {
		apiServerPorts: network.apiServerPorts ?? API_SERVER_PORTS,
		dnsPorts: network.dnsPorts ?? DNS_PORTS[platform],
		egress: network.egress ?? [],
	};
}
