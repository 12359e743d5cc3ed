// An embedded API server with a client that speaks its wire, as the tests of its faults and switches use it.
import type { ExecutionContext } from 'ava';
import { ContractClient, type WatchStream } from '../../../testing/contract/client.ts';
import { type ApiServer, type ApiServerOptions, startApiServer } from '../../../testing/index.ts';

export const SECRETS = '/api/v1/namespaces/default/secrets';

/** Starts both; they end with the test. */
export const startServer = async (
	t: ExecutionContext,
	options: ApiServerOptions = {},
): Promise<{ server: ApiServer; client: ContractClient }> => {
	const server = await startApiServer(options);
	const client = new ContractClient(server.kubeconfig());
	t.teardown(async () => {
		client.close();
		await server.close();
	});
	return { server, client };
};

/** Creates an empty Secret in the namespace `default`. */
export const addSecret = (server: ApiServer, name: string): unknown =>
	server.create({ kind: 'Secret', metadata: { name, namespace: 'default' } });

/** Watches the Secrets of `default` for changes from now on. */
export const watchFromNow = (server: ApiServer, client: ContractClient, query = ''): Promise<WatchStream> =>
	client.watch(SECRETS, `resourceVersion=${server.resourceVersion}${query}`);
