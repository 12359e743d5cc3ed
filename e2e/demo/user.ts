// What a person with kubectl would do and see, through a client that others wrote.
import { AppsV1Api, CoreV1Api, KubeConfig, type V1PodSpec } from '@kubernetes/client-node';

export type SeenEvent = {
	readonly type: string;
	readonly reason: string;
	readonly pod: string;
	readonly note: string;
};

const ANNOTATION = 'jasm.codnod.io/secret-sync';
const START = 'jasm.codnod.io/start';

const podSpec = (secrets: readonly string[]): V1PodSpec => ({
	containers: [
		{ name: 'app', image: 'example/app', envFrom: secrets.map(name => ({ secretRef: { name } })) },
	],
});

export class User {
	readonly #api: CoreV1Api;
	readonly #apps: AppsV1Api;

	constructor(kubeconfigPath: string) {
		const config = new KubeConfig();
		config.loadFromFile(kubeconfigPath);
		this.#api = config.makeApiClient(CoreV1Api);
		this.#apps = config.makeApiClient(AppsV1Api);
	}

	async createNamespace(name: string): Promise<void> {
		await this.#api.createNamespace({ body: { metadata: { name } } });
	}

	/** A pod whose container takes its environment from these Secrets. */
	async createPod(
		namespace: string,
		name: string,
		annotation: string,
		secrets: readonly string[],
		start?: string,
	): Promise<void> {
		const annotations = { [ANNOTATION]: annotation, ...(start !== undefined && { [START]: start }) };
		await this.#api.createNamespacedPod({
			namespace,
			body: { metadata: { name, annotations }, spec: podSpec(secrets) },
		});
	}

	async createDeployment(
		namespace: string,
		name: string,
		{
			annotation,
			secret,
			replicas,
			start,
		}: { annotation: string; secret: string; replicas: number; start?: string },
	): Promise<void> {
		const labels = { app: name };
		const annotations = { [ANNOTATION]: annotation, ...(start !== undefined && { [START]: start }) };
		const metadata = { labels, annotations };
		await this.#apps.createNamespacedDeployment({
			namespace,
			body: {
				metadata: { name },
				spec: {
					replicas,
					selector: { matchLabels: labels },
					template: { metadata, spec: podSpec([secret]) },
				},
			},
		});
	}

	/** How often the pod template of the Deployment was another one: 1 without a change. */
	async revisionOf(namespace: string, name: string): Promise<string | undefined> {
		const { metadata } = await this.#apps.readNamespacedDeployment({ namespace, name });
		return String(metadata?.generation);
	}

	/** A Secret that JASM did not write. */
	async createForeignSecret(namespace: string, name: string): Promise<void> {
		await this.#api.createNamespacedSecret({
			namespace,
			body: { metadata: { name }, stringData: { owner: 'another team' } },
		});
	}

	/** Names of the keys, sorted; undefined if there is no such Secret. */
	async keysOf(namespace: string, name: string): Promise<readonly string[] | undefined> {
		const { items } = await this.#api.listNamespacedSecret({
			namespace,
			fieldSelector: `metadata.name=${name}`,
		});
		return items[0] && Object.keys(items[0].data ?? {}).sort();
	}

	/** The Events that JASM reported. */
	async eventsOf(namespace: string): Promise<readonly SeenEvent[]> {
		const { items } = await this.#api.listNamespacedEvent({ namespace });
		const own = items.filter(({ reportingComponent }) => reportingComponent === 'jasm');
		return own.map(({ type = '', reason = '', involvedObject, message = '' }) => ({
			type,
			reason,
			pod: involvedObject.name ?? '',
			note: message,
		}));
	}
}
