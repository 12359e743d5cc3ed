// One HTTPS request to an API server and its whole answer, for asking what no client would ask.
import { once } from 'node:events';
import { type RequestOptions, request } from 'node:https';
import { KubeConfig } from '@kubernetes/client-node';

export type RawRequest = {
	readonly method: string;
	/** Path and query. */
	readonly path: string;
	readonly body?: unknown;
	readonly contentType?: string;
	readonly accept?: string;
};

export type RawAnswer = { readonly status: number; readonly text: string };

/** `kubeconfig`: its text, or what was read of it. */
export async function rawRequest(
	kubeconfig: string | KubeConfig,
	{ method, path, body, contentType = 'application/json', accept = 'application/json' }: RawRequest,
): Promise<RawAnswer> {
	let config = kubeconfig;
	if (typeof config === 'string') {
		const text = config;
		config = new KubeConfig();
		config.loadFromString(text);
	}

	const text = body === undefined ? '' : JSON.stringify(body);
	const described = { 'content-type': contentType, 'content-length': Buffer.byteLength(text) };
	const headers = { accept, ...(text !== '' && described) };
	const options: RequestOptions = { method, agent: false, headers };
	await config.applyToHTTPSOptions(options);
	const sent = request(new URL(path, config.getCurrentCluster()!.server), options);
	sent.end(text);
	const [response] = await once(sent, 'response');
	const chunks: Buffer[] = await response.toArray();
	return { status: response.statusCode, text: Buffer.concat(chunks).toString() };
}
