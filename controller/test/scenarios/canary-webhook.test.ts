// What senders show and send to the webhook, good or forged, comes out nowhere: no log line, Event, metric or error.
import { createHmac, randomBytes } from 'node:crypto';
import test from 'ava';
import { makeServerCertificate } from '../../testing/index.ts';
import { LEVELS } from '../helpers/canary/environment.ts';
import { endpointsOf, listenToProcess, seenBy, tracesOf } from '../helpers/canary/outputs.ts';
import { Canaries, type Outlets } from '../helpers/canary/values.ts';
import {
	changed,
	newToken,
	type Post,
	post,
	startWebhookEnvironment,
	webhookPort,
} from '../helpers/environment/webhook-environment.ts';
import { ecKey, signToken, startIssuer } from '../helpers/servers/issuer.ts';

/** What the sender shows. */
const shown = newToken();
const BATCH = { 'content-type': 'application/cloudevents-batch+json' };
const JSON_TYPE = { 'content-type': 'application/json' };

test.serial(
	'no credential and no content of a request to the webhook comes out, at any level of the log',
	async t => {
		const listening = listenToProcess(t);
		const canaries = new Canaries();
		const signer = ecKey('known');
		const issuer = await startIssuer(t, [signer]);
		const key = randomBytes(32);
		const server = makeServerCertificate(new Date());
		const extra = newToken();
		const { environment, token, served } = await startWebhookEnvironment(t, {
			embedded: true,
			source: ({ file }) => ({
				allowInsecure: false,
				tlsCertFile: file(server.cert),
				tlsKeyFile: file(server.key),
				bearerFiles: [file(shown), file(extra)],
				hmacFiles: [file(`whsec_${key.toString('base64')}`)],
				oidc: {
					issuer: issuer.url,
					audience: 'jasm',
					subjects: ['s'],
					caFile: file(issuer.ca),
					proxy: 'none',
				},
			}),
		});
		canaries.add('the token of a sender', shown);
		canaries.add('the next token', extra);
		canaries.add('a token that is not accepted', token);
		canaries.add('the key of signatures', key.toString('base64'));
		const value = canaries.text('the value that is read');
		const controllers = [];
		for (const level of [LEVELS[0], 'info']) {
			controllers.push(await environment.start({ argv: [`--zap-log-level=${level}`] }));
		}

		const team = await served();
		environment.secretsManager.put('/prod/db', { password: value });
		const statuses = new Set<number>();
		for (const controller of controllers) {
			const port = await webhookPort(controller);
			for (const request of requests(canaries, `of ${port}`)) {
				const { status, headers, text } = await post({ port, ca: server.ca, ...request });
				statuses.add(status);
				t.deepEqual(canaries.foundIn({ answer: `${JSON.stringify(headers)}${text}` }), []);
			}
		}

		await environment.secret(team, 'db', ({ data }) => data['password'] === value);
		t.deepEqual([...statuses].sort(), [202, 400, 401, 404, 405, 413, 415, 431]);
		const endpoints = await Promise.all(controllers.map(endpointsOf));
		const ended = [];
		for (const controller of controllers) {
			ended.push(await environment.stop(controller));
		}

		const outlets: Outlets = { ...tracesOf(environment, controllers), ...listening(), ended: seenBy(ended) };
		t.deepEqual(canaries.foundIn(outlets), []);
		t.deepEqual(
			endpoints.flatMap(each => canaries.foundIn(each)),
			[],
		);
		t.true(outlets['log']!.includes('a request holds no change notices'), 'the log was looked at');

		/** Every way to be refused or taken, with a canary in each place that a sender fills. */
		function* requests(canaries: Canaries, suffix: string): Generator<Omit<Post, 'port'>> {
			const text = (name: string) => canaries.text(`${name} ${suffix}`);
			const claims = (fields: object) => {
				const now = Math.floor(Date.now() / 1_000);
				return { iss: issuer.url, aud: 'jasm', sub: 's', exp: now + 600, ...fields };
			};
			const jwt = (name: string, who = signer, fields: object = {}) => {
				const signed = signToken(who, claims({ name: text(name), ...fields }));
				for (const [index, part] of signed.split('.').slice(1).entries()) {
					canaries.add(`part ${index} of ${name} ${suffix}`, part);
				}

				return signed;
			};
			const signed = (name: string, by: Buffer) => {
				const body = JSON.stringify(changed('/prod/db', { version: text(`the version of ${name}`) }));
				const [id, time] = [text(`the id of ${name}`), String(Math.floor(Date.now() / 1_000))];
				const signature = createHmac('sha256', by).update(`${id}.${time}.${body}`).digest('base64');
				canaries.add(`the signature of ${name} ${suffix}`, signature);
				const headers = {
					'webhook-id': id,
					'webhook-timestamp': time,
					'webhook-signature': `v1,${signature}`,
				};
				return { body, headers };
			};
			yield { token: shown };
			yield { token: extra };
			yield { token, path: `/v1/changes?token=${text('a query')}` };
			yield { token: text('a forged token') + 'x'.repeat(20) };
			yield { headers: { authorization: `Basic ${text('a password')}` } };
			yield { headers: { authorization: `${text('no scheme')} ${text('two words')}` } };
			yield { token: jwt('a good token of the issuer') };
			yield { token: jwt('a forged token of the issuer', ecKey('known')) };
			yield { token: jwt('a token by an unknown key', ecKey('unknown')) };
			yield { token: jwt('a token for another', signer, { aud: text('an audience') }) };
			yield { token: `${text('a header')}.${text('claims')}.${text('a signature')}` };
			yield signed('a good signature', key);
			yield signed('a forged signature', randomBytes(32));
			yield { token: shown, body: `{"${text('broken JSON')}` };
			yield { token: shown, body: { ...changed('/prod/db'), specversion: text('a version of CloudEvents') } };
			yield { token: shown, body: changed(`/${text('a path')}`) };
			yield { token: shown, body: changed('/prod/db', { provider: text('a provider') }) };
			yield { token: shown, body: changed('/prod/db', { password: text('a value in a notice') }) };
			yield {
				token: shown,
				body: changed('/prod/db', {}, { type: text('a type'), source: text('a source') }),
			};
			yield { token: shown, body: [changed('/prod/db'), text('an event')], headers: BATCH };
			yield { token: shown, body: `"${text('a text')}"${' '.repeat(262_144)}` };
			yield { token: shown, headers: { 'content-type': text('a content type') } };
			yield { token: shown, headers: { 'x-long': text('a long header').repeat(400) } };
			yield { token: shown, path: `/${text('another page')}` };
			yield { token: shown, method: 'PUT', headers: { 'x-any': text('a header of PUT') } };
			yield {
				token: shown,
				headers: { ...JSON_TYPE, 'ce-specversion': '1.0', 'ce-type': text('a binary type'), 'ce-id': 'x' },
				body: { provider: text('a binary provider') },
			};
			yield {
				token: shown,
				headers: JSON_TYPE,
				body: {
					'detail-type': 'Secret Label Updated',
					source: 'aws.secretsmanager',
					detail: text('an event of AWS'),
				},
			};
		}
	},
);
