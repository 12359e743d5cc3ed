// A kubeconfig for one server and one token.

export type KubeconfigParts = {
	readonly url: string;
	/** PEM. */
	readonly ca: string;
	readonly token: string;
	readonly namespace: string;
};

/** The text of a kubeconfig: JSON, hence YAML. */
export const kubeconfigText = ({ url, ca, token, namespace }: KubeconfigParts): string => {
	const name = 'embedded';
	const config = {
		apiVersion: 'v1',
		kind: 'Config',
		'current-context': name,
		clusters: [
			{ name, cluster: { server: url, 'certificate-authority-data': Buffer.from(ca).toString('base64') } },
		],
		users: [{ name, user: { token } }],
		contexts: [{ name, context: { cluster: name, user: name, namespace } }],
	};
	return `${JSON.stringify(config, undefined, 2)}\n`;
};
