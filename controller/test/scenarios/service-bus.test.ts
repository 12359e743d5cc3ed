// A secret that changes at Key Vault reaches its Secrets by itself: from the event in Service Bus to the API server.
import test from 'ava';
import { gridEvents, newVersionEvent } from '../../testing/azure/key-vault-event.ts';
import { startServiceBus } from '../../testing/azure/service-bus.ts';
import {
	BUS_DEAD_LETTERS,
	BUS_QUEUE,
	BUS_SOURCE,
	startBusEnvironment,
} from '../helpers/environment/bus-environment.ts';

const NOTICES = 'jasm_change_notices_total';
const outcome = (name: string) => ({ ...BUS_SOURCE, outcome: name });

test('a secret that changes at Key Vault reaches the Secret of a running pod by itself', async t => {
	const { environment, keyVault, bus, config, reads, emptied, settled } = await startBusEnvironment(t);
	const controller = await environment.start({ config });
	const team = await settled();
	const before = reads('prod-db');
	const { version } = keyVault.put('prod-db', { password: 'second-canary' });
	const secret = await environment.secret(team, 'db', ({ data }) => data['password'] === 'second-canary');
	t.is(secret.annotations['jasm.codnod.io/source-version'], version);
	const { note } = await environment.event(team, 'web', 'SecretUpdated');
	t.is(note, `Secret 'db' now holds version ${version}`);
	await emptied();
	t.is(reads('prod-db') - before, 1);
	t.is(bus.messages(BUS_DEAD_LETTERS).length, 0);
	t.true((await controller.metric('jasm_change_lag_seconds_count', BUS_SOURCE)) >= 1);
	t.is(await controller.metric('jasm_change_source_up', BUS_SOURCE), 1);
	const scopes = keyVault.calls.flatMap(({ scope }) => scope ?? []);
	t.true(scopes.includes('https://servicebus.azure.net/.default'));
	t.false(JSON.stringify(controller.log.lines).includes('canary'));
});

test('a message is deleted only after its change was written, and comes again after a crash', async t => {
	const stage = await startBusEnvironment(t, { virtualTime: true });
	const { environment, keyVault, bus, config, emptied, settled } = stage;
	const first = await environment.start({ config });
	const team = await settled();
	const hold = keyVault.inject('hang');
	keyVault.put('prod-db', { password: 'second' });
	await environment.clock.runUntil(() => bus.messages(BUS_QUEUE).some(({ hidden }) => hidden));
	await environment.stop(first);
	hold.stop();
	t.is(bus.messages(BUS_QUEUE).length, 1);
	await environment.start({ config });
	await environment.secret(team, 'db', ({ data }) => data['password'] === 'second');
	await emptied();
	t.is(bus.messages(BUS_DEAD_LETTERS).length, 0);
});

test('both schemas of Event Grid are understood, and the event of a certificate as well', async t => {
	let form: (event: Parameters<typeof gridEvents>[0]) => object = gridEvents;
	const stage = await startBusEnvironment(t, {
		virtualTime: true,
		delivered: event => form(event),
	});
	const { environment, keyVault, bus, config, emptied, settled } = stage;
	const controller = await environment.start({ config });
	const team = await settled();
	for (const [password, next] of [
		['list', gridEvents],
		['object', (event: Parameters<typeof gridEvents>[0]) => gridEvents(event)[0]!],
		['cloud', (event: object) => event],
		['certificate', (event: object) => JSON.parse(JSON.stringify(event).replaceAll('Secret', 'Certificate'))],
	] as const) {
		form = next;
		keyVault.put('PROD-db', { password });
		await emptied();
		t.is(environment.world.secret(team, 'db')!.data['password'], password);
		await environment.clock.advance(10_000);
	}

	const { vaultUrl } = keyVault;
	const known = newVersionEvent({ vaultUrl, name: 'prod-db', version: 'a'.repeat(32), at: Date.now() });
	bus.send(BUS_QUEUE, { ...known, data: { Id: 'https://other.vault.azure.net/secrets/prod-db' } });
	bus.send(BUS_QUEUE, { ...known, type: 'Microsoft.Storage.BlobCreated' });
	bus.send(BUS_QUEUE, '{"specversion": "1.0", "canary":');
	await emptied();
	t.is(await controller.metric(NOTICES, outcome('foreign')), 2);
	t.is(await controller.metric(NOTICES, outcome('malformed')), 1);
	t.false(JSON.stringify(controller.log.lines).includes('canary'));
});

test('a token that Service Bus no longer accepts is replaced, and no notice is lost', async t => {
	const { environment, keyVault, bus, config, settled } = await startBusEnvironment(t, { virtualTime: true });
	await environment.start({ config });
	const team = await settled();
	const signIns = () => keyVault.calls.filter(({ scope }) => scope?.includes('servicebus')).length;
	t.is(signIns(), 1);
	bus.inject('unauthorized', { times: 1 });
	await environment.clock.advance(70_000);
	keyVault.put('prod-db', { password: 'second' });
	await environment.secret(team, 'db', ({ data }) => data['password'] === 'second');
	t.is(signIns(), 2);
});

for (const [name, fault, code] of [
	['that it is forbidden', 'forbidden', 'CHANGE_SOURCE_DENIED'],
	['that it is gone', 'gone', 'CHANGE_SOURCE_DENIED'],
	['that it is throttled', 'throttled', 'CHANGE_SOURCE_UNAVAILABLE'],
	['with an error', 'internal-error', 'CHANGE_SOURCE_UNAVAILABLE'],
	['with the page of a proxy', { html: 200 }, 'CHANGE_SOURCE_UNAVAILABLE'],
	['by ending the connection', 'reset', 'CHANGE_SOURCE_UNAVAILABLE'],
] as const) {
	test(`a queue that answers ${name} is reported once, and new pods are served meanwhile`, async t => {
		const stage = await startBusEnvironment(t, { virtualTime: true });
		const { environment, keyVault, bus, config, settled, emptied } = stage;
		const refusing = bus.inject(fault);
		const controller = await environment.start({ config });
		await environment.clock.advance(600_000);
		t.is(await controller.metric('jasm_change_source_up', BUS_SOURCE), 0);
		const asked = bus.count('Receive');
		t.true(asked >= 8 && asked <= 40, `${asked}`);
		const told = controller.log.lines.filter(
			({ level, message }) => level === 'warn' && message === 'no change notices from this source',
		);
		t.deepEqual(
			told.map(({ error }) => (error as { code: string }).code),
			[code],
		);
		refusing.stop();
		const team = await settled();
		keyVault.put('prod-db', { password: 'second' });
		await environment.secret(team, 'db', ({ data }) => data['password'] === 'second');
		await emptied();
		t.is(await controller.metric('jasm_change_source_up', BUS_SOURCE), 1);
	});
}

test('a message whose answer is too large to read comes again after its lock', async t => {
	const { environment, keyVault, bus, config, settled, emptied } = await startBusEnvironment(t, {
		virtualTime: true,
		lockSeconds: 60,
	});
	const controller = await environment.start({ config });
	const team = await settled();
	const refusing = bus.inject('oversized');
	// The receive that is held already is over by then.
	await environment.clock.advance(70_000);
	keyVault.put('prod-db', { password: 'second' });
	await environment.clock.advance(30_000);
	t.is(bus.messages(BUS_QUEUE)[0]!.receives, 1);
	t.is(environment.world.secret(team, 'db')!.data['password'], 'first');
	refusing.stop();
	await emptied();
	t.is(environment.world.secret(team, 'db')!.data['password'], 'second');
	const codes = controller.log.lines.flatMap(({ error }) => error?.code ?? []);
	t.deepEqual([...new Set(codes)], ['CHANGE_SOURCE_UNAVAILABLE']);
});

test('a lock that is lost brings the message again, which is known then', async t => {
	const { environment, keyVault, bus, config, reads, settled, emptied } = await startBusEnvironment(t, {
		virtualTime: true,
	});
	const controller = await environment.start({ config });
	const team = await settled();
	const known = await controller.metric(NOTICES, outcome('known'));
	bus.inject('lock-lost', { times: 1, when: ({ operation }) => operation === 'Complete' });
	keyVault.put('prod-db', { password: 'second' });
	await environment.secret(team, 'db', ({ data }) => data['password'] === 'second');
	const before = reads('prod-db');
	await emptied();
	t.is(reads('prod-db'), before);
	t.is(await controller.metric(NOTICES, outcome('known')), known + 1);
});

test('the lock of a message is renewed while its change cannot be written yet', async t => {
	const { environment, keyVault, bus, config, settled, emptied } = await startBusEnvironment(t, {
		virtualTime: true,
	});
	await environment.start({ config });
	const team = await settled();
	const outage = keyVault.inject('internal-error');
	keyVault.put('prod-db', { password: 'second' });
	await environment.clock.runUntil(() => bus.count('RenewLock') > 0, { maxMs: 120_000 });
	await environment.clock.advance(250_000);
	t.deepEqual(
		bus.messages(BUS_QUEUE).map(({ receives, hidden }) => ({ receives, hidden })),
		[{ receives: 1, hidden: true }],
	);
	outage.stop();
	await emptied();
	t.is(environment.world.secret(team, 'db')!.data['password'], 'second');
});

test('the token goes to no other host, whatever address of a lock the queue gives', async t => {
	const stranger = await startServiceBus();
	t.teardown(() => stranger.close());
	const stage = await startBusEnvironment(t, { locksAt: stranger });
	const { environment, keyVault, config, settled, emptied } = stage;
	await environment.start({ config });
	const team = await settled();
	keyVault.put('prod-db', { password: 'second' });
	await environment.secret(team, 'db', ({ data }) => data['password'] === 'second');
	await emptied();
	t.deepEqual(stranger.calls, []);
});

test('a queue with messages is asked four times at once, an idle one once a minute', async t => {
	const { environment, keyVault, bus, config, emptied } = await startBusEnvironment(t, { virtualTime: true });
	for (let index = 0; index < 40; index++) {
		keyVault.put(`prod-${index}`, 'value');
	}

	await environment.start({ config });
	await emptied();
	const busy = bus.calls.filter(({ operation, timeout }) => operation === 'Receive' && timeout < 60);
	t.true(busy.length >= 39 && busy.length <= 48, `${busy.length}`);
	await environment.clock.advance(5_000);
	const before = bus.count('Receive');
	await environment.clock.advance(600_000);
	t.true(bus.count('Receive') - before <= 11);
});

test('only the leader receives, and the next leader takes over', async t => {
	const { environment, keyVault, bus, config, settled, emptied } = await startBusEnvironment(t, {
		virtualTime: true,
	});
	const argv = ['--leader-elect'];
	const leader = await environment.start({ config, argv });
	const team = await settled();
	await environment.start({ config, argv, wait: false });
	await environment.clock.advance(5_000);
	const before = bus.count('Receive');
	await environment.clock.advance(240_000);
	t.true(bus.count('Receive') - before <= 5, 'one receive a minute');
	await environment.stop(leader);
	keyVault.put('prod-db', { password: 'second' });
	await environment.secret(team, 'db', ({ data }) => data['password'] === 'second');
	await emptied();
});

test('a receive that Service Bus holds does not delay the end of the process', async t => {
	const { environment, bus, config } = await startBusEnvironment(t);
	const controller = await environment.startProcess({ config });
	await controller.leading();
	await bus.waitForCall(({ operation }) => operation === 'Receive');
	const at = performance.now();
	controller.signal('SIGTERM');
	t.deepEqual(await controller.exited, { code: 0, signal: null });
	t.true(performance.now() - at < 10_000);
	t.is(controller.stderr, '');
});
