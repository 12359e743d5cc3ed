// A stage whose Key Vault tells of changes: an embedded Service Bus queue gets its events, and controllers receive them.
import { readFileSync, writeFileSync } from 'node:fs';
import type { KeyVault, NewVersionEvent } from '../../../testing/azure/key-vault.ts';
import { type ServiceBus, startServiceBus } from '../../../testing/azure/service-bus.ts';
import { prepareKeyVault } from '../servers/azure.ts';
import { clockOf, emptied } from './change-environment.ts';
import type { Teardown } from './file-teardown.ts';
import { annotation, startEnvironment, type TestEnvironment } from './test-environment.ts';

export const BUS_QUEUE = 'jasm';
export const BUS_DEAD_LETTERS = 'jasm/$deadletterqueue';
export const BUS_SOURCE = { source: 'service-bus/jasm' };

export type BusEnvironmentOptions = {
	readonly virtualTime?: boolean;
	/** Of the lock on a message. Default: 300. */
	readonly lockSeconds?: number;
	/** Where the addresses of locks lead; its certificate is trusted. Default: to the server. */
	readonly locksAt?: Pick<ServiceBus, 'url' | 'ca'>;
	/** What reaches the queue of an event; nothing where it is undefined. Default: the event. */
	readonly delivered?: (event: NewVersionEvent) => string | object | undefined;
};

export type BusEnvironment = {
	readonly environment: TestEnvironment;
	readonly keyVault: KeyVault;
	readonly bus: ServiceBus;
	/** What every controller of this stage starts with. */
	readonly config: object;
	/** The number of reads of a secret's value. */
	reads(name: string): number;
	/** Resolves when no message is in the queue. */
	emptied(): Promise<void>;
	/** A namespace whose pod `web` has the Secret `db` from `prod-db`, written and quiet. */
	settled(): Promise<string>;
};

export async function startBusEnvironment(
	t: Teardown,
	{ virtualTime = false, lockSeconds = 300, locksAt, delivered = event => event }: BusEnvironmentOptions = {},
): Promise<BusEnvironment> {
	let environment: TestEnvironment | undefined;
	const ground = await prepareKeyVault({
		...(virtualTime && { now: () => environment?.clock.now() ?? Date.now() }),
		onNewVersion(event) {
			const body = delivered(event);
			if (body !== undefined) {
				bus.send(BUS_QUEUE, body);
			}
		},
	});
	const keyVault = ground.server;
	const bus = await startServiceBus({
		accepts: (token, resource) => keyVault.accepts(token, resource),
		...(locksAt && { lockUrl: locksAt.url }),
		...(virtualTime && { clock: clockOf(() => environment!) }),
	});
	// Before the stage, whose controllers receive until it closes.
	t.teardown(() => Promise.all([bus.close(), ground.close()]));
	writeFileSync(
		ground.config.caFile,
		readFileSync(ground.config.caFile, 'utf8') + bus.ca + (locksAt?.ca ?? ''),
	);
	const queueUrl = bus.create(BUS_QUEUE, { lockSeconds, maxDeliveries: 20 });
	const stage = await startEnvironment(t, {
		virtualTime,
		furtherProgress: () => bus.calls.length + keyVault.calls.length,
	});
	environment = stage;
	const namespaces = [`*-${stage.cluster.id}`];
	return {
		environment,
		keyVault,
		bus,
		config: {
			providers: { keyvault: { ...ground.config, timeoutMs: 60_000 } },
			policy: [{ namespaces, provider: 'keyvault', paths: ['prod-*'] }],
			changes: { sources: [{ kind: 'service-bus', queueUrl, providers: ['keyvault'] }] },
		},
		reads: name => keyVault.count('GetSecret', name),
		emptied: () => emptied(stage, bus, BUS_QUEUE, virtualTime),
		async settled() {
			const team = await stage.namespace('team');
			keyVault.put('prod-db', { password: 'first' });
			await stage.pod(team, 'web', annotation({ provider: 'keyvault', path: 'prod-db' }));
			await stage.event(team, 'web', 'SecretSyncSuccess');
			await emptied(stage, bus, BUS_QUEUE, virtualTime);
			if (virtualTime) {
				await stage.clock.advance(10_000);
			}

			return team;
		},
	};
}
