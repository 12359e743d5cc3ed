// The contract of WatchList: watches that start with their initial events, and servers without it.
import assert from 'node:assert/strict';
import { metadataAccept } from './client.ts';
import { assertStatus, create, secrets, versionOf } from './fixtures.ts';
import type { ContractPromise } from './target.ts';

const watchList = 'sendInitialEvents=true&allowWatchBookmarks=true&resourceVersionMatch=NotOlderThan';

export const watchLists: readonly ContractPromise[] = [
	{
		title: 'WatchList sends what is there, then a bookmark that marks the end, then changes',
		needs: 'watch-list',
		run: async (client, ns) => {
			await create(client, ns, 'a');
			await create(client, ns, 'b');
			const watch = await client.watch(secrets(ns), watchList, { accept: metadataAccept });
			assert.deepEqual((await watch.take(2)).sort(), ['ADDED a', 'ADDED b']);
			assert.match(
				(await watch.line()) ?? '',
				/^\{"type":"BOOKMARK","object":\{"kind":"PartialObjectMetadata","apiVersion":"meta\.k8s\.io\/v1","metadata":\{"resourceVersion":"\d+","annotations":\{"k8s\.io\/initial-events-end":"true"\}\}\}\}$/,
			);
			await create(client, ns, 'c');
			assert.deepEqual(await watch.take(1), ['ADDED c']);
			watch.close();
		},
	},
	{
		title:
			'WatchList of nothing is the bookmark alone, of the watched kind, and its version can be watched from',
		needs: 'watch-list',
		run: async (client, ns) => {
			const watch = await client.watch(secrets(ns), watchList);
			const { type, object } = await watch.next();
			assert.deepEqual([type, object.kind, object.apiVersion], ['BOOKMARK', 'Secret', 'v1']);
			watch.close();
			await create(client, ns, 'a');
			const later = await client.watch(secrets(ns), `resourceVersion=${versionOf(object)}`);
			assert.deepEqual(await later.take(1), ['ADDED a']);
			later.close();
		},
	},
	{
		title: 'WatchList at least as fresh as a version in the past starts from the present',
		needs: 'watch-list',
		run: async (client, ns) => {
			const made = await create(client, ns, 'a');
			await create(client, ns, 'b');
			const watch = await client.watch(secrets(ns), `${watchList}&resourceVersion=${versionOf(made)}`);
			assert.deepEqual((await watch.take(2)).sort(), ['ADDED a', 'ADDED b']);
			assert.equal((await watch.next())['type'], 'BOOKMARK');
			watch.close();
		},
	},
	{
		title: 'WatchList at a future version is 200 with an ERROR event, 504 ResourceVersionTooLarge',
		needs: 'watch-list',
		run: async (client, ns) => {
			const watch = await client.watch(secrets(ns), `${watchList}&resourceVersion=999999999`);
			const { type, object } = await watch.next();
			assert.deepEqual([type, object.code, object.reason], ['ERROR', 504, 'Timeout']);
			assert.equal(object.details.causes[0].reason, 'ResourceVersionTooLarge');
			watch.close();
		},
	},
	{
		title: 'sendInitialEvents without resourceVersionMatch, and the reverse, are 422',
		needs: 'watch-list',
		run: async (client, ns) => {
			const prefix = 'ListOptions.meta.k8s.io "" is invalid: resourceVersionMatch: Forbidden: ';
			const without = await client.send('GET', `${secrets(ns)}?watch=1&sendInitialEvents=true`);
			assertStatus(
				without,
				422,
				'Invalid',
				`${prefix}sendInitialEvents requires setting resourceVersionMatch to NotOlderThan`,
			);
			const alone = await client.send(
				'GET',
				`${secrets(ns)}?watch=1&resourceVersionMatch=NotOlderThan&resourceVersion=0`,
			);
			assertStatus(
				alone,
				422,
				'Invalid',
				`${prefix}resourceVersionMatch is forbidden for watch unless sendInitialEvents is provided`,
			);
		},
	},
	{
		title: 'a server without the feature gate answers 422 to sendInitialEvents',
		needs: 'watch-list-gate-off',
		run: async (client, ns) => {
			const answer = await client.send('GET', `${secrets(ns)}?watch=1&${watchList}`);
			const why = 'sendInitialEvents is forbidden for watch unless the WatchList feature gate is enabled';
			assertStatus(
				answer,
				422,
				'Invalid',
				`ListOptions.meta.k8s.io "" is invalid: sendInitialEvents: Forbidden: ${why}`,
			);
		},
	},
	{
		title: 'a server that does not know WatchList answers 422 to resourceVersionMatch',
		needs: 'no-watch-list',
		run: async (client, ns) => {
			const answer = await client.send('GET', `${secrets(ns)}?watch=1&${watchList}`);
			const why = 'resourceVersionMatch is forbidden for watch';
			const version = 'resourceVersionMatch is forbidden unless resourceVersion is provided';
			assertStatus(
				answer,
				422,
				'Invalid',
				`ListOptions.meta.k8s.io "" is invalid: [resourceVersionMatch: Forbidden: ${why}, resourceVersionMatch: Forbidden: ${version}]`,
				{
					group: 'meta.k8s.io',
					kind: 'ListOptions',
					causes: [why, version].map(text => ({
						reason: 'FieldValueForbidden',
						message: `Forbidden: ${text}`,
						field: 'resourceVersionMatch',
					})),
				},
			);
		},
	},
];
