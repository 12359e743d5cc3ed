// Makes thousands of objects as fast as the API server takes them, over a few connections that stay open.

import type { RequestOptions } from 'node:https';
import { Agent, request } from 'node:https';
import type { Cluster } from './cluster.ts';

/** Requests in flight. */
const AT_ONCE = 16;

/** Creates all objects under a path; throws at the first one that is refused. */
export async function createAll(cluster: Cluster, path: string, objects: Iterable<object>): Promise<void> {
	const options: RequestOptions = {};
	await cluster.config.applyToHTTPSOptions(options);
	const { ca, cert, key } = options;
	const agent = new Agent({ keepAlive: true, maxSockets: AT_ONCE, ca, cert, key });
	const url = `${cluster.config.getCurrentCluster()?.server}${path}`;
	const create = (object: object) =>
		new Promise<void>((resolve, reject) => {
			const headers = {
				'content-type': 'application/json',
				// The whole object would only be thrown away.
				accept: 'application/json;as=PartialObjectMetadata;g=meta.k8s.io;v=v1',
			};
			request(url, { method: 'POST', agent, headers }, response => {
				response.resume().on('end', () => {
					if (response.statusCode === 201) resolve();
					else reject(new Error(`creating an object at ${path} was answered ${response.statusCode}`));
				});
			})
				.on('error', reject)
				.end(JSON.stringify(object));
		});
	const rest = objects[Symbol.iterator]();
	try {
		await Promise.all(
			Array.from({ length: AT_ONCE }, async () => {
				for (let next = rest.next(); next.done !== true; next = rest.next()) await create(next.value);
			}),
		);
	} finally {
		agent.destroy();
	}
}
