// The simulated API server keeps the promises of a real one that a life depends on.
import test from 'ava';
import { VirtualClock } from '../helpers/clocks/virtual-clock.ts';
import { Random } from './random.ts';
import { SimulatedCluster } from './simulated-cluster.ts';
import { SimulatedTransport } from './streams.ts';

type List = {
	readonly metadata: { readonly resourceVersion: string; readonly continue?: string };
	readonly items: readonly { readonly metadata: { readonly name: string } }[];
};

test('a list in pages shows the moment of its first page, whatever changes before its last', async t => {
	for (let seed = 1; seed <= 20; seed++) {
		const [clock, random] = [new VirtualClock(), new Random(seed)];
		const cluster = new SimulatedCluster(clock);
		const transport = new SimulatedTransport({
			cluster,
			clock,
			random,
			hasWatchList: false,
			faults: () => 0,
		});
		const page = async (token?: string): Promise<List> => {
			const chunks: Buffer[] = [];
			const { promise, resolve } = Promise.withResolvers<void>();
			transport.open(
				{ path: `/api/v1/pods?limit=5${token === undefined ? '' : `&continue=${token}`}`, accept: '' },
				{ onHeaders() {}, onChunk: chunk => void chunks.push(Buffer.from(chunk)), onEnd: () => resolve() },
				new AbortController().signal,
			);
			await clock.advance(1_000);
			await promise;
			return JSON.parse(Buffer.concat(chunks).toString());
		};
		const names = Array.from({ length: 8 }, (_, index) => `pod-${index}`);
		for (const name of names) {
			cluster.create('pods', { name, namespace: 'team-a' });
		}

		const { version } = cluster;
		const listed: string[] = [];
		let token: string | undefined;
		do {
			const { metadata, items } = await page(token);
			t.is(metadata.resourceVersion, String(version));
			listed.push(...items.map(item => item.metadata.name));
			token = metadata.continue;
			// The first pod goes and another one comes: neither shifts the pages that follow.
			const [first] = cluster.livePods;
			cluster.remove('pods', first!);
			cluster.create('pods', { name: `late-${listed.length}`, namespace: 'team-a' });
		} while (token !== undefined);
		t.deepEqual(listed, names);
	}
});
