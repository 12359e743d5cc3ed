// A real API server as a cluster of the benchmark: watches of our own tell when pods and Secrets are seen.
import { readFile } from 'node:fs/promises';
import { Agent, get, type RequestOptions, request } from 'node:https';
import { createInterface } from 'node:readline';
import { KubeConfig, KubernetesObjectApi } from '@kubernetes/client-node';
import { type Access, type Cluster, pause, until } from './cluster.ts';
import { installation } from './embedded-cluster.ts';
import { manifestOf, type Pod, statusOf } from './pod-fixtures.ts';

const METADATA = 'application/json;as=PartialObjectMetadata;g=meta.k8s.io;v=v1,application/json';
const IN_FLIGHT = 32;

/** Installs JASM's ServiceAccount, rights and guard, which must not be there yet. */
export async function connectRealCluster(kubeconfig: string): Promise<Cluster> {
	const config = new KubeConfig();
	config.loadFromFile(kubeconfig);
	const api = await Api.connect(config);
	const { body: version } = await api.must('GET', '/version');
	const uninstall = await install(config, api);
	try {
		return await clusterOf(api, `kube-apiserver ${version['gitVersion']}`, uninstall);
	} catch (error) {
		await uninstall();
		throw error;
	}
}

async function install(config: KubeConfig, api: Api): Promise<() => Promise<void>> {
	if (await isInstalled(api)) {
		throw new Error(
			'there is a namespace "jasm" on this cluster: the benchmark does not touch an installation',
		);
	}

	const objects = KubernetesObjectApi.makeApiClient(config);
	// Nothing is to run there: the measured process runs here.
	const manifests = (await installation()).filter(({ kind }) => kind !== 'Deployment') as never[];
	const uninstall = async () => {
		for (const manifest of manifests.toReversed()) {
			await objects.delete(manifest).catch(() => {});
		}

		await until('the end of namespace jasm', async () => !(await isInstalled(api)));
	};
	try {
		for (const manifest of manifests) {
			await objects.create(manifest);
		}
	} catch (error) {
		await uninstall();
		throw error;
	}

	// An admission policy is in force only moments after it is there.
	await pause(5_000);
	return uninstall;
}

const isInstalled = async (api: Api): Promise<boolean> =>
	(await api.call('GET', '/api/v1/namespaces/jasm')).status !== 404;

async function clusterOf(api: Api, title: string, uninstall: () => Promise<void>): Promise<Cluster> {
	const podAt = new Map<string, number>();
	const secretAt = new Map<string, number>();
	await Promise.all([api.watch('/api/v1/pods', podAt), api.watch('/api/v1/secrets', secretAt)]);
	const namespaces = new Set<string>();
	let rounds = 0;
	const prepare = async (pods: readonly Pod[]) => {
		const missing = new Set(pods.map(({ namespace }) => namespace).filter(name => !namespaces.has(name)));
		await inTurns([...missing], async name => {
			namespaces.add(name);
			await api.call('POST', '/api/v1/namespaces', { metadata: { name } });
			// A pod is refused until its namespace has a ServiceAccount.
			const serviceAccount = `/api/v1/namespaces/${name}/serviceaccounts/default`;
			await until(serviceAccount, async () => (await api.call('GET', serviceAccount)).status === 200);
		});
	};
	return {
		title,
		access: await api.access(),
		podAt,
		secretAt,
		prepare,
		async addPods(pods) {
			await prepare(pods);
			await inTurns(pods, pod => api.must('POST', podsOf(pod), manifestOf(pod)));
			await until('the events of pods', () =>
				pods.every(({ namespace, name }) => podAt.has(`${namespace}/${name}`)),
			);
		},
		async touchPods(pods) {
			const status = statusOf(rounds++);
			await inTurns(pods, pod =>
				api.must('PATCH', `${podsOf(pod)}/${pod.name}/status?fieldManager=kubelet`, { status }),
			);
		},
		async removePods(pods) {
			const from = new Set(pods.map(pod => podsOf(pod)));
			await inTurns([...from], path => api.must('DELETE', `${path}?gracePeriodSeconds=0`));
			for (const { namespace, name, secretName } of pods) {
				podAt.delete(`${namespace}/${name}`);
				secretAt.delete(`${namespace}/${secretName}`);
			}
		},
		async valueOf(namespace, secretName, key) {
			const { body } = await api.call('GET', `/api/v1/namespaces/${namespace}/secrets/${secretName}`);
			const text = (body['data'] as Readonly<Record<string, string>> | undefined)?.[key];
			return text === undefined ? undefined : Buffer.from(text, 'base64');
		},
		warmUp: async () => {},
		eventsPerRound: 1_000,
		async close() {
			await inTurns([...namespaces], name => api.call('DELETE', `/api/v1/namespaces/${name}`));
			await uninstall();
			api.close();
		},
	};
}

const podsOf = ({ namespace }: Pod): string => `/api/v1/namespaces/${namespace}/pods`;

/** Runs `work` on every item, so many at a time. */
async function inTurns<T>(items: readonly T[], work: (item: T) => Promise<unknown>): Promise<void> {
	const left = items.values();
	await Promise.all(
		Array.from({ length: IN_FLIGHT }, async () => {
			for (const item of left) {
				await work(item);
			}
		}),
	);
}

type Answer = { readonly status: number; readonly body: Record<string, unknown> };

/** The administrator's calls, on connections that stay open. */
class Api {
	readonly #options: RequestOptions;
	readonly #server: URL;
	readonly #agent = new Agent({ keepAlive: true, maxSockets: IN_FLIGHT });
	#closed = false;

	private constructor(server: URL, options: RequestOptions) {
		this.#server = server;
		this.#options = options;
	}

	static async connect(config: KubeConfig): Promise<Api> {
		const options: RequestOptions = {};
		await config.applyToHTTPSOptions(options);
		return new Api(new URL(config.getCurrentCluster()!.server), options);
	}

	call(method: string, path: string, content?: object): Promise<Answer> {
		const type = method === 'PATCH' ? 'application/merge-patch+json' : 'application/json';
		const headers = { ...this.#options.headers, accept: 'application/json', 'content-type': type };
		return new Promise((resolve, reject) => {
			request(
				new URL(path, this.#server),
				{ ...this.#options, method, headers, agent: this.#agent },
				async response => {
					let text = '';
					for await (const chunk of response.setEncoding('utf8')) {
						text += chunk;
					}

					resolve({ status: response.statusCode ?? 0, body: JSON.parse(text) });
				},
			)
				.once('error', reject)
				.end(content && JSON.stringify(content));
		});
	}

	async must(method: string, path: string, content?: object): Promise<Answer> {
		const answer = await this.call(method, path, content);
		if (answer.status >= 300) {
			throw new Error(`${method} ${path}: ${answer.status} ${JSON.stringify(answer.body).slice(0, 500)}`);
		}

		return answer;
	}

	/** Notes when objects appear, from now on. */
	async watch(path: string, moments: Map<string, number>): Promise<void> {
		const { body } = await this.must('GET', `${path}?limit=1`);
		const { resourceVersion } = body['metadata'] as { resourceVersion: string };
		await this.#follow(path, resourceVersion, moments);
	}

	/** A server ends the watch of a client that reads too slowly; the watch goes on where it ended. */
	async #follow(path: string, from: string, moments: Map<string, number>): Promise<void> {
		const url = new URL(`${path}?watch=1&timeoutSeconds=7200&resourceVersion=${from}`, this.#server);
		const headers = { ...this.#options.headers, accept: METADATA };
		const response = await new Promise<import('node:http').IncomingMessage>((resolve, reject) => {
			get(url, { ...this.#options, headers, agent: false }, resolve).once('error', reject);
		});
		let last = from;
		createInterface({ input: response.on('error', () => {}) })
			.on('line', line => {
				last = /"resourceVersion":"(\d+)"/.exec(line)?.[1] ?? last;
				if (line.startsWith('{"type":"ADDED"')) {
					const at = performance.now();
					const { namespace, name } = JSON.parse(line).object.metadata;
					moments.set(`${namespace}/${name}`, at);
				}
			})
			.once('close', () => {
				if (!this.#closed) {
					this.#follow(path, last, moments).catch(() => {});
				}
			});
	}

	async access(): Promise<Access> {
		const path = '/api/v1/namespaces/jasm/serviceaccounts/jasm/token';
		const { body } = await this.must('POST', path, { spec: { expirationSeconds: 7_200 } });
		const { ca } = this.#options;
		return {
			host: this.#server.hostname,
			port: Number(this.#server.port || 443),
			ca: String(ca ?? (await readFile('/etc/ssl/certs/ca-certificates.crt', 'utf8'))),
			token: (body['status'] as { token: string }).token,
		};
	}

	close(): void {
		this.#closed = true;
		this.#agent.destroy();
	}
}
