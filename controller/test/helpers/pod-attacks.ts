// What a person with the controller's token would try on a pod: each field, each gate, each verb and subresource.
import type { RawRequest } from './servers/raw-request.ts';

export const STRATEGIC = 'application/strategic-merge-patch+json';

/** The one thing that the token may do to a pod that waits. */
export const RELEASE = {
	metadata: { annotations: { 'jasm.codnod.io/start': null } },
	spec: { schedulingGates: [{ $patch: 'delete', name: 'jasm.codnod.io/secret' }] },
};

const spec = (change: object) => ({ spec: change });
const metadata = (change: object) => ({ metadata: change });
const container = (change: object) => spec({ containers: [{ name: 'app', ...change }] });

/** Strategic merge patches, by what each would change. */
export const ATTACKS: Readonly<Record<string, object>> = {
	image: container({ image: 'evil:1' }),
	env: container({ env: [{ name: 'X', value: 'y' }] }),
	command: container({ command: ['sh'] }),
	resources: container({ resources: { limits: { cpu: '1' } } }),
	'a further container': spec({ containers: [{ name: 'evil', image: 'evil:1' }] }),
	'an init container': spec({ initContainers: [{ name: 'evil', image: 'evil:1' }] }),
	'an ephemeral container': spec({ ephemeralContainers: [{ name: 'evil', image: 'evil:1' }] }),
	activeDeadlineSeconds: spec({ activeDeadlineSeconds: 1 }),
	terminationGracePeriodSeconds: spec({ terminationGracePeriodSeconds: 1 }),
	tolerations: spec({ tolerations: [{ key: 'x', operator: 'Exists' }] }),
	nodeSelector: spec({ nodeSelector: { x: 'y' } }),
	affinity: spec({
		affinity: {
			nodeAffinity: {
				requiredDuringSchedulingIgnoredDuringExecution: {
					nodeSelectorTerms: [{ matchExpressions: [{ key: 'x', operator: 'Exists' }] }],
				},
			},
		},
	}),
	nodeName: spec({ nodeName: 'evil' }),
	serviceAccountName: spec({ serviceAccountName: 'admin' }),
	priorityClassName: spec({ priorityClassName: 'system-node-critical' }),
	hostNetwork: spec({ hostNetwork: true }),
	hostPID: spec({ hostPID: true }),
	volumes: spec({ volumes: [{ name: 'host', hostPath: { path: '/' } }] }),
	restartPolicy: spec({ restartPolicy: 'Never' }),
	'a new label': metadata({ labels: { evil: 'x' } }),
	'a changed label': metadata({ labels: { app: 'evil' } }),
	'a removed label': metadata({ labels: { app: null } }),
	'a new annotation': metadata({ annotations: { evil: 'x' } }),
	'the annotation that asks for secrets': metadata({ annotations: { 'jasm.codnod.io/secret-sync': 'x' } }),
	'the same annotation, removed': metadata({ annotations: { 'jasm.codnod.io/secret-sync': null } }),
	'the start annotation, changed': metadata({ annotations: { 'jasm.codnod.io/start': 'after-sync, 1s' } }),
	finalizers: metadata({ finalizers: ['example.com/evil'] }),
	ownerReferences: metadata({ ownerReferences: [{ apiVersion: 'v1', kind: 'Pod', name: 'x', uid: 'x' }] }),
};

const gates = (...schedulingGates: object[]) => spec({ schedulingGates });
const remove = (name: string) => ({ $patch: 'delete', name });

/** What would free a pod of other gates, add one, or leave only half of JASM's own mark. */
export const GATE_ATTACKS: Readonly<Record<string, object>> = {
	'removes a gate of others': gates(remove('example.com/quota')),
	'removes all gates': gates({ $patch: 'replace' }),
	'removes both gates': gates(remove('example.com/quota'), remove('jasm.codnod.io/secret')),
	'adds a gate': gates({ name: 'example.com/evil' }),
	'removes the gate and keeps the annotation': gates(remove('jasm.codnod.io/secret')),
	'removes the annotation and keeps the gate': metadata({ annotations: { 'jasm.codnod.io/start': null } }),
};

/** Every other verb and every subresource. */
export function OTHER_REQUESTS(namespace: string): RawRequest[] {
	const pods = `/api/v1/namespaces/${namespace}/pods`;
	const pod = `${pods}/gated`;
	const manifest = { metadata: { name: 'evil' }, spec: { containers: [{ name: 'app', image: 'evil:1' }] } };
	const target = { target: { apiVersion: 'v1', kind: 'Node', name: 'evil' } };
	const named = { metadata: { name: 'gated', namespace } };
	const apply = { apiVersion: 'v1', kind: 'Pod', metadata: { name: 'evil', labels: { evil: 'x' } } };
	return [
		{ method: 'GET', path: pod },
		{ method: 'PUT', path: pod, body: { ...manifest, metadata: { name: 'gated' } } },
		{ method: 'POST', path: pods, body: manifest },
		{ method: 'DELETE', path: pod },
		{ method: 'DELETE', path: pods },
		{
			method: 'PATCH',
			path: `${pods}/evil?fieldManager=x`,
			contentType: 'application/apply-patch+yaml',
			body: apply,
		},
		{
			method: 'PATCH',
			path: `${pod}?fieldManager=x&force=true`,
			contentType: 'application/apply-patch+yaml',
			body: { ...apply, metadata: { ...apply.metadata, name: 'gated' } },
		},
		{ method: 'POST', path: `${pod}/binding`, body: { ...named, ...target } },
		{
			method: 'POST',
			path: `${pod}/eviction`,
			body: { apiVersion: 'policy/v1', kind: 'Eviction', ...named },
		},
		...['status', 'resize', 'ephemeralcontainers'].map(sub => ({
			method: 'PATCH',
			path: `${pod}/${sub}`,
			contentType: STRATEGIC,
			body: { metadata: { labels: { evil: 'x' } } },
		})),
		...['exec?command=sh&stdout=true', 'attach?stdout=true', 'portforward', 'proxy', 'log'].map(sub => ({
			method: 'GET',
			path: `${pod}/${sub}`,
		})),
	];
}
