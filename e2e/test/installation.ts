// What `pulumi up` leaves: a running, confined controller that AWS knows by its token, and nothing to do twice.
import type * as k8s from '@kubernetes/client-node';
import { expect, type Scene } from '../harness/scene.ts';
import { until } from '../harness/until.ts';
import { ISSUER } from './guards.ts';

export async function installation(scene: Scene): Promise<void> {
	const { report, controller, stage } = scene;
	const { stack, cluster, gate } = stage;

	const up = await report.scenario('pulumi up', 'the full stack comes up, Deployment ready', async () => {
		const { ok, output, counts, tookMs } = await stack.apply('up');
		expect(ok, output.slice(-3000));
		await controller.pod();
		return `${counts['created'] ?? 0} resources in ${(tookMs / 1000).toFixed(0)} s`;
	});
	if (!up) throw new Error('without an installation nothing else can be seen');

	await report.scenario('samples', 'the sample pods run with their Secrets, no restart', async () => {
		const pods = await until('the samples to run', async () => {
			const { items } = await cluster.core.listNamespacedPod({ namespace: 'jasm-sample' });
			return items.length === 2 && items.every(({ status }) => status?.phase === 'Running') && items;
		});
		expect(
			pods.every(pod => controller.restarts(pod) === 0),
			'a sample restarted',
		);
		const log = await until('sample-config to print what it got', async () => {
			const text = await cluster.core.readNamespacedPodLog({
				name: 'sample-config',
				namespace: 'jasm-sample',
			});
			return text.includes('DB_HOST DB_PASSWORD DB_USER') && text;
		});
		return log.trim();
	});

	await report.scenario('IRSA', 'its projected token is exchanged at STS for the role', async () => {
		const { roleArn } = await stack.outputs();
		const exchanges = (await gate.calls()).filter(({ action }) => action === 'AssumeRoleWithWebIdentity');
		// Another cluster's controller may have asked before.
		const call = exchanges.find(({ facts }) => facts['token.iss'] === ISSUER);
		expect(call !== undefined, 'STS was not asked');
		const { facts, status } = call;
		expect(status === 200, `STS answered ${status}`);
		expect(facts['RoleArn'] === roleArn, `role ${facts['RoleArn']}`);
		expect(facts['token.aud'] === 'sts.amazonaws.com', `audience ${facts['token.aud']}`);
		expect(facts['token.sub'] === 'system:serviceaccount:jasm:jasm', `subject ${facts['token.sub']}`);
		expect(facts['token.iss'] === ISSUER, `issuer ${facts['token.iss']}`);
		return `${facts['token.sub']} → ${String(roleArn).split('/').at(-1)}`;
	});

	await report.scenario('container', '100 MiB, read-only, non-root, no capability, seccomp on', async () => {
		const pod = await controller.pod();
		confined(pod);
		const [pid = 0] = await scene.node.processes(controller.containerId(pod));
		const status = await scene.node.command('cat', `/proc/${pid}/status`);
		const field = (name: string) => new RegExp(`^${name}:\\s+(\\S+)`, 'm').exec(status)?.[1];
		expect(field('Uid') === '65532', `runs as user ${field('Uid')}`);
		expect(field('CapEff') === '0000000000000000', `has capabilities ${field('CapEff')}`);
		expect(field('NoNewPrivs') === '1', 'may gain privileges');
		expect(field('Seccomp') === '2', `seccomp mode ${field('Seccomp')}`);
		return `uid ${field('Uid')}, CapEff 0, Seccomp ${field('Seccomp')}`;
	});

	await report.scenario('network policy', 'in: metrics and probes; out: DNS, API server, AWS', async () => {
		const { stdout } = await cluster.kubectl(['-n', 'jasm', 'get', 'networkpolicy', 'jasm', '-o', 'json']);
		const { spec } = JSON.parse(stdout) as k8s.V1NetworkPolicy;
		const ports = (rules: { ports?: k8s.V1NetworkPolicyPort[] }[] | undefined) =>
			(rules ?? []).flatMap(rule => (rule.ports ?? []).map(({ port }) => Number(port))).sort((a, b) => a - b);
		expect(spec?.policyTypes?.join() === 'Ingress,Egress', 'does not hold both directions');
		expect(ports(spec?.ingress).join() === '8080,8081', `in: ${ports(spec?.ingress)}`);
		const out = ports(spec?.egress);
		expect(out.includes(stage.gate.port) && !out.includes(80), `out: ${out}`);
		return `in ${ports(spec?.ingress).join(' ')}; out ${out.join(' ')}`;
	});
	report.cannotShow(
		'network policy enforced',
		'the plain bridge network stores NetworkPolicies and ignores them',
	);

	await report.scenario('pulumi up again', 'no change', async () => {
		const { ok, output, counts } = await stack.apply('up', { args: ['--expect-no-changes'] });
		expect(ok, output.slice(-2000));
		return `${counts['unchanged'] ?? 0} unchanged`;
	});
	await report.scenario('pulumi refresh', 'no drift', async () => {
		const { ok, output, counts } = await stack.apply('refresh', { args: ['--expect-no-changes'] });
		expect(ok, output.slice(-2000));
		return `${counts['unchanged'] ?? 0} unchanged`;
	});
	await report.scenario('state', 'holds no value of a secret', async () => {
		const state = await stack.export();
		expect(!/fake-password-for-tests-only|plain text, fake as well/.test(state), 'a value is in the state');
		return `${(state.length / 1024).toFixed(0)} kB without a value`;
	});
}

function confined({ spec }: k8s.V1Pod): void {
	const [container] = spec?.containers ?? [];
	const security = container?.securityContext;
	expect(container?.resources?.limits?.['memory'] === '100Mi', 'memory limit is not 100 MiB');
	expect(security?.readOnlyRootFilesystem, 'root file system can be written');
	expect(security?.allowPrivilegeEscalation === false, 'privileges can be gained');
	expect(security?.capabilities?.drop?.join() === 'ALL', 'capabilities are not dropped');
	expect(spec?.securityContext?.runAsNonRoot, 'may run as root');
	expect(spec?.securityContext?.seccompProfile?.type === 'RuntimeDefault', 'no seccomp profile');
}
