// Everything that comes out of controllers on a stage, as text by where it comes out.
import { inspect } from 'node:util';
import type { ExecutionContext } from 'ava';
import type { Replica } from '../environment/replica.ts';
import type { TestEnvironment } from '../environment/test-environment.ts';
import type { Outlets } from './values.ts';

/** What only a running controller tells: probes and metrics. */
export async function endpointsOf(replica: Replica): Promise<Outlets> {
	const probes = await Promise.all(
		(['/livez', '/healthz', '/readyz'] as const).map(path => replica.probe(path)),
	);
	return { probes: JSON.stringify(probes), metrics: await replica.metrics() };
}

/** The log, and what the API server and the provider were told outside of the Secrets' data. */
export function tracesOf(environment: TestEnvironment, replicas: readonly Replica[]): Outlets {
	const { api, secretsManager } = environment;
	const secrets = api.list('Secret').map(({ data, ...rest }) => rest);
	const others = ['Pod', 'Lease', 'Namespace', 'ServiceAccount', 'ConfigMap'].flatMap(kind => api.list(kind));
	return {
		log: replicas.flatMap(({ log }) => log.text).join('\n'),
		events: JSON.stringify(api.list('Event')),
		objects: JSON.stringify([secrets, others]),
		requests: JSON.stringify(api.requests.all.map(({ path, query, userAgent }) => [path, query, userAgent])),
		calls: JSON.stringify(secretsManager.calls),
	};
}

/** Every way to look at what an embedding program gets hold of. */
export const seenBy = (things: readonly unknown[]): string =>
	things
		.flatMap(thing => [
			inspect(thing, { depth: Number.POSITIVE_INFINITY, showHidden: true, maxStringLength: null }),
			JSON.stringify(thing),
			String(thing),
			String((thing as Partial<Error> | undefined)?.stack),
		])
		.join('\n');

/** What this process itself says from now until the test ends; with `swallow` it goes nowhere else. */
export function listenToProcess(t: ExecutionContext, { swallow = false } = {}): () => Outlets {
	const warnings: unknown[] = [];
	const onWarning = (warning: Error) => void warnings.push(warning);
	process.on('warning', onWarning);
	t.teardown(() => process.off('warning', onWarning));
	const written = { stdout: '', stderr: '' };
	for (const name of ['stdout', 'stderr'] as const) {
		const stream = process[name];
		const { write } = stream;
		stream.write = ((chunk: string | Uint8Array, ...rest: never[]) => {
			written[name] += Buffer.from(chunk as string).toString();
			return swallow || write.call(stream, chunk, ...rest);
		}) as typeof write;
		t.teardown(() => {
			stream.write = write;
		});
	}

	return () => ({ warnings: seenBy(warnings), ...written });
}
