// The contract of tables: what `kubectl get` prints, and how much of its object each row carries.
import assert from 'node:assert/strict';
import type { ContractClient, Json } from './client.ts';
import { assertStatus, create, secrets } from './fixtures.ts';
import type { ContractPromise } from './target.ts';

const accept = 'application/json;as=Table;g=meta.k8s.io;v=v1';

/** Names of the columns; those that only `-o wide` prints are in brackets. */
const columns: Readonly<Record<string, string>> = {
	'/api/v1/namespaces': 'Name, Status, Age',
	'/api/v1/nodes':
		'Name, Status, Roles, Age, Version, [Internal-IP], [External-IP], [OS-Image], [Kernel-Version], [Container-Runtime]',
	'/api/v1/pods': 'Name, Ready, Status, Restarts, Age, [IP], [Node], [Nominated Node], [Readiness Gates]',
	'/api/v1/secrets': 'Name, Type, Data, Age',
	'/api/v1/configmaps': 'Name, Data, Age',
	'/api/v1/events':
		'Last Seen, Type, Reason, Object, [Subobject], [Source], Message, [First Seen], [Count], [Name]',
	'/api/v1/services': 'Name, Type, Cluster-IP, External-IP, Port(s), Age, [Selector]',
	'/apis/coordination.k8s.io/v1/leases': 'Name, Holder, Age',
	'/apis/apps/v1/deployments': 'Name, Ready, Up-to-date, Available, Age, [Containers], [Images], [Selector]',
	'/apis/apps/v1/replicasets': 'Name, Desired, Current, Ready, Age, [Containers], [Images], [Selector]',
	'/apis/rbac.authorization.k8s.io/v1/roles': 'Name, Created At',
	'/apis/rbac.authorization.k8s.io/v1/rolebindings': 'Name, Role, Age, [Users], [Groups], [ServiceAccounts]',
	'/apis/networking.k8s.io/v1/networkpolicies': 'Name, Pod-Selector, Age',
	'/apis/policy/v1/poddisruptionbudgets': 'Name, Min Available, Max Unavailable, Allowed Disruptions, Age',
};

const cellsOf = async (client: ContractClient, path: string): Promise<Json> => {
	const table = await client.must('GET', path, { accept });
	const names = table['columnDefinitions'].map((column: Json) => column['name']);
	const cells = table['rows'][0].cells as unknown[];
	return Object.fromEntries(cells.map((cell, index) => [names[index], cell])) as Json;
};

export const tables: readonly ContractPromise[] = [
	{
		title: 'each kind has the columns that kubectl prints',
		run: async client => {
			for (const [path, expected] of Object.entries(columns)) {
				const table = await client.must('GET', `${path}?limit=1`, { accept });
				const seen = table['columnDefinitions'].map((column: Json) =>
					column['priority'] === 0 ? column['name'] : `[${column['name']}]`,
				);
				assert.equal(seen.join(', '), expected, path);
			}
		},
	},
	{
		title: 'a pod without a node is Pending, with no container ready',
		run: async (client, ns) => {
			const path = `/api/v1/namespaces/${ns}/pods`;
			const account = `/api/v1/namespaces/${ns}/serviceaccounts/default`;
			await client.until(({ status }) => status === 200, 'GET', account);
			await client.must('POST', path, {
				body: { metadata: { name: 'p' }, spec: { containers: [{ name: 'a', image: 'x' }] } },
			});
			const { Name, Ready, Status, Restarts, Node } = await cellsOf(client, path);
			assert.deepEqual([Name, Ready, Status, Restarts, Node], ['p', '0/1', 'Pending', '0', '<none>']);
		},
	},
	{
		title: 'an Event shows when it was last seen, by whichever time it carries',
		run: async (client, ns) => {
			const about = { kind: 'Pod', name: 'p', namespace: ns };
			const at = `${new Date(Date.now() - 300_000).toISOString().slice(0, 19)}Z`;
			await client.must('POST', `/api/v1/namespaces/${ns}/events`, {
				body: {
					metadata: { name: 'core' },
					involvedObject: about,
					reason: 'R',
					message: 'm ',
					type: 'Normal',
					count: 3,
					firstTimestamp: at,
					lastTimestamp: at,
					source: { component: 'c', host: 'h' },
				},
			});
			const core = await cellsOf(client, `/api/v1/namespaces/${ns}/events`);
			assert.match(String(core['Last Seen']), /^5m\d*s?$/);
			assert.deepEqual(
				[core['Object'], core['Message'], core['Source'], core['Count']],
				['pod/p', 'm', 'c, h', 3],
			);
			await client.must('DELETE', `/api/v1/namespaces/${ns}/events/core`);
			await client.must('POST', `/apis/events.k8s.io/v1/namespaces/${ns}/events`, {
				body: {
					metadata: { name: 'series' },
					regarding: about,
					reason: 'R',
					note: 'm',
					type: 'Normal',
					action: 'a',
					eventTime: `${at.slice(0, 19)}.000000Z`,
					reportingController: 'example.com/c',
					reportingInstance: 'i',
				},
			});
			const events = await cellsOf(client, `/apis/events.k8s.io/v1/namespaces/${ns}/events`);
			assert.match(String(events['Last Seen']), /^5m\d*s?$/);
			assert.deepEqual([events['Source'], events['Count']], ['example.com/c, i', 1]);
		},
	},
	{
		title: 'a row carries the metadata of its object, the whole of it, or nothing, as asked',
		run: async (client, ns) => {
			await create(client, ns, 'a');
			const row = async (query: string): Promise<Json> =>
				(await client.must('GET', `${secrets(ns)}${query}`, { accept }))['rows'][0];
			assert.equal((await row(''))['object'].kind, 'PartialObjectMetadata');
			assert.deepEqual((await row('?includeObject=Object'))['object'].data, { k: 'dg==' });
			assert.equal((await row('?includeObject=None'))['object'], null);
			assertStatus(
				await client.send('GET', `${secrets(ns)}?includeObject=All`, { accept }),
				400,
				'BadRequest',
				"Unable to convert to Table as requested: includeObject: Invalid value: \"All\": must be 'Metadata', 'Object', 'None', or empty",
			);
		},
	},
	{
		title: 'only the first event of a watch for tables defines the columns',
		run: async (client, ns) => {
			await create(client, ns, 'a');
			const watch = await client.watch(secrets(ns), '', { accept });
			const first = JSON.parse((await watch.line()) ?? '') as Json;
			await create(client, ns, 'b');
			const second = JSON.parse((await watch.line()) ?? '') as Json;
			watch.close();
			assert.deepEqual([first['type'], first['object'].kind], ['ADDED', 'Table']);
			assert.equal(first['object'].columnDefinitions.length, 4);
			assert.equal(second['object'].columnDefinitions, null);
			assert.deepEqual(second['object'].rows[0].cells.slice(0, 3), ['b', 'Opaque', 1]);
		},
	},
];
