// The controller's side of the wire, put together against an embedded API server.
import type { ExecutionContext } from 'ava';
import { createKubernetesClient } from '../../src/kubernetes/client.ts';
import type { ClusterConfig } from '../../src/kubernetes/config.ts';
import type { Credentials } from '../../src/kubernetes/credentials.ts';
import { createRest, type RequestFacts, type Rest } from '../../src/kubernetes/rest.ts';
import { Session } from '../../src/kubernetes/session.ts';
import { type Clock, systemClock } from '../../src/runtime/clock.ts';
import { type ApiServer, type ApiServerOptions, startApiServer } from '../../testing/index.ts';
import { FixedCredentials } from './raw-server.ts';

/** Timers as they are, but every wait between two tries is a hundredth. */
export const hasty: Clock = { ...systemClock, sleep: (ms, signal) => systemClock.sleep(ms / 100, signal) };

/** Stops with the test. */
export async function apiServer(t: ExecutionContext, options: ApiServerOptions = {}): Promise<ApiServer> {
	const server = await startApiServer(options);
	t.teardown(() => server.close());
	return server;
}

export function clusterOf(server: ApiServer, credentials?: Credentials): ClusterConfig {
	return {
		host: '127.0.0.1',
		port: Number(new URL(server.url).port),
		basePath: '',
		credentials: credentials ?? new FixedCredentials({ ca: server.ca, token: server.adminToken }),
	};
}

type WiredOptions = { readonly clock?: Clock; readonly cluster?: ClusterConfig };

/** Session, unary requests and client of one replica; `facts` is what a metric would see. */
export function wired(t: ExecutionContext, server: ApiServer, options: WiredOptions = {}) {
	const { clock = hasty, cluster = clusterOf(server) } = options;
	const session = new Session({ cluster, clock, random: () => 0.5 });
	t.teardown(() => session.close());
	const facts: RequestFacts[] = [];
	let pending = 0;
	const inner = createRest({
		session,
		cluster,
		clock,
		random: () => 0.5,
		userAgent: 'jasm/0.0.0',
		onRequest: fact => facts.push(fact),
	});
	const rest: Rest = {
		request(request) {
			pending++;
			return inner.request(request).finally(() => pending--);
		},
	};
	const client = createKubernetesClient({ rest, clock });
	/** Requests that have not been answered yet. */
	const inFlight = () => pending;
	return { session, rest, facts, client, cluster, inFlight };
}
