// The embedded API server as clients that others wrote see it: the generated client and its informer.
import {
	ApiException,
	CoordinationV1Api,
	CoreV1Api,
	EventsV1Api,
	KubeConfig,
	makeInformer,
	type V1Pod,
} from '@kubernetes/client-node';
import test from 'ava';
import fc from 'fast-check';
import { goJson } from '../../testing/api-server/wire/encode.ts';
import { ContractClient } from '../../testing/contract/client.ts';
import { startApiServer } from '../../testing/index.ts';

const server = await startApiServer();
test.after.always(() => server.close());

const configOf = (text: string): KubeConfig => {
	const config = new KubeConfig();
	config.loadFromString(text);
	return config;
};
const config = configOf(server.kubeconfig());
const core = config.makeApiClient(CoreV1Api);

const namespaceOf = (name: string): string => {
	server.create({ kind: 'Namespace', metadata: { name } });
	return name;
};
const pod = (name: string): V1Pod => ({
	metadata: { name },
	spec: { containers: [{ name: 'c', image: 'x' }] },
});

test('the generated client creates, reads, replaces, lists and deletes Secrets', async t => {
	const namespace = namespaceOf('generated');
	const body = { metadata: { name: 'a' }, data: { k: 'dg==' } };
	const made = await core.createNamespacedSecret({ namespace, body, fieldManager: 'jasm' });
	t.is(made.type, 'Opaque');
	t.deepEqual((await core.readNamespacedSecret({ namespace, name: 'a' })).data, { k: 'dg==' });
	const replaced = await core.replaceNamespacedSecret({ namespace, name: 'a', body: { ...body, data: {} } });
	t.not(replaced.metadata?.resourceVersion, made.metadata?.resourceVersion);
	const page = await core.listNamespacedSecret({ namespace, limit: 1 });
	t.deepEqual(
		page.items.map(item => item.metadata?.name),
		['a'],
	);
	await core.deleteNamespacedSecret({ namespace, name: 'a' });
	const error = await t.throwsAsync(core.readNamespacedSecret({ namespace, name: 'a' }), {
		instanceOf: ApiException,
	});
	t.is(error.code, 404);
});

test('the generated client patches, renews leases and reads events of either group', async t => {
	const namespace = namespaceOf('patched');
	await core.createNamespacedPod({ namespace, body: pod('p') });
	const annotated = await core.patchNamespacedPod({
		namespace,
		name: 'p',
		body: [{ op: 'add', path: '/metadata/annotations', value: { a: 'b' } }],
	});
	t.deepEqual(annotated.metadata?.annotations, { a: 'b' });
	const leases = config.makeApiClient(CoordinationV1Api);
	const lease = await leases.createNamespacedLease({
		namespace,
		body: { metadata: { name: 'l' }, spec: { holderIdentity: 'x' } },
	});
	lease.spec = { ...lease.spec, holderIdentity: 'y' };
	t.is(
		(await leases.replaceNamespacedLease({ namespace, name: 'l', body: lease })).spec?.holderIdentity,
		'y',
	);
	await t.throwsAsync(leases.replaceNamespacedLease({ namespace, name: 'l', body: lease }), {
		message: /409/,
	});
	await core.createNamespacedEvent({
		namespace,
		body: {
			metadata: { name: 'e' },
			involvedObject: { name: 'p', namespace },
			reason: 'R',
			message: 'm',
			type: 'Normal',
		},
	});
	const event = await config.makeApiClient(EventsV1Api).readNamespacedEvent({ namespace, name: 'e' });
	t.deepEqual([event.note, event.regarding?.name], ['m', 'p']);
});

test('the generated client gets a token of a ServiceAccount, which may do what its Role says', async t => {
	const namespace = namespaceOf('token');
	server.apply([
		{ kind: 'ServiceAccount', metadata: { name: 'jasm', namespace } },
		{
			kind: 'Role',
			metadata: { name: 'r', namespace },
			rules: [{ apiGroups: [''], resources: ['secrets'], verbs: ['create'] }],
		},
		{
			kind: 'RoleBinding',
			metadata: { name: 'r', namespace },
			roleRef: { kind: 'Role', name: 'r' },
			subjects: [{ kind: 'ServiceAccount', name: 'jasm' }],
		},
	]);
	const request = await core.createNamespacedServiceAccountToken({
		namespace,
		name: 'jasm',
		body: { spec: { audiences: [], expirationSeconds: 600 } },
	});
	const own = configOf(server.kubeconfig({ token: request.status?.token ?? '' })).makeApiClient(CoreV1Api);
	await own.createNamespacedSecret({ namespace, body: { metadata: { name: 'a' } } });
	const error = await t.throwsAsync(own.readNamespacedSecret({ namespace, name: 'a' }), {
		instanceOf: ApiException,
	});
	t.is(error.code, 403);
});

test('an informer sees what is there, then every pod that comes, changes and goes', async t => {
	const namespace = namespaceOf('informer');
	server.create({ kind: 'Pod', ...pod('first'), metadata: { name: 'first', namespace } });
	const informer = makeInformer(config, `/api/v1/namespaces/${namespace}/pods`, () =>
		core.listNamespacedPod({ namespace }),
	);
	const seen: string[] = [];
	const gone = Promise.withResolvers<void>();
	for (const verb of ['add', 'update', 'delete'] as const) {
		informer.on(verb, object => {
			seen.push(`${verb} ${object.metadata?.name}`);
			if (verb === 'delete') gone.resolve();
		});
	}
	await informer.start();
	await server.requests.waitFor({ verb: 'watch', namespace });
	server.create({ kind: 'Pod', ...pod('second'), metadata: { name: 'second', namespace } });
	server.update('pods', namespace, 'second', object => {
		object.metadata.annotations = { a: 'b' };
	});
	server.delete('pods', namespace, 'first');
	await gone.promise;
	await informer.stop();
	// A pod goes in two steps: marked, then removed.
	t.deepEqual(seen, ['add first', 'add second', 'update second', 'update first', 'delete first']);
});

test('a body is what JSON.parse reads back, whatever text is in it', t => {
	fc.assert(
		fc.property(fc.dictionary(fc.string(), fc.string({ unit: 'binary' })), labels => {
			const text = goJson({ labels });
			t.deepEqual(JSON.parse(text), { labels: { ...labels } });
			t.notRegex(text, /[<>&\u2028\u2029]/);
		}),
	);
});

test('it stops with everything that it opened', async t => {
	const other = await startApiServer();
	const client = new ContractClient(other.kubeconfig());
	const watch = await client.watch('/api/v1/pods');
	await other.close();
	t.is(await watch.line(), undefined);
	client.close();
});
