// What goes wrong during a long run, one after the other: at the API server, at its watches, and at the stores.
import { type ApiServer, answers } from '../../testing/index.ts';
import type { Stores } from '../stores/stores.ts';
import { STORE_FAULTS } from '../stores/stores-process.ts';
import { STORES } from '../stores/values.ts';

type Fault = () => void | Promise<void>;

/** Each fault is over after seconds by itself. The list begins again at its end. */
export function* faultsOf(server: ApiServer, stores: Stores): Generator<Fault, never> {
	const secrets = { resource: 'secrets' };
	const ofServer: readonly Fault[] = [
		() => server.faults.endWatches(),
		() => void server.faults.inject(secrets, { answer: answers.tooManyRequests(1) }, 5),
		() => server.faults.dropConnections(),
		() => void server.faults.inject(secrets, { answer: answers.internalError }, 5),
		() => server.faults.goAway(),
		() => void server.faults.inject(secrets, { drop: 'after' }, 5),
		() => server.faults.failWatches(answers.expired),
		() => void server.faults.inject({ resource: 'events' }, { answer: answers.unavailable }, 20),
		() => server.faults.cutWatches(100),
		() => void server.faults.inject(secrets, { delayMs: 1_000 }, 20),
	];
	const ofStores = STORES.flatMap(store =>
		STORE_FAULTS.map(
			(fault): Fault =>
				() =>
					stores.fail({ store, fault, times: 5 }),
		),
	);
	for (let index = 0; ; index++) {
		yield ofServer[index % ofServer.length]!;
		yield ofStores[index % ofStores.length]!;
	}
}
