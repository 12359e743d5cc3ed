// The embedded API server under kubectl, where JASM_TEST_KUBECTL names one.
import { execFile } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import test, { type ExecutionContext } from 'ava';
import { type ApiServer, startApiServer, startWorkloads, type Workloads } from '../../testing/index.ts';

const kubectl = process.env['JASM_TEST_KUBECTL'];
/** Skipped by name where there is no kubectl. */
const withKubectl = kubectl ? test : test.skip;
let server: ApiServer;
let workloads: Workloads;
test.before(async () => {
	server = await startApiServer();
	workloads = startWorkloads(server, { startMs: 20, retryMs: 200 });
});
test.after.always(async () => {
	workloads?.stop();
	await server?.close();
});

/** A home and a namespace for one session; `run` resolves with what kubectl printed. */
const session = (t: ExecutionContext, namespace: string) => {
	const home = mkdtempSync(join(tmpdir(), 'jasm-kubectl-'));
	t.teardown(() => rmSync(home, { recursive: true }));
	const kubeconfig = join(home, 'config');
	writeFileSync(kubeconfig, server.kubeconfig({ namespace }));
	return {
		file(name: string, text: string): string {
			writeFileSync(join(home, name), text);
			return join(home, name);
		},
		async run(...args: string[]): Promise<string> {
			const options = { env: { HOME: home, KUBECONFIG: kubeconfig } };
			const { stdout } = await promisify(execFile)(kubectl!, args, options);
			return stdout;
		},
	};
};

const pod = (name: string, spec: string) =>
	`apiVersion: v1\nkind: Pod\nmetadata: {name: ${name}}\nspec: {containers: [{name: a, image: x${spec}}]}\n`;

withKubectl(
	'kubectl creates, runs, annotates, labels, gets, describes, waits, replaces and deletes',
	async t => {
		const { run, file } = session(t, 'kc');
		t.is(await run('create', 'namespace', 'kc'), 'namespace/kc created\n');
		t.is(await run('run', 'p', '--image=x'), 'pod/p created\n');
		t.is(await run('annotate', 'pod', 'p', 'jasm.codnod.io/secret-sync=x'), 'pod/p annotated\n');
		t.is(await run('label', 'pod', 'p', 'l=m'), 'pod/p labeled\n');
		t.is(await run('wait', 'pod/p', '--for=condition=Ready', '--timeout=5s'), 'pod/p condition met\n');
		t.regex(await run('get', 'pods'), /^NAME +READY +STATUS +RESTARTS +AGE\np +1\/1 +Running +0 +\d+s\n$/);
		t.is(await run('get', 'pod', 'p', '-o', 'jsonpath={.metadata.labels.l}'), 'm');
		t.is(await run('create', 'secret', 'generic', 's', '--from-literal=a=b'), 'secret/s created\n');
		t.regex(await run('describe', 'secret', 's'), /\na: {2}1 bytes\n/);
		t.is(
			await run('create', 'role', 'r', '--verb=get', '--resource=pods'),
			'role.rbac.authorization.k8s.io/r created\n',
		);
		t.is(
			await run('create', 'rolebinding', 'r', '--role=r', '--serviceaccount=kc:default'),
			'rolebinding.rbac.authorization.k8s.io/r created\n',
		);
		const as = '--as=system:serviceaccount:kc:default';
		t.is(await run('auth', 'can-i', 'get', 'pods', as), 'yes\n');
		await t.throwsAsync(run('auth', 'can-i', 'get', 'secrets', as), { message: /Command failed/ });
		t.regex(await run('create', 'token', 'default'), /^ey/);
		const manifest = file('cm.yaml', 'apiVersion: v1\nkind: ConfigMap\nmetadata: {name: c}\ndata: {a: b}\n');
		t.is(await run('create', '-f', manifest), 'configmap/c created\n');
		t.is(await run('replace', '-f', manifest), 'configmap/c replaced\n');
		t.is(await run('create', 'service', 'clusterip', 'v', '--tcp=80:8080'), 'service/v created\n');
		t.is(await run('get', 'service', 'v', '-o', 'jsonpath={.spec.ports[0].targetPort}'), '8080');
		t.regex(
			await run('get', 'nodes'),
			/^NAME +STATUS +ROLES +AGE +VERSION\nembedded +Ready +<none> +\d+s +v1\./,
		);
		t.regex(await run('delete', 'pod', 'p'), /pod "p" deleted/);
		t.regex(await run('delete', 'namespace', 'kc'), /namespace "kc" deleted/);
	},
);

withKubectl('kubectl shows the events of either group, sorted by the time asked for', async t => {
	const { run } = session(t, 'ke');
	await run('create', 'namespace', 'ke');
	await run('run', 'p', '--image=x');
	const { uid } = server.get('Pod', 'ke', 'p').metadata;
	const regarding = { kind: 'Pod', namespace: 'ke', name: 'p', uid };
	server.create({
		kind: 'Event',
		apiVersion: 'events.k8s.io/v1',
		metadata: { name: 'e', namespace: 'ke' },
		regarding,
		reason: 'SecretSynced',
		note: 'it is there',
		type: 'Normal',
		action: 'Sync',
		eventTime: new Date().toISOString().replace('Z', '000Z'),
		reportingController: 'jasm',
		reportingInstance: 'jasm-0',
	});
	t.regex(await run('describe', 'pod', 'p'), /Normal +SecretSynced +.*it is there/);
	for (const order of [[], ['--sort-by=.lastTimestamp'], ['--sort-by=.metadata.creationTimestamp']]) {
		const table = await run('get', 'events', ...order);
		t.regex(table, /^LAST SEEN +TYPE +REASON +OBJECT +MESSAGE\n/);
		t.regex(table, /\d+s +Normal +SecretSynced +pod\/p +it is there/);
		t.regex(table, /\d+s +Normal +Scheduled +pod\/p +Successfully assigned ke\/p to embedded/);
	}
	await run('delete', 'namespace', 'ke');
});

withKubectl('kubectl creates, scales, restarts, rolls back and deletes a Deployment', async t => {
	const { run } = session(t, 'kd');
	await run('create', 'namespace', 'kd');
	const status = () => run('rollout', 'status', 'deployment/web', '--timeout=20s');
	t.is(
		await run('create', 'deployment', 'web', '--image=x:1', '--replicas=3'),
		'deployment.apps/web created\n',
	);
	t.regex(await status(), /successfully rolled out\n$/);
	t.is(await run('scale', 'deployment/web', '--replicas=2'), 'deployment.apps/web scaled\n');
	t.regex(await status(), /successfully rolled out\n$/);
	t.is(await run('rollout', 'restart', 'deployment/web'), 'deployment.apps/web restarted\n');
	t.regex(await status(), /successfully rolled out\n$/);
	t.regex(
		await run('get', 'deployments'),
		/^NAME +READY +UP-TO-DATE +AVAILABLE +AGE\nweb +2\/2 +2 +2 +\d+s\n$/,
	);
	t.is((await run('get', 'replicasets', '--no-headers')).trim().split('\n').length, 2);
	t.is(await run('rollout', 'undo', 'deployment/web'), 'deployment.apps/web rolled back\n');
	t.regex(await status(), /successfully rolled out\n$/);
	t.is((await run('get', 'replicasets', '--no-headers')).trim().split('\n').length, 2);
	t.regex(await run('rollout', 'history', 'deployment/web'), /\n2 +<none>\n3 +<none>\n/);
	await run('delete', 'deployment', 'web');
	await run('wait', '--for=delete', 'pod', '-l', 'app=web', '--timeout=20s');
	t.is(await run('get', 'all', '-o', 'name'), '');
	await run('delete', 'namespace', 'kd');
});

withKubectl('kubectl shows what a pod waits for, and that it runs once its Secret exists', async t => {
	const { run, file } = session(t, 'kw');
	await run('create', 'namespace', 'kw');
	await run('apply', '-f', file('p.yaml', pod('p', ', envFrom: [{secretRef: {name: s}}]')));
	const waiting =
		'--for=jsonpath={.status.containerStatuses[0].state.waiting.reason}=CreateContainerConfigError';
	await run('wait', 'pod/p', waiting, '--timeout=20s');
	t.regex(await run('get', 'pods'), /\np +0\/1 +CreateContainerConfigError +0 +/);
	t.regex(await run('describe', 'pod', 'p'), /Warning +Failed +.*kubelet +Error: secret "s" not found/);
	await run('create', 'secret', 'generic', 's', '--from-literal=a=b');
	await run('wait', 'pod/p', '--for=condition=Ready', '--timeout=20s');
	t.regex(await run('get', 'pods'), /\np +1\/1 +Running +0 +/);
	await run('delete', 'namespace', 'kw');
});

withKubectl('kubectl explains kinds and fields, and hears why there is no log', async t => {
	const { run } = session(t, 'kx');
	await run('create', 'namespace', 'kx');
	await run('run', 'p', '--image=x');
	t.regex(await run('explain', 'pod'), /KIND: +Pod\nVERSION: +v1\n[\s\S]*metadata\t<ObjectMeta>/);
	t.regex(await run('explain', 'deployment.metadata'), /annotations\t<Object>/);
	await t.throwsAsync(run('logs', 'p'), { message: /stores objects and runs none/ });
	await run('delete', 'namespace', 'kx');
});
