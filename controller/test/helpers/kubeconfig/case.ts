// One row of the kubeconfig table: files, and what kubectl 1.37 and the controller make of them.
import type { RecordingServer, Seen } from './recording-server.ts';

export type Case = {
	/** The field, then what it is: the test's title. */
	readonly what: string;
	/** Name to content, relative to the folder of the kubeconfig. */
	readonly files: Readonly<Record<string, string>>;
	/** In KUBECONFIG, in order; by default `config`. */
	readonly kubeconfig?: readonly string[];
	/** The file of `--kubeconfig`, in place of KUBECONFIG. */
	readonly flag?: string;
	/** What the server saw of both, beside the path `/version`. */
	readonly seen?: Partial<Seen>;
	/** The controller refuses with this message. */
	readonly refused?: RegExp;
	/** What kubectl does where the controller refuses; by default it refuses too. */
	readonly kubectl?: 'honours' | 'refuses';
};

export type Parts = {
	readonly cluster?: object;
	readonly user?: object;
	readonly context?: object;
	readonly top?: object;
};

export type Place = {
	readonly server: RecordingServer;
	/** The cluster's entry, `cluster` on top of server and authority. */
	cluster(cluster?: object): object;
	/** The text of a kubeconfig of one context; `user` has a token by default. */
	config(parts?: Parts): string;
};

export const base64 = (text: string): string => Buffer.from(text).toString('base64');

export const REFERENCE = { cluster: 'dev', user: 'dev' };

export function placeOf(server: RecordingServer): Place {
	const place: Place = {
		server,
		cluster: cluster => ({
			server: `https://127.0.0.1:${server.port}`,
			'certificate-authority-data': base64(server.ca),
			...cluster,
		}),
		config: ({ cluster, user = { token: 'tok' }, context, top } = {}) =>
			JSON.stringify({
				apiVersion: 'v1',
				kind: 'Config',
				'current-context': 'dev',
				clusters: [{ name: 'dev', cluster: place.cluster(cluster) }],
				users: [{ name: 'dev', user }],
				contexts: [{ name: 'dev', context: { ...REFERENCE, ...context } }],
				...top,
			}),
	};
	return place;
}

export const bearer = (token: string): Partial<Seen> => ({ authorization: `Bearer ${token}` });
