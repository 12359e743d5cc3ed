// The contract of pages and of lists at a version.
import assert from 'node:assert/strict';
import { type Json, metadataListAccept } from './client.ts';
import { assertStatus, create, createAll, names, secrets, versionOf } from './fixtures.ts';
import type { ContractPromise } from './target.ts';

export const pages: readonly ContractPromise[] = [
	{
		title: 'pages add up to the list as of the first page, whatever is written meanwhile',
		run: async (client, ns) => {
			await createAll(client, ns, 'a', 'b', 'c', 'd', 'e');
			const first = await client.must('GET', `${secrets(ns)}?limit=2`, { accept: metadataListAccept });
			assert.deepEqual(names(first), ['a', 'b']);
			assert.equal(first['metadata'].remainingItemCount, 3);
			await create(client, ns, 'bb');
			await client.must('DELETE', `${secrets(ns)}/d`);
			const next = async (page: Json): Promise<Json> =>
				client.must(
					'GET',
					`${secrets(ns)}?limit=2&continue=${encodeURIComponent(page['metadata'].continue)}`,
					{ accept: metadataListAccept },
				);
			const second = await next(first);
			const third = await next(second);
			assert.deepEqual([...names(second), ...names(third)], ['c', 'd', 'e']);
			assert.equal(versionOf(second), versionOf(first));
			assert.equal(versionOf(third), versionOf(first));
			assert.equal(third['metadata'].continue, undefined);
		},
	},
	{
		title: 'a page of a narrowed list does not tell how many remain',
		run: async (client, ns) => {
			await createAll(client, ns, 'a', 'b');
			const page = await client.must('GET', `${secrets(ns)}?limit=1&fieldSelector=type%3DOpaque`);
			assert.deepEqual(names(page), ['a']);
			assert.equal(page['metadata'].remainingItemCount, undefined);
			assert.equal(typeof page['metadata'].continue, 'string');
		},
	},
	{
		title: 'a list from the cache (resourceVersion 0) is whole, whatever the limit',
		run: async (client, ns) => {
			await createAll(client, ns, 'a', 'b', 'c');
			const whole = await client.until(
				({ body }) => names(body).length === 3,
				'GET',
				`${secrets(ns)}?limit=1&resourceVersion=0`,
			);
			assert.equal(whole.body['metadata'].continue, undefined);
		},
	},
	{
		title: 'a continue token that is nonsense is 400, and one with a resourceVersion too',
		run: async (client, ns) => {
			assertStatus(
				await client.send('GET', `${secrets(ns)}?limit=2&continue=zzz`),
				400,
				'BadRequest',
				/^invalid continue token: continue key is not valid: /,
			);
			await createAll(client, ns, 'a', 'b');
			const page = await client.must('GET', `${secrets(ns)}?limit=1`);
			const both = `${secrets(ns)}?limit=1&resourceVersion=1&continue=${encodeURIComponent(page['metadata'].continue)}`;
			assertStatus(
				await client.send('GET', both),
				400,
				'BadRequest',
				'specifying resource version is not allowed when using continue',
			);
		},
	},
	{
		title: 'a continue token from forgotten history is 410 Expired and brings a token to go on with',
		needs: 'expired-history',
		run: async (client, ns) => {
			await createAll(client, ns, 'a', 'b');
			const page = await client.must('GET', `${secrets(ns)}?limit=1`);
			const token = JSON.parse(Buffer.from(page['metadata'].continue, 'base64url').toString());
			const old = Buffer.from(JSON.stringify({ ...token, rv: 2 })).toString('base64url');
			const answer = await client.send('GET', `${secrets(ns)}?limit=1&continue=${old}`);
			assertStatus(
				answer,
				410,
				'Expired',
				/^The provided continue parameter is too old to display a consistent list result\./,
			);
			const rest = await client.must(
				'GET',
				`${secrets(ns)}?continue=${encodeURIComponent(answer.body['metadata'].continue)}`,
			);
			assert.deepEqual(names(rest), ['b']);
		},
	},
	{
		title: 'a list at a forgotten version is 410 Expired',
		needs: 'expired-history',
		run: async (client, ns) => {
			const answer = await client.send('GET', `${secrets(ns)}?resourceVersion=1&resourceVersionMatch=Exact`);
			assertStatus(answer, 410, 'Expired', 'The resourceVersion for the provided list is too old.');
		},
	},
	{
		title: 'a list at an exact version is as it was then',
		run: async (client, ns) => {
			await createAll(client, ns, 'a', 'b');
			const then = versionOf(await client.must('GET', secrets(ns)));
			await client.must('DELETE', `${secrets(ns)}/a`);
			await create(client, ns, 'c');
			const list = await client.must(
				'GET',
				`${secrets(ns)}?resourceVersion=${then}&resourceVersionMatch=Exact`,
			);
			assert.deepEqual(names(list), ['a', 'b']);
			assert.equal(versionOf(list), then);
		},
	},
	{
		title: 'a list at a future version is 504 with the cause ResourceVersionTooLarge and Retry-After',
		run: async (client, ns) => {
			const answer = await client.send('GET', `${secrets(ns)}?resourceVersion=999999999`);
			assertStatus(answer, 504, 'Timeout', /^Timeout: Too large resource version: 999999999, current: \d+$/, {
				causes: [{ reason: 'ResourceVersionTooLarge', message: 'Too large resource version' }],
				retryAfterSeconds: 1,
			});
			assert.equal(answer.headers['retry-after'], '1');
		},
	},
	{
		title: 'resourceVersionMatch without a resourceVersion is 422',
		run: async (client, ns) => {
			const answer = await client.send('GET', `${secrets(ns)}?resourceVersionMatch=Exact`);
			assertStatus(
				answer,
				422,
				'Invalid',
				'ListOptions.meta.k8s.io "" is invalid: resourceVersionMatch: Forbidden: resourceVersionMatch is forbidden unless resourceVersion is provided',
			);
		},
	},
];
