// The embedded API server as a cluster of the benchmark: its own clock tells when events and writes happen.
import { readFile } from 'node:fs/promises';
import { get } from 'node:https';
import { loadAll } from 'js-yaml';
import { type ApiServer, startApiServer } from '../testing/index.ts';
import type { Cluster } from './cluster.ts';
import { manifestOf, type Pod, storedForm } from './pod-fixtures.ts';

/** The installation, as `kubectl apply` gets it. */
export async function installation(): Promise<Record<string, unknown>[]> {
	const file = new URL('../../deploy/write-only.yaml', import.meta.url);
	return loadAll(await readFile(file, 'utf8')) as Record<string, unknown>[];
}

/** The name of the admission policy that guards Secrets. */
function guardOf(manifests: readonly Record<string, unknown>[]): string {
	const policy = manifests.find(({ kind }) => kind === 'ValidatingAdmissionPolicy');
	return (policy as { metadata: { name: string } }).metadata.name;
}

/** Reads a path as the administrator and throws the answer away. */
function read({ url, ca, adminToken }: ApiServer, path: string, accept: string): Promise<void> {
	return new Promise((resolve, reject) => {
		get(`${url}${path}`, { ca, headers: { accept, authorization: `Bearer ${adminToken}` } }, response => {
			response.resume().once('end', resolve);
		}).once('error', reject);
	});
}

export async function startEmbeddedCluster(
	options: { readonly port?: number; readonly watchList?: 'on' | 'off' } = {},
): Promise<Cluster> {
	const manifests = await installation();
	// Events of full-size pods are kept for watches to resume from: no more than a few MB of them.
	const server = await startApiServer({
		historySize: 4_000,
		guard: { policy: guardOf(manifests) },
		...options,
	});
	server.apply(manifests);
	const podAt = new Map<string, number>();
	const secretAt = new Map<string, number>();
	const uids = new Map<string, string>();
	let rounds = 0;
	server.onChange((kind, { type, object }) => {
		const at = kind === 'Pod' ? podAt : kind === 'Secret' ? secretAt : undefined;
		if (type === 'ADDED') {
			at?.set(object.key, performance.now());
		}
	});
	const { hostname, port } = new URL(server.url);
	const seed = (pods: readonly Pod[]) => {
		const round = rounds++;
		// The request that releases a pod is held to what the API server itself stored, defaults included.
		const gated = pods.filter(pod => pod.gated);
		for (const name of new Set(gated.map(({ namespace }) => namespace))) {
			if (server.find('Namespace', '', name) === undefined) {
				server.create({ kind: 'Namespace', metadata: { name } });
			}
		}

		server.apply(gated.map(manifestOf));
		const objects = pods
			.filter(({ gated }) => !gated)
			.map(pod => {
				const key = `${pod.namespace}/${pod.name}`;
				const uid = uids.get(key) ?? crypto.randomUUID();
				uids.set(key, uid);
				return storedForm(pod, { uid, round });
			});
		server.seed('Pod', objects);
	};
	return {
		title: 'embedded API server',
		access: {
			host: hostname,
			port: Number(port),
			ca: server.ca,
			token: server.createToken('jasm', 'jasm'),
		},
		podAt,
		secretAt,
		prepare: async () => {},
		addPods: async pods => seed(pods),
		touchPods: async pods => seed(pods),
		async removePods(pods) {
			for (const { namespace, name, secretName } of pods) {
				server.delete('Pod', namespace, name);
				podAt.delete(`${namespace}/${name}`);
				secretAt.delete(`${namespace}/${secretName}`);
			}

			server.requests.clear();
		},
		async valueOf(namespace, secretName, key) {
			const secret = server.find('Secret', namespace, secretName);
			const text = (secret?.['data'] as Readonly<Record<string, string>> | undefined)?.[key];
			return text === undefined ? undefined : Buffer.from(text, 'base64');
		},
		async warmUp() {
			const pods = '/api/v1/pods';
			const accept = 'application/json;as=PartialObjectMetadataList;g=meta.k8s.io;v=v1';
			await read(server, pods, accept);
		},
		eventsPerRound: 5_000,
		close: () => server.close(),
		embedded: server,
	};
}
