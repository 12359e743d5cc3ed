// What a sender could hold on to is bounded: connections, time, bytes; and others get their turn all the same.
import { once } from 'node:events';
import { connect, type Socket } from 'node:net';
import test from 'ava';
import { post, startWebhookEnvironment, webhookPort } from '../helpers/environment/webhook-environment.ts';

const HEAD = 'POST /v1/changes HTTP/1.1\r\nhost: jasm\r\ncontent-type: application/cloudevents+json\r\n';

type Held = { readonly socket: Socket; readonly ended: Promise<number>; text(): string };

/** A connection that sends what it is told; `ended` is how long it lasted, in milliseconds. */
async function hold(port: number, ...parts: readonly string[]): Promise<Held> {
	const began = performance.now();
	const socket = connect(port, '127.0.0.1');
	let text = '';
	socket.on('data', data => {
		text += data;
	});
	// A connection that is refused may be reset.
	socket.on('error', () => {});
	const { promise: ended, resolve } = Promise.withResolvers<number>();
	socket.on('close', () => resolve(performance.now() - began));
	await once(socket, 'connect');
	for (const part of parts) {
		socket.write(part);
	}

	return { socket, ended, text: () => text };
}

test('of 40 connections that say nothing 32 stay, for ten seconds; then a sender gets its turn', async t => {
	const { environment, token } = await startWebhookEnvironment(t);
	const port = await webhookPort(await environment.start());
	const held = await Promise.all(Array.from({ length: 40 }, () => hold(port)));
	await Promise.all(held.map(({ ended }) => ended));
	const kept = held.filter(({ text }) => text().startsWith('HTTP/1.1 408 '));
	t.is(kept.length, 32);
	t.is(held.filter(({ text }) => text() === '').length, 8);
	for (const { ended } of kept) {
		t.true((await ended) > 9_000);
	}

	t.is((await post({ port, token })).status, 202);
});

test('while 32 connections are open another one is closed at once, and the end of one makes room', async t => {
	const { environment, token } = await startWebhookEnvironment(t);
	const port = await webhookPort(await environment.start());
	const held = await Promise.all(Array.from({ length: 32 }, () => hold(port, HEAD)));
	await t.throwsAsync(post({ port, token }));
	held[0]!.socket.destroy();
	// The listener learns of the end a moment later.
	let status: number | undefined;
	while (status === undefined) {
		status = (await post({ port, token }).catch(() => undefined))?.status;
	}

	t.is(status, 202);
	for (const { socket } of held) {
		socket.destroy();
	}
});

for (const [title, parts] of Object.entries({
	'headers that do not end': [HEAD],
	'a header without its end': [`${HEAD}x-long: `, 'a', 'b'],
	'a body of a stranger that does not end': [`${HEAD}content-length: 100\r\n\r\n`, '{'],
	'a chunked body of a stranger that does not end': [
		`${HEAD}transfer-encoding: chunked\r\n\r\n`,
		'1\r\n{\r\n',
	],
})) {
	test(`${title}: answered with 408 after ten seconds, and the connection ends`, async t => {
		const { environment, reads } = await startWebhookEnvironment(t);
		const port = await webhookPort(await environment.start());
		const { ended, text } = await hold(port, ...parts);
		t.true((await ended) > 9_000);
		t.regex(text(), /^HTTP\/1\.1 408 /);
		t.is(reads('/prod/db'), 0);
	});
}

test('headers of more than 8 KiB together are answered with 431, with the token and without', async t => {
	const { environment, token } = await startWebhookEnvironment(t);
	const port = await webhookPort(await environment.start());
	const headers = Object.fromEntries(
		Array.from({ length: 9 }, (_, index) => [`x-${index}`, 'x'.repeat(1_000)]),
	);
	t.is((await post({ port, token, headers })).status, 431);
	t.is((await post({ port, headers })).status, 431);
	const fewer = Object.fromEntries(Object.entries(headers).slice(0, 7));
	t.is((await post({ port, token, headers: fewer })).status, 202);
});

test('a body without an end is cut off after a mebibyte, and its sender takes no memory', async t => {
	const { environment, token } = await startWebhookEnvironment(t);
	const port = await webhookPort(await environment.start());
	for (const head of [HEAD, `${HEAD}authorization: Bearer ${token}\r\n`]) {
		const { socket, ended, text } = await hold(port, `${head}transfer-encoding: chunked\r\n\r\n`);
		const chunk = `10000\r\n${'x'.repeat(65_536)}\r\n`;
		let sent = 0;
		const send = () => {
			while (!socket.destroyed && socket.writable && socket.write(chunk)) {
				sent += chunk.length;
			}

			sent += chunk.length;
		};
		socket.on('drain', send);
		send();
		await ended;
		t.false(text().startsWith('HTTP/1.1 408 '), 'it was cut off by its size');
		// What the sockets of both sides hold comes on top.
		t.true(sent < 16_777_216, `${sent} bytes were sent`);
	}

	t.is((await post({ port, token })).status, 202);
});

test('a flood of strangers over many connections leaves the sender with the token its turn', async t => {
	const { environment, token, served, reads } = await startWebhookEnvironment(t, { virtualTime: true });
	const port = await webhookPort(await environment.start());
	await served();
	const before = reads('/prod/db');
	const statuses: number[] = [];
	const flood = Array.from({ length: 10 }, async () => {
		for (let times = 0; times < 50; times++) {
			statuses.push((await post({ port, token: 'x'.repeat(40) })).status);
		}
	});
	const own: number[] = [];
	for (let times = 0; times < 20; times++) {
		own.push((await post({ port, token })).status);
	}

	await Promise.all(flood);
	t.deepEqual(own, Array(20).fill(202));
	t.deepEqual(statuses.sort(), [...Array(100).fill(401), ...Array(400).fill(429)]);
	t.true(reads('/prod/db') - before <= 2);
});
