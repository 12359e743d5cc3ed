// The embedded API server as tests, the demo and the benchmark hold it.

import { defaultGuard, Guard } from './auth/guard.ts';
import { kubeconfigText } from './auth/kubeconfig.ts';
import { Authorizer } from './auth/rbac.ts';
import { serverAudience, Tokens } from './auth/tokens.ts';
import { Dispatcher } from './dispatcher.ts';
import { kindNamed } from './objects/kinds.ts';
import type { KubeObject } from './objects/object.ts';
import type { ApiServerOptions } from './options.ts';
import { Remover } from './storage/remover.ts';
import { seedObjects } from './storage/seed.ts';
import { Storage, type StoreEvent } from './storage/storage.ts';
import { Watches } from './storage/watch.ts';
import { type WriteRequest, Writer } from './storage/writer.ts';
import { Connections } from './wire/connections.ts';
import { Exchange } from './wire/exchange.ts';
import { Faults } from './wire/faults.ts';
import { requestInfo } from './wire/request-info.ts';
import { type LoggedRequest, RequestLog } from './wire/request-log.ts';

/** Where an object lives: `namespace` is `''` for cluster-scoped kinds. */
type Place = { readonly kind: string; readonly namespace: string; readonly name: string };

/**
 * A Kubernetes API on loopback. The methods below act as the cluster's administrator, in process and at once; they
 * throw what the API would answer as a `StatusError`. Kinds are named `Secret`, `secret` or `secrets`.
 */
export class ApiServer {
	/** The time of tokens and timestamps. */
	readonly now: () => Date;
	readonly faults: Faults;
	readonly requests: RequestLog;
	readonly #storage: Storage;
	readonly #tokens: Tokens;
	readonly #guard: Guard;
	readonly #writer: Writer;
	readonly #remover: Remover;
	readonly #watches: Watches;
	readonly #connections: Connections;

	/** Use `startApiServer`. */
	constructor(options: ApiServerOptions) {
		const now = options.now ?? (() => new Date());
		this.now = now;
		this.#storage = new Storage({ historySize: options.historySize ?? 20_000 });
		this.#tokens = new Tokens(this.#storage, now);
		this.#guard = new Guard(this.#storage, { ...defaultGuard, ...options.guard });
		this.#writer = new Writer(this.#storage, this.#guard, now);
		this.#remover = new Remover(this.#storage, now);
		this.#watches = new Watches(this.#storage, options.bookmarkIntervalMs ?? 60_000);
		this.requests = new RequestLog(options.logSize ?? 20_000);
		this.#connections = new Connections(
			(request, response) => {
				const info = requestInfo(request.method ?? 'GET', request.url ?? '/');
				const { authorization, accept = '', 'content-type': contentType = '' } = request.headers;
				const entry: LoggedRequest = {
					...info,
					query: Object.fromEntries(info.query),
					user: this.#tokens.authenticate(authorization)?.username ?? '',
					protocol: request.httpVersion === '2.0' ? '2.0' : '1.1',
					connection: this.#connections.numberOf(request),
					accept,
					contentType,
					userAgent: request.headers['user-agent'] ?? '',
					receivedAt: performance.now(),
					closed: false,
				};
				const exchange = new Exchange(request, response, { info, entry, log: this.requests });
				this.requests.add(entry);
				void dispatcher.handle(exchange);
			},
			{ port: options.port ?? 0, now },
		);
		this.faults = new Faults(
			{
				openWatches: () => this.#watches.open,
				resetConnections: () => this.#connections.reset(),
				goAway: () => this.#connections.goAway(),
				stopListening: () => this.#connections.stop(),
				startListening: () => this.#connections.start(),
				replaceCertificate: () => this.#connections.replaceCertificate(),
				forgetHistory: () => this.#storage.forget(),
				revokeTokens: token => this.#tokens.revoke(token),
			},
			options.watchList ?? 'on',
		);
		const dispatcher = new Dispatcher({
			storage: this.#storage,
			tokens: this.#tokens,
			authorizer: new Authorizer(this.#storage),
			writer: this.#writer,
			remover: this.#remover,
			watches: this.#watches,
			faults: this.faults,
			address: () => this.#connections.address,
			now,
		});
		// What the controllers of a real cluster give to every namespace.
		this.#storage.subscribe((kind, { type, object }) => {
			if (kind.kind === 'Namespace' && type === 'ADDED') {
				this.create({ kind: 'ServiceAccount', metadata: { name: 'default', namespace: object.name } });
			}
		});
		for (const name of ['default', 'kube-node-lease', 'kube-public', 'kube-system']) {
			this.create({ kind: 'Namespace', metadata: { name } });
		}
	}

	/** For `startApiServer`. */
	async listen(): Promise<this> {
		await this.#connections.start();
		return this;
	}

	/** `https://127.0.0.1:<port>` */
	get url(): string {
		return `https://${this.#connections.address}`;
	}

	/** PEM of the authority that signed the present certificate. */
	get ca(): string {
		return this.#connections.ca;
	}

	/** A token that may do everything (group system:masters). */
	get adminToken(): string {
		return this.#tokens.admin;
	}

	/** TLS connections so far. */
	get connections(): number {
		return this.#connections.count;
	}

	/** The version of the latest change, as lists and bookmarks tell it. */
	get resourceVersion(): string {
		return String(this.#storage.resourceVersion);
	}

	/** Text of a kubeconfig (JSON, hence YAML) for a token; default the administrator's. */
	kubeconfig({
		token = this.adminToken,
		namespace = 'default',
	}: {
		token?: string;
		namespace?: string;
	} = {}): string {
		return kubeconfigText({ url: this.url, ca: this.ca, token, namespace });
	}

	/** A bearer token of a ServiceAccount, which must exist; default 3600 s, for this server. */
	createToken(
		serviceAccount: string,
		namespace: string,
		{
			seconds = 3600,
			audiences = [serverAudience],
		}: { seconds?: number; audiences?: readonly string[] } = {},
	): string {
		const issued = this.#tokens.issue(namespace, serviceAccount, seconds, audiences);
		if (!issued) throw new TypeError(`there is no ServiceAccount ${namespace}/${serviceAccount}`);
		return issued.token;
	}

	/** Enforces (`true`) or ignores (`false`) JASM's admission guard; `undefined`: as the stored policy says. */
	setGuard(on: boolean | undefined): void {
		this.#guard.forced = on;
	}

	#request({ kind, namespace, name }: Place, apiVersion?: string): WriteRequest {
		const found = kindNamed(kind);
		const view = found.views.find(candidate => candidate.apiVersion === apiVersion) ?? found.views[0];
		return {
			kind: found,
			view,
			namespace: found.namespaced ? namespace || 'default' : '',
			name,
			subresource: '',
			user: { username: 'kubernetes-admin', groups: ['system:masters'] },
			manager: 'embedded',
			dryRun: false,
			strict: false,
		};
	}

	#placeOf(object: KubeObject): Place {
		return {
			kind: String(object.kind),
			namespace: object.metadata.namespace ?? '',
			name: object.metadata.name ?? '',
		};
	}

	/** Creates an object; throws a StatusError where the API would refuse it. */
	create(object: KubeObject): KubeObject {
		return this.#writer.create(this.#request(this.#placeOf(object), object.apiVersion), object).object.object;
	}

	/** Creates or replaces objects in their order, as rendered manifests come. */
	apply(manifests: readonly object[]): KubeObject[] {
		return manifests.map(manifest => {
			const object = manifest as KubeObject;
			const place = this.#placeOf(object);
			const current = this.find(place.kind, place.namespace, place.name);
			if (!current) return this.create(object);
			const { resourceVersion = '' } = current.metadata;
			const metadata = { ...object.metadata, resourceVersion };
			return this.#writer.update(this.#request(place, object.apiVersion), { ...object, metadata }).object
				.object;
		});
	}

	/** Changes a stored object, its status included; `change` gets a copy and may edit it in place. */
	update(kind: string, namespace: string, name: string, change: (object: KubeObject) => void): KubeObject {
		const object = this.get(kind, namespace, name);
		change(object);
		const request = this.#request({ kind, namespace, name });
		const written = this.#writer.update(request, object);
		if (!request.kind.status || object['status'] === undefined) return written.object.object;
		const { resourceVersion = '' } = written.object.object.metadata;
		const metadata = { ...object.metadata, resourceVersion };
		return this.#writer.update({ ...request, subresource: 'status' }, { ...object, metadata }).object.object;
	}

	/** Deletes an object, with its finalizers respected. */
	delete(kind: string, namespace: string, name: string): void {
		const request = this.#request({ kind, namespace, name });
		this.#remover.remove({ ...request, group: request.view.group });
	}

	/** A copy of an object, `undefined` where it is not. */
	find(kind: string, namespace: string, name: string): KubeObject | undefined {
		const { kind: found, namespace: home } = this.#request({ kind, namespace, name });
		const stored = this.#storage.get(found, home, name);
		return (
			stored && { ...structuredClone(stored.object), kind: found.kind, apiVersion: found.views[0].apiVersion }
		);
	}

	/** A copy of an object; throws a TypeError where it is not. */
	get(kind: string, namespace: string, name: string): KubeObject {
		const object = this.find(kind, namespace, name);
		if (!object) throw new TypeError(`there is no ${kind} ${namespace}/${name}`);
		return object;
	}

	/** Every object of a kind in name order, of one namespace or of all; shared, not to be changed. */
	list(kind: string, namespace = ''): readonly KubeObject[] {
		return this.#storage
			.list(kindNamed(kind))
			.filter(object => namespace === '' || object.namespace === namespace)
			.map(({ object }) => object);
	}

	/**
	 * Stores many objects cheaply: no validation, no copies, nothing but uid, version and creation time is added
	 * (fields that the objects share stay shared). Missing namespaces are created. Watches see them.
	 */
	seed(kind: string, objects: Iterable<KubeObject>): void {
		seedObjects(this.#storage, kindNamed(kind), objects, name =>
			this.create({ kind: 'Namespace', metadata: { name } }),
		);
	}

	/** Calls back synchronously after every change; returns the function that ends it. */
	onChange(listener: (kind: string, event: StoreEvent) => void): () => void {
		return this.#storage.subscribe((kind, event) => listener(kind.kind, event));
	}

	/** Sends a bookmark on every open watch that allows them, without waiting for the interval. */
	sendBookmarks(): void {
		this.#watches.bookmark();
	}

	/** Resets every connection and stops. */
	async close(): Promise<void> {
		this.#watches.close();
		await this.#connections.stop();
	}
}

/**
 * Starts an embedded API server. It holds the event loop open until `close`.
 *
 * @example
 * ```ts
 * import { startApiServer } from '@jasm/controller/testing';
 *
 * const server = await startApiServer();
 * server.create({ kind: 'Namespace', metadata: { name: 'team-a' } });
 * console.log(server.kubeconfig());
 * await server.close();
 * ```
 */
export const startApiServer = (options: ApiServerOptions = {}): Promise<ApiServer> =>
	new ApiServer(options).listen();
