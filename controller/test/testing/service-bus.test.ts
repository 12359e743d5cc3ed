// The embedded Service Bus, asked by JASM's own queue: locks, delivery counts, dead letters, tokens.
import { readFileSync, writeFileSync } from 'node:fs';
import test, { type ExecutionContext } from 'ava';
import { startServiceBus } from '../../testing/azure/service-bus.ts';
import { openKeyVault } from '../helpers/servers/azure.ts';

const signal = new AbortController().signal;

async function openBus(t: ExecutionContext, options: object = {}) {
	const { registry, config, server } = await openKeyVault(t);
	let nowMs = 0;
	const clock = {
		now: () => nowMs,
		// A wait is over at once, and time has passed then.
		schedule(ms: number, callback: () => void) {
			const due = nowMs + ms;
			const waiting = setImmediate(() => {
				nowMs = Math.max(nowMs, due);
				callback();
			});
			return { cancel: () => clearImmediate(waiting) };
		},
	};
	const bus = await startServiceBus({ clock, accepts: (token, resource) => server.accepts(token, resource) });
	t.teardown(() => bus.close());
	writeFileSync(config.caFile, readFileSync(config.caFile, 'utf8') + bus.ca);
	const queue = await registry.openQueue('azure', bus.create('jasm', options));
	t.teardown(() => queue.close());
	return { bus, queue, server, pass: (ms: number) => (nowMs += ms) };
}

test('a message is locked for its receiver until the lock is over, and gone when it is completed', async t => {
	const { bus, queue, pass } = await openBus(t);
	bus.send('jasm', { number: 1 });
	const [first] = await queue.receive(signal);
	t.is(first!.body, '{"number":1}');
	pass(59_000);
	await queue.hide([first!.receipt], 60, signal);
	pass(59_000);
	t.true(bus.messages('jasm')[0]!.hidden);
	pass(1_000);
	t.false(bus.messages('jasm')[0]!.hidden);
	const [second] = await queue.receive(signal);
	t.is(await queue.delete([first!.receipt], signal), 1);
	t.is(await queue.delete([second!.receipt], signal), 0);
	t.deepEqual(bus.messages('jasm'), []);
});

test('a message that was delivered too often moves to the dead letters', async t => {
	const { bus, queue, pass } = await openBus(t, { lockSeconds: 30, maxDeliveries: 2 });
	bus.send('jasm', 'poison');
	for (let times = 0; times < 2; times++) {
		t.is((await queue.receive(signal)).length, 1);
		pass(30_000);
	}

	bus.send('jasm', 'next');
	t.is((await queue.receive(signal))[0]!.body, 'next');
	t.deepEqual(
		bus.messages('jasm/$deadletterqueue').map(({ body }) => body),
		['poison'],
	);
});

test('only a token for Service Bus is accepted, and a queue that is not there is said to be missing', async t => {
	const { bus, queue, server } = await openBus(t);
	bus.send('jasm', 'notice');
	t.is((await queue.receive(signal)).length, 1);
	server.expireTokens();
	const error = await t.throwsAsync(queue.receive(signal), { code: 'CHANGE_SOURCE_DENIED' });
	t.regex(error!.message, /receiving change notices of queue "jasm": Service Bus does not accept the token/);
	bus.send('jasm', 'notice');
	t.is((await queue.receive(signal)).length, 1);
	bus.inject('gone', { times: 4 });
	await t.throwsAsync(queue.receive(signal), { code: 'CHANGE_SOURCE_DENIED', message: /no such queue/ });
});
