// The controller's side of the wire, put together against an embedded API server.
import type { ExecutionContext } from 'ava';
import type { ClusterConfig } from '../../../src/kubernetes/auth/cluster-config.ts';
import type { Credentials } from '../../../src/kubernetes/auth/credentials.ts';
import { createKubernetesClient } from '../../../src/kubernetes/client.ts';
import { ConnectionPool } from '../../../src/kubernetes/http/connection-pool.ts';
import { createRest, type RequestFacts, type Rest } from '../../../src/kubernetes/http/rest.ts';
import { type Clock, systemClock } from '../../../src/runtime/clock.ts';
import { withErrorCodes } from '../../../src/sync/kubernetes-errors.ts';
import { type ApiServer, type ApiServerOptions, startApiServer } from '../../../testing/index.ts';
import { FixedCredentials } from '../servers/raw-server.ts';

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

/**
 * Pool, unary requests and client of one replica. `raw` is the client as it is, `client` the one with the product's
 * error codes; `facts` is what a metric would see.
 */
export function wired(t: ExecutionContext, server: ApiServer, options: WiredOptions = {}) {
	const { clock = hasty, cluster = clusterOf(server) } = options;
	const pool = new ConnectionPool({ cluster, clock, random: () => 0.5 });
	t.teardown(() => pool.close());
	const facts: RequestFacts[] = [];
	let pending = 0;
	const inner = createRest({
		pool,
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
	const raw = createKubernetesClient({ rest, clock, fieldManager: 'jasm' });
	/** Requests without a response. */
	const inFlight = () => pending;
	return { pool, rest, facts, raw, client: withErrorCodes(raw), cluster, inFlight };
}
