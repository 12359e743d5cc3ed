// Which workload a pod's metadata names, and which pods name none.
import test from 'ava';
import { workloadOf } from '../../src/requests/workload.ts';

const owner = (kind: string, name: string, more: object = {}) => [
	{ apiVersion: 'apps/v1', kind, name, controller: true, ...more },
];
const of = (ownerReferences: readonly unknown[], labels = {}, namespace = 'shop') =>
	workloadOf({ namespace, labels, ownerReferences });
const HASH = { 'pod-template-hash': '5545fdf85f' };

test('a pod of a ReplicaSet belongs to the Deployment that the hash in its label leaves over', t => {
	t.deepEqual(of(owner('ReplicaSet', 'in-5545fdf85f'), HASH), {
		kind: 'Deployment',
		namespace: 'shop',
		name: 'in',
	});
});

test('a pod of a StatefulSet or DaemonSet belongs to it', t => {
	for (const kind of ['StatefulSet', 'DaemonSet'] as const) {
		t.deepEqual(of(owner(kind, 'db')), { kind, namespace: 'shop', name: 'db' });
	}
});

test('a pod without an owner that can be restarted belongs to no workload', t => {
	t.is(of([]), undefined);
	t.is(of([null, 'ReplicaSet', {}]), undefined);
	t.is(of(owner('Job', 'report')), undefined);
	t.is(of(owner('StatefulSet', 'db', { controller: false })), undefined);
	t.is(of(owner('StatefulSet', 'db', { apiVersion: 'apps.example.com/v1' })), undefined);
	t.is(of(owner('StatefulSet', '')), undefined);
	t.is(of(owner('StatefulSet', 'db'), {}, ''), undefined);
	t.is(of(owner('ReplicaSet', 'in-5545fdf85f')), undefined);
	t.is(of(owner('ReplicaSet', 'in-other'), HASH), undefined);
	t.is(of(owner('ReplicaSet', '-5545fdf85f'), HASH), undefined);
});
