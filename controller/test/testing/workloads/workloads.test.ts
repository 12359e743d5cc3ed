// The controllers beside the embedded API server, and its node that runs no container.
import test, { type ExecutionContext } from 'ava';
import {
	type ApiServer,
	type KubeObject,
	startApiServer,
	startWorkloads,
	type WorkloadsOptions,
} from '../../../testing/index.ts';

const namespace = 'w';

const start = async (t: ExecutionContext, options: WorkloadsOptions = {}): Promise<ApiServer> => {
	const server = await startApiServer();
	server.create({ kind: 'Namespace', metadata: { name: namespace } });
	const workloads = startWorkloads(server, { startMs: 0, retryMs: 10, ...options });
	t.teardown(async () => {
		workloads.stop();
		await server.close();
	});
	return server;
};

/** Resolves with what `look` finds, at once or after a later change. */
const eventually = <T>(server: ApiServer, look: () => T | undefined): Promise<T> =>
	new Promise(resolve => {
		const check = () => {
			const found = look();
			if (found !== undefined) {
				end();
				resolve(found);
			}
		};
		const end = server.onChange(check);
		check();
	});

const pod = (name: string, spec: object = {}, container: object = {}): KubeObject => ({
	kind: 'Pod',
	metadata: { name, namespace },
	spec: { containers: [{ name: 'a', image: 'x', ...container }], ...spec },
});
const secret = (name: string, data: object = { k: 'dg==' }): KubeObject => ({
	kind: 'Secret',
	metadata: { name, namespace },
	data,
});

type Status = {
	phase: string;
	containerStatuses?: { ready: boolean; state: { waiting?: { reason: string; message?: string } } }[];
	conditions?: { type: string; status: string; reason?: string }[];
};
const statusOf = (server: ApiServer, name: string) => server.get('Pod', namespace, name)['status'] as Status;
const waitingOf = (server: ApiServer, name: string) =>
	statusOf(server, name).containerStatuses?.[0]?.state.waiting;
const runs = (server: ApiServer, name: string) =>
	eventually(server, () => (statusOf(server, name).phase === 'Running' ? true : undefined));
const reported = (server: ApiServer, reason: string) =>
	eventually(server, () => server.list('Event', namespace).find(event => event['reason'] === reason));

test('a pod that needs nothing is bound to the node and runs', async t => {
	const server = await start(t);
	server.create(pod('p'));
	await runs(server, 'p');
	const { spec, metadata } = server.get('Pod', namespace, 'p');
	t.is((spec as { nodeName: string }).nodeName, 'embedded');
	t.is(metadata.generation, 1, 'binding is no change of what was asked for');
	t.true(statusOf(server, 'p').containerStatuses?.every(({ ready }) => ready));
	const ready = statusOf(server, 'p').conditions?.find(({ type }) => type === 'Ready');
	t.is(ready?.status, 'True');
});

test('a pod whose environment names a Secret waits for it, and says so', async t => {
	const server = await start(t);
	server.create(pod('p', {}, { envFrom: [{ secretRef: { name: 's' } }] }));
	const event = await reported(server, 'Failed');
	t.is(event['message'], 'Error: secret "s" not found');
	t.deepEqual(waitingOf(server, 'p'), {
		reason: 'CreateContainerConfigError',
		message: 'secret "s" not found',
	});
	server.create(secret('s'));
	await runs(server, 'p');
	t.is(waitingOf(server, 'p'), undefined);
});

test('a pod that mounts a Secret waits in ContainerCreating, with an Event of the mount', async t => {
	const server = await start(t);
	server.create(pod('p', { volumes: [{ name: 'v', secret: { secretName: 's' } }] }));
	const event = await reported(server, 'FailedMount');
	t.is(event['message'], 'MountVolume.SetUp failed for volume "v" : secret "s" not found');
	t.is(waitingOf(server, 'p')?.reason, 'ContainerCreating');
	server.create(secret('s'));
	await runs(server, 'p');
});

test('a key that the Secret lacks holds the pod, an optional one does not', async t => {
	const server = await start(t);
	server.create(secret('s'));
	const env = (name: string, key: string, more: object = {}) => ({
		env: [{ name, valueFrom: { secretKeyRef: { name: 's', key, ...more } } }],
	});
	server.create(pod('optional', {}, env('A', 'missing', { optional: true })));
	server.create(pod('missing', {}, env('A', 'missing')));
	await runs(server, 'optional');
	t.is((await reported(server, 'Failed'))['message'], "Error: couldn't find key missing in Secret w/s");
	server.update('Secret', namespace, 's', object => {
		object['data'] = { missing: 'dg==' };
	});
	await runs(server, 'missing');
});

test('a pod with a scheduling gate is not bound before the gate is gone', async t => {
	const server = await start(t);
	server.create(pod('p', { schedulingGates: [{ name: 'example.com/gate' }] }));
	await eventually(server, () => statusOf(server, 'p').conditions);
	t.is(statusOf(server, 'p').conditions?.[0]?.reason, 'SchedulingGated');
	t.is((server.get('Pod', namespace, 'p')['spec'] as { nodeName?: string }).nodeName, undefined);
	server.update('Pod', namespace, 'p', object => {
		object['spec'] = { ...(object['spec'] as object), schedulingGates: [] };
	});
	await runs(server, 'p');
});

test('a failed start is counted up in one Event', async t => {
	const server = await start(t);
	server.create(pod('p', {}, { envFrom: [{ secretRef: { name: 's' } }] }));
	const event = await eventually(server, () =>
		server.list('Event', namespace).find(({ reason, count }) => reason === 'Failed' && Number(count) >= 3),
	);
	t.is(server.list('Event', namespace).filter(({ reason }) => reason === event['reason']).length, 1);
});

test('a Deployment whose pods wait for a Secret becomes available when the Secret is there', async t => {
	const server = await start(t);
	server.create({
		kind: 'Deployment',
		metadata: { name: 'web', namespace },
		spec: {
			replicas: 2,
			selector: { matchLabels: { app: 'web' } },
			template: {
				metadata: { labels: { app: 'web' } },
				spec: { containers: [{ name: 'a', image: 'x', envFrom: [{ secretRef: { name: 's' } }] }] },
			},
		},
	});
	const statusIs = (field: string, value: number) =>
		eventually(server, () => {
			const status = server.get('Deployment', namespace, 'web')['status'] as
				| Record<string, number>
				| undefined;
			return status?.[field] === value ? status : undefined;
		});
	t.is((await statusIs('updatedReplicas', 2))['availableReplicas'], 0);
	server.create(secret('s'));
	await statusIs('availableReplicas', 2);
	const revisions = server.list('ReplicaSet', namespace).map(({ metadata }) => metadata.annotations);
	t.deepEqual(revisions, [{ 'deployment.kubernetes.io/revision': '1' }]);
});

test('without a node no pod is bound', async t => {
	const server = await start(t, { node: undefined });
	server.create(pod('p'));
	await new Promise(resolve => setImmediate(() => setImmediate(resolve)));
	t.deepEqual([statusOf(server, 'p').phase, server.list('Node')], ['Pending', []]);
});

test('objects from before the start of the controllers are adopted', async t => {
	const server = await startApiServer();
	server.create({ kind: 'Namespace', metadata: { name: namespace } });
	server.create(pod('p'));
	const workloads = startWorkloads(server, { startMs: 0 });
	t.teardown(async () => {
		workloads.stop();
		await server.close();
	});
	await runs(server, 'p');
	t.pass();
});
