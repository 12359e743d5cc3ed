// Senders that sign their requests or show a certificate, and those that only pretend to.
import { createHmac, randomBytes } from 'node:crypto';
import { once } from 'node:events';
import { writeFileSync } from 'node:fs';
import { connect } from 'node:tls';
import test from 'ava';
import { makeClientCertificate, makeServerCertificate } from '../../testing/api-server/wire/certificate.ts';
import {
	changed,
	post,
	startWebhookEnvironment,
	webhookPort,
} from '../helpers/environment/webhook-environment.ts';

const source = 'webhook/0';
const newKey = () => `whsec_${randomBytes(32).toString('base64')}`;

type Signed = { readonly key: string; readonly body: string; readonly seconds: number; readonly id?: string };

/** As Standard Webhooks says. */
function signed({ key, body, seconds, id = 'msg_1' }: Signed): Record<string, string> {
	const secret = Buffer.from(key.replace('whsec_', ''), 'base64');
	const value = createHmac('sha256', secret).update(`${id}.${seconds}.${body}`).digest('base64');
	return { 'webhook-id': id, 'webhook-timestamp': String(seconds), 'webhook-signature': `v1,${value}` };
}

test('a signed notice is taken once: the same id again is answered with 202 and causes no read', async t => {
	const key = newKey();
	const stage = await startWebhookEnvironment(t, {
		virtualTime: true,
		source: ({ file }) => ({ bearerFiles: undefined, hmacFiles: [file(`${key}\n`)] }),
	});
	const { environment, reads, served } = stage;
	const controller = await environment.start();
	const port = await webhookPort(controller);
	const team = await served();
	environment.secretsManager.put('/prod/db', { password: 'second' });
	const before = reads('/prod/db');
	const body = JSON.stringify(changed('/prod/db'));
	const headers = signed({ key, body, seconds: Math.floor(environment.clock.now() / 1_000) });
	t.is((await post({ port, body, headers })).status, 202);
	await environment.secret(team, 'db', ({ data }) => data['password'] === 'second');
	await environment.clock.advance(60_000);
	t.is((await post({ port, body, headers })).status, 202);
	await environment.clock.advance(60_000);
	t.is(reads('/prod/db') - before, 1);
	t.is(await controller.metric('jasm_change_notices_total', { source, outcome: 'replayed' }), 1);
	t.is(await controller.metric('jasm_change_notices_total', { source, outcome: 'woke' }), 1);
	t.false(controller.log.text.join('\n').includes(key.slice(6)));
});

test('a signature of another body, id, time or key, or of five minutes ago, is answered with 401', async t => {
	const [key, second, other] = [newKey(), newKey(), newKey()];
	const { environment, token, reads, served } = await startWebhookEnvironment(t, {
		virtualTime: true,
		source: ({ file }) => ({ bearerFiles: undefined, hmacFiles: [file(key), file(second)] }),
	});
	const port = await webhookPort(await environment.start());
	await served();
	const before = reads('/prod/db');
	const body = JSON.stringify(changed('/prod/db'));
	const seconds = Math.floor(environment.clock.now() / 1_000);
	const good = signed({ key, body, seconds });
	const refused: readonly Record<string, string>[] = [
		{},
		{ authorization: `Bearer ${token}` },
		signed({ key, body: `${body} `, seconds }),
		signed({ key: other, body, seconds }),
		{ ...good, 'webhook-id': 'msg_2' },
		{ ...good, 'webhook-timestamp': String(seconds - 1) },
		signed({ key, body, seconds: seconds - 301 }),
		signed({ key, body, seconds: seconds + 301 }),
		{ ...good, 'webhook-signature': '' },
		{ ...good, 'webhook-signature': good['webhook-signature']!.slice(3) },
		{ ...good, 'webhook-signature': good['webhook-signature']!.replace('v1,', 'v1a,') },
	];
	for (const headers of refused) {
		t.is((await post({ port, body, headers })).status, 401, JSON.stringify(headers));
	}

	const without = async (name: string) => {
		const { [name]: _, ...headers } = good;
		return (await post({ port, body, headers })).status;
	};
	t.is(await without('webhook-id'), 401);
	t.is(await without('webhook-timestamp'), 401);
	t.is((await post({ port, body: ' '.repeat(262_145), headers: good })).status, 413);
	await environment.clock.advance(30_000);
	t.is(reads('/prod/db'), before);

	// The right one among several, by the second key, late but in time.
	const last = signed({ key: second, body, seconds });
	const list = `v1,${'A'.repeat(43)}= v1a,x ${last['webhook-signature']}`;
	t.is((await post({ port, body, headers: { ...last, 'webhook-signature': list } })).status, 202);
});

test('a retry of a request that a standby refused is taken', async t => {
	const key = newKey();
	const { environment, served } = await startWebhookEnvironment(t, {
		virtualTime: true,
		source: ({ file }) => ({ bearerFiles: undefined, hmacFiles: [file(key)] }),
	});
	const leader = await environment.start({ argv: ['--leader-elect'] });
	const team = await served();
	const standby = await environment.start({ argv: ['--leader-elect'] });
	const port = await webhookPort(standby);
	const body = JSON.stringify(changed('/prod/db'));
	const headers = signed({ key, body, seconds: Math.floor(environment.clock.now() / 1_000) });
	t.is((await post({ port, body, headers })).status, 503);
	await environment.stop(leader);
	await environment.clock.runUntil(() => standby.log.count({ message: 'leading' }) === 1);
	await environment.clock.advance(10_000);
	environment.secretsManager.put('/prod/db', { password: 'second' });
	t.is((await post({ port, body, headers })).status, 202);
	await environment.secret(team, 'db', ({ data }) => data['password'] === 'second');
});

test('a certificate of a listed name is enough; another name, another authority or none is answered with 401', async t => {
	const now = new Date();
	const server = makeServerCertificate(now);
	const uri = 'spiffe://example/shipper';
	const shipper = makeClientCertificate(now, ['other.example', uri]);
	const stranger = makeClientCertificate(now, [uri]);
	const unnamed = makeClientCertificate(now, ['other.example', 'more.example']);
	let authorities = '';
	const { environment, token } = await startWebhookEnvironment(t, {
		virtualTime: true,
		source: ({ file }) => {
			authorities = file(`${shipper.ca}${unnamed.ca}`);
			return {
				allowInsecure: false,
				tlsCertFile: file(server.cert),
				tlsKeyFile: file(server.key),
				clientCaFile: authorities,
				clientNames: ['shipper.example', uri],
			};
		},
	});
	const controller = await environment.start();
	const port = await webhookPort(controller);
	const statusOf = async (client: object) => (await post({ port, ca: server.ca, ...client })).status;
	t.is(await statusOf({ client: shipper }), 202);
	t.is(await statusOf({ client: stranger }), 401);
	t.is(await statusOf({ client: unnamed }), 401);
	t.is(await statusOf({}), 401);
	// Each way is enough by itself.
	t.is(await statusOf({ token }), 202);
	t.is(await statusOf({ token, client: stranger }), 202);

	// Authorities are replaced without a restart.
	writeFileSync(authorities, stranger.ca);
	const again = { message: 'change notices: credentials read again' };
	await environment.clock.runUntil(() => controller.log.count(again) === 1);
	t.is(await statusOf({ client: stranger }), 202);
	t.is(await statusOf({ client: shipper }), 401);
});

test('every connection shows its certificate: the session of an earlier one is not resumed', async t => {
	const now = new Date();
	const server = makeServerCertificate(now);
	const shipper = makeClientCertificate(now, ['shipper.example']);
	const { environment } = await startWebhookEnvironment(t, {
		source: ({ file }) => ({
			allowInsecure: false,
			tlsCertFile: file(server.cert),
			tlsKeyFile: file(server.key),
			clientCaFile: file(shipper.ca),
			clientNames: ['shipper.example'],
		}),
	});
	const port = await webhookPort(await environment.start());
	for (const maxVersion of ['TLSv1.2', 'TLSv1.3'] as const) {
		const visit = async (session?: Buffer) => {
			const socket = connect({
				...{ port, host: '127.0.0.1', servername: 'localhost', ca: server.ca, maxVersion },
				...{ cert: shipper.cert, key: shipper.key, ...(session && { session }) },
			});
			let given: Buffer | undefined;
			let reused: boolean | undefined;
			socket.on('secureConnect', () => {
				reused = socket.isSessionReused();
				given = socket.getSession();
			});
			socket.on('session', found => {
				given = found;
			});
			// The answer comes after whatever the server hands out for another visit.
			socket.end('GET / HTTP/1.1\r\nhost: jasm\r\nconnection: close\r\n\r\n');
			socket.resume();
			await once(socket, 'close');
			return { reused, session: given };
		};
		const { session } = await visit();
		t.false((await visit(session)).reused, maxVersion);
	}
});
