// What a person with kubectl would do and see, through a client that others wrote.
import { CoreV1Api, KubeConfig } from '@kubernetes/client-node';

export type SeenEvent = {
	readonly type: string;
	readonly reason: string;
	readonly pod: string;
	readonly note: string;
};

export class Person {
	readonly #api: CoreV1Api;

	constructor(kubeconfigPath: string) {
		const config = new KubeConfig();
		config.loadFromFile(kubeconfigPath);
		this.#api = config.makeApiClient(CoreV1Api);
	}

	async createNamespace(name: string): Promise<void> {
		await this.#api.createNamespace({ body: { metadata: { name } } });
	}

	async createPod(namespace: string, name: string, annotation: string): Promise<void> {
		await this.#api.createNamespacedPod({
			namespace,
			body: {
				metadata: { name, annotations: { 'jasm.codnod.io/secret-sync': annotation } },
				spec: { containers: [{ name: 'app', image: 'example/app' }] },
			},
		});
	}

	/** A Secret of somebody else. */
	async createForeignSecret(namespace: string, name: string): Promise<void> {
		await this.#api.createNamespacedSecret({
			namespace,
			body: { metadata: { name }, stringData: { owner: 'somebody else' } },
		});
	}

	/** Names of the keys, sorted; undefined where there is no such Secret. */
	async keysOf(namespace: string, name: string): Promise<readonly string[] | undefined> {
		const { items } = await this.#api.listNamespacedSecret({
			namespace,
			fieldSelector: `metadata.name=${name}`,
		});
		return items[0] && Object.keys(items[0].data ?? {}).sort();
	}

	async eventsOf(namespace: string): Promise<readonly SeenEvent[]> {
		const { items } = await this.#api.listNamespacedEvent({ namespace });
		return items.map(({ type = '', reason = '', involvedObject, message = '' }) => ({
			type,
			reason,
			pod: involvedObject.name ?? '',
			note: message,
		}));
	}
}
