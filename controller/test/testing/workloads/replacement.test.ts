// How StatefulSets and DaemonSets of the embedded cluster replace their pods, and the policy for restarts beside them.
import test, { type ExecutionContext } from 'ava';
import { type ApiServer, type KubeObject, startApiServer, startWorkloads } from '../../../testing/index.ts';

const namespace = 'w';

const start = async (t: ExecutionContext): Promise<ApiServer> => {
	const server = await startApiServer();
	server.create({ kind: 'Namespace', metadata: { name: namespace } });
	const workloads = startWorkloads(server, { startMs: 0 });
	t.teardown(async () => {
		workloads.stop();
		await server.close();
	});
	return server;
};

/** Resolves when `look` holds, at once or after a later change. */
const eventually = (server: ApiServer, look: () => boolean): Promise<void> =>
	new Promise(resolve => {
		const check = () => {
			if (look()) {
				end();
				resolve();
			}
		};
		const end = server.onChange(check);
		check();
	});

const workload = (kind: string, spec: object = {}): KubeObject => ({
	kind,
	metadata: { name: 'db', namespace },
	spec: {
		selector: { matchLabels: { app: 'db' } },
		template: { metadata: { labels: { app: 'db' } }, spec: { containers: [{ name: 'a', image: 'x' }] } },
		...spec,
	},
});

const podsOf = (server: ApiServer) =>
	server
		.list('Pod', namespace)
		.map(({ metadata, status }) => ({
			name: metadata.name!,
			uid: metadata.uid!,
			hash: metadata.annotations?.['h'],
			running: (status as { phase?: string } | undefined)?.phase === 'Running',
		}))
		.sort((a, b) => a.name.localeCompare(b.name));

const allRun = (server: ApiServer, count: number, hash?: string) =>
	eventually(server, () => {
		const pods = podsOf(server);
		return pods.length === count && pods.every(pod => pod.running && pod.hash === hash);
	});

const annotateTemplate = (server: ApiServer, kind: string) =>
	server.update(kind, namespace, 'db', object => {
		const { template } = object['spec'] as { template: KubeObject };
		template.metadata.annotations = { h: '1' };
	});

test('a StatefulSet makes its pods in order and replaces them one by one, the last one first', async t => {
	const server = await start(t);
	const order: string[] = [];
	server.onChange((kind, { type, object }) => {
		if (kind === 'Pod' && type !== 'MODIFIED') order.push(`${type === 'ADDED' ? '+' : '-'}${object.name}`);
	});
	server.create(workload('StatefulSet', { replicas: 3, serviceName: 'db' }));
	await allRun(server, 3);
	t.deepEqual(order.splice(0), ['+db-0', '+db-1', '+db-2']);
	annotateTemplate(server, 'StatefulSet');
	await allRun(server, 3, '1');
	t.deepEqual(order, ['-db-2', '+db-2', '-db-1', '+db-1', '-db-0', '+db-0']);
});

test('a StatefulSet keeps the pods below its partition, and takes away those beyond its replicas', async t => {
	const server = await start(t);
	const updateStrategy = { type: 'RollingUpdate', rollingUpdate: { partition: 1 } };
	server.create(workload('StatefulSet', { replicas: 2, serviceName: 'db', updateStrategy }));
	await allRun(server, 2);
	annotateTemplate(server, 'StatefulSet');
	await eventually(server, () => podsOf(server).some(({ hash, running }) => hash === '1' && running));
	t.deepEqual(
		podsOf(server).map(({ name, hash }) => [name, hash]),
		[
			['db-0', undefined],
			['db-1', '1'],
		],
	);
	server.update('StatefulSet', namespace, 'db', object => {
		object['spec'] = { ...(object['spec'] as object), replicas: 1 };
	});
	await eventually(server, () => podsOf(server).length === 1);
	t.is(podsOf(server)[0]?.name, 'db-0');
});

test('a DaemonSet has one pod on the node, and replaces it', async t => {
	const server = await start(t);
	server.create(workload('DaemonSet'));
	await allRun(server, 1);
	const [before] = podsOf(server);
	annotateTemplate(server, 'DaemonSet');
	await allRun(server, 1, '1');
	t.not(podsOf(server)[0]?.uid, before?.uid);
	await eventually(server, () => {
		const { status } = server.get('DaemonSet', namespace, 'db') as { status?: Record<string, number> };
		return status?.['updatedNumberScheduled'] === 1 && status['numberAvailable'] === 1;
	});
});

for (const kind of ['StatefulSet', 'DaemonSet']) {
	test(`a ${kind} whose pods are replaced by hand keeps them until a person deletes them`, async t => {
		const server = await start(t);
		server.create(workload(kind, { replicas: 1, serviceName: 'db', updateStrategy: { type: 'OnDelete' } }));
		await allRun(server, 1);
		const [before] = podsOf(server);
		annotateTemplate(server, kind);
		await eventually(server, () => {
			const { metadata, status } = server.get(kind, namespace, 'db');
			return (status as { observedGeneration?: number }).observedGeneration === metadata.generation;
		});
		t.is(podsOf(server)[0]?.uid, before?.uid);
		server.delete('Pod', namespace, before!.name);
		await allRun(server, 1, '1');
	});
}
