// The one cluster that a run may touch: minikube's, started in the workspace. Never a default context.
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import * as k8s from '@kubernetes/client-node';
import { onEnd } from './cleanup.ts';
import { must, type Result, run } from './processes.ts';
import { type Environment, PATHS } from './workspace.ts';

/** Name of minikube's profile, of its context and of its node. */
export const MINIKUBE = 'minikube';

export class Cluster {
	readonly #env: Environment;
	readonly profile: string;
	#config: k8s.KubeConfig | undefined;

	/** The one kubeconfig file that commands and clients of this cluster use. */
	readonly kubeconfig: string;

	constructor({ env, profile = MINIKUBE }: { env: Environment; profile?: string }) {
		this.profile = profile;
		// A file each, so that starting one cluster does not change what another one's commands see.
		this.kubeconfig = profile === MINIKUBE ? PATHS.kubeconfig : join(PATHS.minikube, `${profile}.kubeconfig`);
		this.#env = { ...env, KUBECONFIG: this.kubeconfig };
		onEnd(`cluster ${profile}`, () => this.delete());
	}

	/** Starts it with the given flags of `minikube start`, or brings back what of it is down. */
	async start(...flags: string[]): Promise<void> {
		await this.minikube('start', ...flags);
	}

	async delete(): Promise<void> {
		if (existsSync(PATHS.minikube)) await this.minikube('delete');
	}

	/** Runs a verb of minikube on this profile; it must succeed. */
	minikube(verb: string, ...args: string[]): Promise<string> {
		const options = { env: this.#env, log: 'minikube', timeoutMs: 600_000 };
		return must('minikube', ['-p', this.profile, ...verb.split(' '), ...args], options);
	}

	/** What `minikube status` says of a component. */
	async running(component: 'APIServer' | 'Kubelet' | 'Host'): Promise<boolean> {
		const { stdout } = await run('minikube', ['-p', this.profile, 'status', '-o', 'json'], {
			env: this.#env,
		});
		try {
			const state = [JSON.parse(stdout)].flat()[0] as Record<string, string>;
			return state[component] === 'Running';
		} catch {
			return false;
		}
	}

	/** Runs kubectl on this cluster, whatever its outcome. */
	kubectl(args: readonly string[], input?: string): Promise<Result> {
		const target = ['--kubeconfig', this.kubeconfig, '--context', this.profile];
		return run('kubectl', [...target, ...args], {
			env: this.#env,
			...(input === undefined ? {} : { input }),
		});
	}

	/** Creates or updates objects, as their file's owner does. */
	async apply(...items: object[]): Promise<void> {
		const list = JSON.stringify({ apiVersion: 'v1', kind: 'List', items });
		const { code, stderr } = await this.kubectl(['apply', '-f', '-'], list);
		if (code !== 0) throw new Error(`applying ${items.length} objects: ${stderr}`);
	}

	/** A token of a ServiceAccount for ten minutes; without an audience, for the API server. */
	async token(namespace: string, name: string, audience?: string): Promise<string> {
		const audiences = audience === undefined ? [] : [audience];
		const { status } = await this.core.createNamespacedServiceAccountToken({
			...{ namespace, name },
			body: { spec: { audiences, expirationSeconds: 600 } },
		});
		return status?.token ?? '';
	}

	/** Configuration of clients: the workspace's file, this context, an address that minikube itself gave. */
	get config(): k8s.KubeConfig {
		if (this.#config === undefined) {
			const config = new k8s.KubeConfig();
			config.loadFromFile(this.kubeconfig);
			config.setCurrentContext(this.profile);
			if (config.getCurrentCluster() === null) {
				throw new Error(`${this.kubeconfig} has no context "${this.profile}"; no other one is ever touched`);
			}
			this.#config = config;
		}
		return this.#config;
	}

	client<T extends k8s.ApiType>(api: k8s.ApiConstructor<T>): T {
		return this.config.makeApiClient(api);
	}

	get core(): k8s.CoreV1Api {
		return this.client(k8s.CoreV1Api);
	}

	get apps(): k8s.AppsV1Api {
		return this.client(k8s.AppsV1Api);
	}
}
