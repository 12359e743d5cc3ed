// Bodies of answers: memory is asked for before bytes are kept, and an excess ends the read and its connection.
import { once } from 'node:events';
import { createServer, get, type IncomingMessage, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import test, { type ExecutionContext } from 'ava';
import type { Room } from '../../../src/providers/provider.ts';
import { MAX_BODY_BYTES, readBody } from '../../../src/providers/shared/read-body.ts';

/** The answer of a server that `serve` writes; what the server could write until the connection ended. */
async function answer(t: ExecutionContext, serve: (response: ServerResponse) => void) {
	const server = createServer((_, response) => serve(response));
	server.listen(0, '127.0.0.1');
	await once(server, 'listening');
	t.teardown(() => {
		server.closeAllConnections();
		server.close();
	});
	const { port } = server.address() as AddressInfo;
	const [response] = (await once(get({ port, host: '127.0.0.1', agent: false }), 'response')) as [
		IncomingMessage,
	];
	return response;
}

/** A room that notes what it was asked for, and refuses more than `limit`. */
function aRoom(limit = Number.POSITIVE_INFINITY) {
	const asked: number[] = [];
	const room: Room = {
		reserve(bytes) {
			asked.push(bytes);
			if (bytes > limit) throw new Error('no room');
		},
	};
	return { asked, room };
}

const bytes = (length: number) => Buffer.alloc(length, 'x');

for (const length of [0, 1, 16_384, 16_385, 900_000, MAX_BODY_BYTES]) {
	test(`an announced body of ${length} bytes arrives, and asks for room once by its length`, async t => {
		const response = await answer(t, to => {
			to.writeHead(200, { 'content-length': length });
			to.end(bytes(length));
		});
		const { asked, room } = aRoom();
		t.is((await readBody(response, room)).length, length);
		t.is(asked.at(-1), length);
		t.true(asked.slice(0, -1).every(reserved => reserved === length || length === 0));
	});
}

test('a body without a length asks for room in steps, and for its true length at its end', async t => {
	const response = await answer(t, async to => {
		for (let sent = 0; sent < 300_000; sent += 10_000) {
			if (!to.write(bytes(10_000))) await once(to, 'drain');
		}
		to.end();
	});
	const { asked, room } = aRoom();
	t.is((await readBody(response, room)).length, 300_000);
	t.deepEqual(asked, [16_384, 65_536, 262_144, MAX_BODY_BYTES, 300_000]);
});

test('without room the read ends before the body is kept', async t => {
	const announced = await answer(t, to =>
		to.writeHead(200, { 'content-length': 900_000 }).end(bytes(900_000)),
	);
	await t.throwsAsync(readBody(announced, aRoom(100_000).room), { message: 'no room' });
	const unannounced = await answer(t, to => to.end(bytes(900_000)));
	await t.throwsAsync(readBody(unannounced, aRoom(100_000).room), { message: 'no room' });
});

test('an announced excess is refused before any of it is read, an unannounced one as soon as it shows', async t => {
	const announced = await answer(t, to =>
		to.writeHead(200, { 'content-length': MAX_BODY_BYTES + 1 }).write('x'),
	);
	const { asked, room } = aRoom();
	await t.throwsAsync(readBody(announced, room), {
		code: 'SECRET_TOO_LARGE',
		message: 'the answer has 2097153 bytes, at most 2097152 are read',
	} as object);
	t.deepEqual(asked, []);
	let sent = 0;
	const endless = await answer(t, to => {
		const write = () => {
			while (!to.destroyed && to.write(bytes(65_536))) sent += 65_536;
		};
		to.on('drain', write);
		write();
	});
	await t.throwsAsync(readBody(endless, room), {
		code: 'SECRET_TOO_LARGE',
		message: 'the answer has more than 2097152 bytes, at most 2097152 are read',
	} as object);
	t.true(endless.isPaused());
	endless.destroy();
	t.true(sent < 20_000_000, `${sent} bytes were sent`);
});

test('a refusal that is too large says nothing about the secret', async t => {
	const response = await answer(t, to =>
		to.writeHead(502, { 'content-length': MAX_BODY_BYTES + 1 }).write('x'),
	);
	await t.throwsAsync(readBody(response, aRoom().room), {
		name: 'CallError',
		code: 'ANSWER_TOO_LARGE',
	} as object);
});

test('a compressed body is not taken: its size in memory would be unknown', async t => {
	for (const [encoding, accepted] of [
		['gzip', false],
		['br', false],
		['identity', true],
	] as const) {
		const response = await answer(t, to => to.writeHead(200, { 'content-encoding': encoding }).end('{}'));
		const body = readBody(response, aRoom().room);
		if (accepted) t.is((await body).toString(), '{}');
		else await t.throwsAsync(body, { name: 'CallError', code: 'ANSWER_ENCODED' } as object);
	}
});

test('a body that ends early is a lost connection', async t => {
	const response = await answer(t, to => {
		to.writeHead(200, { 'content-length': 100 });
		to.write('x', () => to.destroy());
	});
	await t.throwsAsync(readBody(response, aRoom().room), { code: 'ECONNRESET' } as object);
});
