// The contract of Deployments: defaults, validation, scale, and what the controllers behind the server make of them.
import assert from 'node:assert/strict';
import type { Answer, ContractClient, Json } from './client.ts';
import { assertStatus } from './fixtures.ts';
import type { ContractPromise } from './target.ts';

const apps = (ns: string, plural: string): string => `/apis/apps/v1/namespaces/${ns}/${plural}`;
const merge = 'application/merge-patch+json';
const template = (image: string, labels: object = { app: 'web' }): object => ({
	metadata: { labels },
	spec: { containers: [{ name: 'a', image }] },
});
const deployment = (spec: object = {}): object => ({
	apiVersion: 'apps/v1',
	kind: 'Deployment',
	metadata: { name: 'web' },
	spec: { selector: { matchLabels: { app: 'web' } }, template: template('x:1'), ...spec },
});

/** A pod that fits no node. */
const nowhere = { nodeSelector: { no: 'node' }, containers: [{ name: 'a', image: 'x:1' }] };
const workload = (kind: string, spec: object, name = 'web'): object => ({
	apiVersion: 'apps/v1',
	kind,
	metadata: { name },
	spec: { selector: { matchLabels: { app: 'web' } }, template: template('x:1'), ...spec },
});

const deploy = (client: ContractClient, ns: string, spec: object = {}): Promise<Json> =>
	client.must('POST', apps(ns, 'deployments'), { body: deployment(spec) });

/** Waits until the Deployment was observed in its last generation with so many pods of the present template. */
const observed = (client: ContractClient, ns: string, updated: number): Promise<Answer> =>
	client.until(
		({ body: { metadata, status } }) =>
			status?.observedGeneration === metadata?.generation && (status?.updatedReplicas ?? 0) === updated,
		'GET',
		`${apps(ns, 'deployments')}/web`,
	);

const setsOf = async (client: ContractClient, ns: string): Promise<Json[]> =>
	(await client.must('GET', apps(ns, 'replicasets')))['items'];
const podsOf = async (client: ContractClient, ns: string): Promise<Json[]> =>
	(await client.must('GET', `/api/v1/namespaces/${ns}/pods`))['items'];

export const workloads: readonly ContractPromise[] = [
	{
		title: 'a Deployment gets its defaults, down to its containers',
		run: async (client, ns) => {
			const { spec } = await deploy(client, ns);
			assert.equal(spec.replicas, 1);
			assert.equal(spec.revisionHistoryLimit, 10);
			assert.deepEqual(spec.strategy, {
				type: 'RollingUpdate',
				rollingUpdate: { maxUnavailable: '25%', maxSurge: '25%' },
			});
			assert.deepEqual(spec.template.spec.containers, [
				{
					name: 'a',
					image: 'x:1',
					resources: {},
					terminationMessagePath: '/dev/termination-log',
					terminationMessagePolicy: 'File',
					imagePullPolicy: 'IfNotPresent',
				},
			]);
		},
	},
	{
		title: 'a selector must match the labels of the template, and may not change',
		run: async (client, ns) => {
			const invalid = await client.send('POST', apps(ns, 'deployments'), {
				body: deployment({ template: template('x', { app: 'other' }) }),
			});
			assertStatus(
				invalid,
				422,
				'Invalid',
				/^Deployment\.apps "web" is invalid: spec\.template\.metadata\.labels: Invalid value: .*: `selector` does not match template `labels`$/,
			);
			await deploy(client, ns, { replicas: 0 });
			const other = { app: 'other' };
			const changed = await client.send('PUT', `${apps(ns, 'deployments')}/web`, {
				body: deployment({ selector: { matchLabels: other }, template: template('x', other) }),
			});
			assertStatus(
				changed,
				422,
				'Invalid',
				/^Deployment\.apps "web" is invalid: spec\.selector: Invalid value: .*: field is immutable$/,
			);
		},
	},
	{
		title: 'the scale of a Deployment is read and written by itself',
		run: async (client, ns) => {
			await deploy(client, ns, { replicas: 0 });
			const path = `${apps(ns, 'deployments')}/web/scale`;
			const scale = await client.must('GET', path);
			assert.deepEqual([scale['kind'], scale['apiVersion']], ['Scale', 'autoscaling/v1']);
			assert.equal(scale['status'].selector, 'app=web');
			const body = { spec: { replicas: 2 } };
			const scaled = await client.must('PATCH', path, { body, contentType: merge });
			assert.equal(scaled['spec'].replicas, 2);
			assert.equal((await client.must('GET', path.replace('/scale', '')))['spec'].replicas, 2);
			assertStatus(
				await client.send('PATCH', path, { body: { spec: { replicas: -1 } }, contentType: merge }),
				422,
				'Invalid',
				/spec\.replicas: Invalid value: -1: must be greater than or equal to 0/,
			);
			const old = { ...scale, spec: { replicas: 3 } };
			assertStatus(
				await client.send('PUT', path, { body: old }),
				409,
				'Conflict',
				/^Operation cannot be fulfilled/,
			);
		},
	},
	{
		title: 'a Deployment makes a ReplicaSet of its template, and that makes pods of it',
		needs: 'workload-controllers',
		run: async (client, ns) => {
			const { metadata } = await deploy(client, ns, { replicas: 2 });
			const { body } = await observed(client, ns, 2);
			assert.equal(body['metadata'].annotations['deployment.kubernetes.io/revision'], '1');
			const [set, ...others] = await setsOf(client, ns);
			assert.deepEqual(others, []);
			const hash = set?.['metadata'].labels['pod-template-hash'];
			assert.equal(set?.['metadata'].name, `web-${hash}`);
			assert.equal(set?.['metadata'].ownerReferences[0].uid, metadata.uid);
			assert.deepEqual(set?.['spec'].selector.matchLabels, { app: 'web', 'pod-template-hash': hash });
			for (const pod of await podsOf(client, ns)) {
				assert.match(pod['metadata'].name, new RegExp(`^web-${hash}-.{5}$`));
				assert.equal(pod['metadata'].ownerReferences[0].uid, set?.['metadata'].uid);
				assert.deepEqual(pod['metadata'].labels, { app: 'web', 'pod-template-hash': hash });
			}
		},
	},
	{
		title: 'a rollout keeps within surge and availability: it waits while its new pods are not available',
		needs: 'workload-controllers',
		run: async (client, ns) => {
			await deploy(client, ns, { replicas: 4 });
			await observed(client, ns, 4);
			const body = { spec: { template: template('x:2') } };
			await client.must('PATCH', `${apps(ns, 'deployments')}/web`, { body, contentType: merge });
			// One pod more than wanted, and one old pod that was not available anyway.
			await observed(client, ns, 2);
			const sets = await setsOf(client, ns);
			assert.deepEqual(sets.map(set => set['spec'].replicas).sort(), [2, 3]);
			const pods = (await podsOf(client, ns)).filter(pod => !pod['metadata'].deletionTimestamp);
			const images = pods.map(pod => pod['spec'].containers[0].image);
			assert.deepEqual(images.sort(), ['x:1', 'x:1', 'x:1', 'x:2', 'x:2']);
		},
	},
	{
		title:
			'an annotation of a pod template raises the generation once, and the same value again changes nothing',
		run: async (client, ns) => {
			const body = { spec: { template: { metadata: { annotations: { changed: '1' } } } } };
			for (const [plural, made] of Object.entries({
				deployments: deployment({ replicas: 0 }),
				statefulsets: workload('StatefulSet', { replicas: 0, serviceName: 'web' }),
				daemonsets: workload('DaemonSet', { template: { ...template('x:1'), spec: nowhere } }),
			})) {
				await client.must('POST', apps(ns, plural), { body: made });
				const path = `${apps(ns, plural)}/web`;
				const generationOf = async (): Promise<number> =>
					(await client.must('PATCH', path, { body, contentType: merge }))['metadata'].generation;
				assert.deepEqual([await generationOf(), await generationOf()], [2, 2], plural);
				const { spec, metadata } = await client.must('GET', path);
				assert.deepEqual(spec.template.metadata.annotations, { changed: '1' }, plural);
				const counted = metadata.annotations?.['deprecated.daemonset.template.generation'];
				assert.equal(counted, plural === 'daemonsets' ? '2' : undefined, plural);
			}
		},
	},
	{
		title: 'a StatefulSet and a DaemonSet replace their pods unless those are replaced by hand',
		run: async (client, ns) => {
			const strategyOf = async (plural: string, body: object): Promise<Json> =>
				(await client.must('POST', apps(ns, plural), { body }))['spec'].updateStrategy;
			const statefulSet = (name: string, spec: object) =>
				workload('StatefulSet', { replicas: 0, serviceName: 'web', ...spec }, name);
			const byHand = { updateStrategy: { type: 'OnDelete' } };
			// Newer servers also say how many may be unavailable.
			const rolling = await strategyOf('statefulsets', statefulSet('a', {}));
			assert.deepEqual([rolling['type'], rolling['rollingUpdate'].partition], ['RollingUpdate', 0]);
			assert.deepEqual(await strategyOf('statefulsets', statefulSet('b', byHand)), byHand.updateStrategy);
			const idle = { template: { ...template('x:1'), spec: nowhere } };
			assert.deepEqual(await strategyOf('daemonsets', workload('DaemonSet', idle, 'a')), {
				type: 'RollingUpdate',
				rollingUpdate: { maxUnavailable: 1, maxSurge: 0 },
			});
			const other = workload('DaemonSet', { ...idle, ...byHand }, 'b');
			assert.deepEqual(await strategyOf('daemonsets', other), byHand.updateStrategy);
		},
	},
	{
		title: 'a pod that goes is replaced, and everything goes with its Deployment',
		needs: 'workload-controllers',
		run: async (client, ns) => {
			await deploy(client, ns);
			await observed(client, ns, 1);
			const [first] = await podsOf(client, ns);
			const pods = `/api/v1/namespaces/${ns}/pods`;
			await client.must('DELETE', `${pods}/${first?.['metadata'].name}`);
			await client.until(
				({ body }) => body['items'].length === 1 && body['items'][0].metadata.uid !== first?.['metadata'].uid,
				'GET',
				pods,
			);
			await client.must('DELETE', `${apps(ns, 'deployments')}/web`);
			await client.until(({ body }) => body['items'].length === 0, 'GET', pods);
			assert.deepEqual(await setsOf(client, ns), []);
		},
	},
];
