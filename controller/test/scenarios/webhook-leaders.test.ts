// The webhook while replicas change places, and while its files change.
import { writeFileSync } from 'node:fs';
import test from 'ava';
import { makeServerCertificate } from '../../testing/index.ts';
import {
	changed,
	newToken,
	post,
	startWebhookEnvironment,
	webhookPort,
} from '../helpers/environment/webhook-environment.ts';

test('a standby answers 503 with a time to wait, and takes notices once it leads', async t => {
	const { environment, token, served } = await startWebhookEnvironment(t, { virtualTime: true });
	const leader = await environment.start({ argv: ['--leader-elect'] });
	const team = await served();
	const standby = await environment.start({ argv: ['--leader-elect'] });
	const port = await webhookPort(standby);
	// A Service chooses a replica for each connection: a retry has to come over another one.
	const kept = { connection: 'keep-alive' };
	const { status, headers } = await post({ port, token, headers: kept });
	t.deepEqual([status, headers['retry-after'], headers.connection], [503, '5', 'close']);
	t.is((await post({ port })).status, 401);
	const taken = await post({ port: await webhookPort(leader), token, headers: kept });
	t.deepEqual([taken.status, taken.headers.connection], [202, 'keep-alive']);

	await environment.stop(leader);
	await environment.clock.runUntil(() => standby.log.count({ message: 'leading' }) === 1);
	await environment.clock.advance(10_000);
	environment.secretsManager.put('/prod/db', { password: 'second' });
	t.is((await post({ port, token, body: changed('/prod/db') })).status, 202);
	await environment.secret(team, 'db', ({ data }) => data['password'] === 'second');
});

test('a token is replaced without a restart: both are accepted while both files are there', async t => {
	const stage = await startWebhookEnvironment(t, { virtualTime: true });
	const { environment, token, tokenFile, source } = stage;
	const [newer, newest] = [newToken(), newToken()];
	const bearerFiles = [tokenFile, environment.file(newer)];
	const changes = { sources: [{ ...source, bearerFiles }] };
	const controller = await environment.start({ config: { changes } });
	const port = await webhookPort(controller);
	const statuses = async () =>
		Promise.all([token, newer, newest].map(async each => (await post({ port, token: each })).status));
	t.deepEqual(await statuses(), [202, 202, 401]);

	writeFileSync(tokenFile, newest);
	const again = { message: 'change notices: credentials read again' };
	await environment.clock.runUntil(() => controller.log.count(again) === 1);
	t.deepEqual(await statuses(), [401, 202, 202]);

	// A file that holds no token any more admits no sender, and the log says so.
	writeFileSync(tokenFile, 'short');
	await environment.clock.runUntil(() => controller.log.count(again) === 2);
	const message = `change notices: the file "${tokenFile}" has less than 32 characters: no sender is admitted by it`;
	t.is(controller.log.count({ message, level: 'warn' }), 1);
	t.deepEqual(await statuses(), [401, 202, 401]);
	for (const each of [token, newer, newest]) {
		t.false(controller.log.text.join('\n').includes(each));
		t.false((await controller.metrics()).includes(each));
	}
});

test('a certificate is replaced without a restart; one that does not fit its key leaves the earlier one in use', async t => {
	const [first, second] = [makeServerCertificate(new Date()), makeServerCertificate(new Date())];
	let files: string[] = [];
	const { environment, token } = await startWebhookEnvironment(t, {
		virtualTime: true,
		source: stage => {
			files = [stage.file(first.cert), stage.file(first.key)];
			return { allowInsecure: false, tlsCertFile: files[0], tlsKeyFile: files[1] };
		},
	});
	const controller = await environment.start();
	const port = await webhookPort(controller);
	t.is((await post({ port, token, ca: first.ca })).status, 202);
	await t.throwsAsync(post({ port, token }));

	writeFileSync(files[0]!, second.cert);
	const kept = { message: 'change notices: the earlier certificate stays in use' };
	await environment.clock.runUntil(() => controller.log.count(kept) === 1);
	t.is((await post({ port, token, ca: first.ca })).status, 202);

	writeFileSync(files[1]!, second.key);
	await environment.clock.runUntil(
		() => controller.log.count({ message: 'change notices: credentials read again' }) === 2,
	);
	t.is((await post({ port, token, ca: second.ca })).status, 202);
	await t.throwsAsync(post({ port, token, ca: first.ca }));
});

test('a webhook whose token is missing or short, or whose certificate is none, does not start', async t => {
	const { environment, source } = await startWebhookEnvironment(t);
	const { cert } = makeServerCertificate(new Date());
	const { key } = makeServerCertificate(new Date());
	const cases = [
		[{ bearerFiles: ['/does/not/exist'] }, /the file "\/does\/not\/exist" cannot be read/],
		[{ bearerFiles: [environment.file('short')] }, /has less than 32 characters/],
		[{ bearerFiles: [environment.file(`${'é'.repeat(40)}`)] }, /holds other characters/],
		[
			{ tlsCertFile: environment.file(cert), tlsKeyFile: environment.file(key) },
			/tlsCertFile and tlsKeyFile are no certificate with its key/,
		],
		[{ tlsCertFile: '/does/not/exist', tlsKeyFile: environment.file(key) }, /cannot be read/],
	] as const;
	for (const [fields, message] of cases) {
		const changes = { sources: [{ ...source, ...fields }] };
		const controller = await environment.start({ config: { changes }, wait: false });
		const error = (await controller.ended) as Error;
		t.like(error, { code: 'CONFIG_INVALID' });
		t.regex(error.message, message);
	}
});
