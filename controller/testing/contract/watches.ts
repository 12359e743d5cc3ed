// The contract of watches.
import assert from 'node:assert/strict';
import { type ContractClient, type Json, metadataAccept } from './client.ts';
import { assertStatus, create, secret, secrets, versionOf } from './fixtures.ts';
import type { ContractPromise } from './target.ts';

const merge = 'application/merge-patch+json';

/** Creates a pod once the namespace's default ServiceAccount is there. */
const createPod = async (client: ContractClient, ns: string, name: string, more = {}): Promise<Json> => {
	await client.until(
		({ status }) => status === 200,
		'GET',
		`/api/v1/namespaces/${ns}/serviceaccounts/default`,
	);
	return client.must('POST', `/api/v1/namespaces/${ns}/pods`, {
		body: { metadata: { name, ...more }, spec: { containers: [{ name: 'c', image: 'x' }] } },
	});
};

const setPhase = (client: ContractClient, ns: string, name: string, phase: string): Promise<Json> =>
	client.must('PATCH', `/api/v1/namespaces/${ns}/pods/${name}/status`, {
		body: { status: { phase } },
		contentType: merge,
	});

/** Reads events until one of them makes `wanted` true, and returns all of them. */
const readUntil = async (
	watch: { next(): Promise<Json> },
	wanted: (event: Json) => boolean,
): Promise<Json[]> => {
	const events: Json[] = [];
	for (;;) {
		const event = await watch.next();
		events.push(event);
		if (wanted(event)) return events;
	}
};

export const watches: readonly ContractPromise[] = [
	{
		title: 'a watch without a version and one from 0 start with what is there as ADDED, then go on',
		run: async (client, ns) => {
			await create(client, ns, 'a');
			await create(client, ns, 'b');
			for (const query of ['', 'resourceVersion=0']) {
				const watch = await client.watch(secrets(ns), query);
				assert.deepEqual((await watch.take(2)).sort(), ['ADDED a', 'ADDED b']);
				await client.must('PATCH', `${secrets(ns)}/a`, {
					body: { metadata: { labels: { at: query === '' ? '1' : '2' } } },
					contentType: merge,
				});
				assert.deepEqual(await watch.take(1), ['MODIFIED a']);
				watch.close();
			}
		},
	},
	{
		title: 'a watch from a version brings every later change in order, and nothing before',
		run: async (client, ns) => {
			const first = await create(client, ns, 'a');
			await create(client, ns, 'b');
			await client.must('PUT', `${secrets(ns)}/a`, { body: secret('a', { data: {} }) });
			await client.must('DELETE', `${secrets(ns)}/b`);
			const watch = await client.watch(secrets(ns), `resourceVersion=${versionOf(first)}`);
			assert.deepEqual(await watch.take(3), ['ADDED b', 'MODIFIED a', 'DELETED b']);
			watch.close();
		},
	},
	{
		title: 'a watch from the present is open and silent until something changes',
		run: async (client, ns) => {
			await create(client, ns, 'a');
			const now = versionOf(await client.must('GET', secrets(ns)));
			const watch = await client.watch(secrets(ns), `resourceVersion=${now}`);
			await create(client, ns, 'b');
			assert.deepEqual(await watch.take(1), ['ADDED b']);
			watch.close();
		},
	},
	{
		title:
			'an event is one line of type and object, the object as a GET would answer it, at the version of the change',
		run: async (client, ns) => {
			const made = await create(client, ns, 'a');
			const watch = await client.watch(secrets(ns));
			const { text } = await client.send('GET', `${secrets(ns)}/a`);
			assert.equal(await watch.line(), `{"type":"ADDED","object":${text.trimEnd()}}`);
			await client.must('DELETE', `${secrets(ns)}/a`);
			const gone = await watch.next();
			assert.equal(gone['type'], 'DELETED');
			assert.ok(Number(versionOf(gone['object'])) > Number(versionOf(made)));
			watch.close();
		},
	},
	{
		title: 'a metadata watch carries nothing but metadata, in every event',
		run: async (client, ns) => {
			await create(client, ns, 'a');
			const watch = await client.watch(secrets(ns), '', { accept: metadataAccept });
			assert.match(
				(await watch.line()) ?? '',
				/^\{"type":"ADDED","object":\{"kind":"PartialObjectMetadata","apiVersion":"meta\.k8s\.io\/v1","metadata":\{"name":"a","namespace":"[^"]+","uid":"[^"]+","resourceVersion":"\d+",.*\}\}\}$/,
			);
			await client.must('PUT', `${secrets(ns)}/a`, { body: secret('a', { data: {} }) });
			await client.must('DELETE', `${secrets(ns)}/a`);
			for (const type of ['MODIFIED', 'DELETED']) {
				const event = await watch.next();
				assert.equal(event['type'], type);
				assert.deepEqual(Object.keys(event['object']), ['kind', 'apiVersion', 'metadata']);
			}
			watch.close();
		},
	},
	{
		title: 'a watch from the future is 200 and silent, not an error',
		run: async (client, ns) => {
			const watch = await client.watch(secrets(ns), 'resourceVersion=999999999&timeoutSeconds=1');
			assert.equal(await watch.line(), undefined);
		},
	},
	{
		title: 'a watch from a mad version is 500',
		run: async (client, ns) => {
			const answer = await client.send('GET', `${secrets(ns)}?watch=1&resourceVersion=abc`);
			assertStatus(
				answer,
				500,
				undefined,
				'resourceVersion: Invalid value: "abc": strconv.ParseUint: parsing "abc": invalid syntax',
			);
		},
	},
	{
		title: 'a watch from a forgotten version is 200 with one ERROR event, a 410 Expired, and ends',
		needs: 'expired-history',
		run: async client => {
			const watch = await client.watch('/api/v1/events', 'resourceVersion=1');
			const { type, object } = await watch.next();
			assert.equal(type, 'ERROR');
			assert.deepEqual([object.kind, object.code, object.reason], ['Status', 410, 'Expired']);
			assert.match(object.message, /too old/);
			assert.equal(await watch.line(), undefined);
		},
	},
	{
		title: 'a watch ends cleanly after timeoutSeconds',
		run: async (client, ns) => {
			const now = versionOf(await client.must('GET', secrets(ns)));
			const watch = await client.watch(secrets(ns), `resourceVersion=${now}&timeoutSeconds=1`);
			assert.equal(await watch.line(), undefined);
		},
	},
	{
		title: 'entering and leaving a selection are ADDED and DELETED, the latter with the last selected state',
		run: async (client, ns) => {
			const made = await create(client, ns, 'a');
			const watch = await client.watch(secrets(ns), `resourceVersion=${versionOf(made)}&labelSelector=x%3Dy`);
			const label = (x: string | null): Promise<Json> =>
				client.must('PATCH', `${secrets(ns)}/a`, {
					body: { metadata: { labels: { x } } },
					contentType: merge,
				});
			await label('y');
			const left = await label('z');
			assert.deepEqual(await watch.take(1), ['ADDED a']);
			const gone = await watch.next();
			assert.equal(gone['type'], 'DELETED');
			assert.deepEqual(gone['object'].metadata.labels, { x: 'y' });
			assert.equal(versionOf(gone['object']), versionOf(left));
			watch.close();
		},
	},
	{
		title: 'a pod that ends leaves the selection of pods that are neither Succeeded nor Failed',
		run: async (client, ns) => {
			const selector = encodeURIComponent('status.phase!=Succeeded,status.phase!=Failed');
			const made = await createPod(client, ns, 'p');
			const watch = await client.watch(
				`/api/v1/namespaces/${ns}/pods`,
				`resourceVersion=${Number(versionOf(made)) - 1}&fieldSelector=${selector}`,
			);
			await setPhase(client, ns, 'p', 'Succeeded');
			const events = await readUntil(watch, event => event['type'] === 'DELETED');
			assert.equal(events[0]?.['type'], 'ADDED');
			assert.equal(events.at(-1)?.['object'].status.phase, 'Pending');
			watch.close();
			const list = await client.must('GET', `/api/v1/namespaces/${ns}/pods?fieldSelector=${selector}`);
			assert.deepEqual(list['items'], []);
		},
	},
	{
		title: 'an annotation on a pod is a MODIFIED with the same uid',
		run: async (client, ns) => {
			const made = await createPod(client, ns, 'p', { annotations: { old: '1' } });
			const pods = `/api/v1/namespaces/${ns}/pods`;
			const watch = await client.watch(pods, `resourceVersion=${versionOf(made)}`, {
				accept: metadataAccept,
			});
			await client.must('PATCH', `${pods}/p`, {
				body: { metadata: { annotations: { new: '2' } } },
				contentType: merge,
			});
			const events = await readUntil(watch, event => event['object'].metadata.annotations.new === '2');
			assert.deepEqual(new Set(events.map(event => event['type'])), new Set(['MODIFIED']));
			assert.equal(events.at(-1)?.['object'].metadata.uid, made['metadata'].uid);
			watch.close();
		},
	},
	{
		title: 'a deleted pod is MODIFIED with a deletionTimestamp, then DELETED',
		run: async (client, ns) => {
			const made = await createPod(client, ns, 'p');
			const pods = `/api/v1/namespaces/${ns}/pods`;
			const watch = await client.watch(pods, `resourceVersion=${versionOf(made)}`);
			const answer = await client.must('DELETE', `${pods}/p`);
			assert.equal(answer['kind'], 'Pod');
			assert.equal(typeof answer['metadata'].deletionTimestamp, 'string');
			const events = await readUntil(watch, event => event['type'] === 'DELETED');
			assert.equal(events.at(-2)?.['type'], 'MODIFIED');
			assert.equal(typeof events.at(-2)?.['object'].metadata.deletionTimestamp, 'string');
			watch.close();
		},
	},
	{
		title: 'a watch of all namespaces sees each of them',
		run: async (client, ns) => {
			const made = await create(client, ns, ns);
			const watch = await client.watch(
				'/api/v1/secrets',
				`resourceVersion=${Number(versionOf(made)) - 1}&fieldSelector=metadata.name%3D${ns}`,
			);
			assert.deepEqual(await watch.take(1), [`ADDED ${ns}`]);
			watch.close();
		},
	},
];
