// What `pulumi up` leaves: a running, confined controller that AWS knows by its token, and nothing to do twice.
import type * as k8s from '@kubernetes/client-node';
import { counts } from '../cluster/stack.ts';
import { START } from '../users/tenant.ts';
import { ISSUER } from './guards.ts';
import { bringUp, lookAtSamples } from './manual.ts';
import { expect, type ScenarioContext } from './scenario-context.ts';
import { gatesAreOn } from './start-gate.ts';

export async function installation(context: ScenarioContext): Promise<void> {
	const { report, controller, environment } = context;
	const { stack, cluster, gate } = environment;

	const up = await report.scenario(
		'pulumi up',
		'the committed stack, its image built and loaded',
		async () => {
			const began = Date.now();
			const created = counts(await bringUp(environment))['created'] ?? 0;
			expect(created > 0, 'nothing was created');
			const { image } = await stack.outputs();
			expect(image === context.images.controller, `the image is ${image}`);
			await controller.pod();
			return `${created} resources and the image in ${((Date.now() - began) / 1000).toFixed(0)} s`;
		},
	);
	if (!up) throw new Error('without an installation nothing else can be seen');

	await report.scenario('samples', 'the sample pods run with their Secrets, no restart', async () => {
		const said = await lookAtSamples(environment);
		const { items } = await cluster.core.listNamespacedPod({ namespace: 'jasm-sample' });
		expect(
			items.length === 2 && items.every(pod => controller.restarts(pod) === 0),
			'a sample is missing or restarted',
		);
		const { items: deployments } = await cluster.apps.listNamespacedDeployment({ namespace: 'jasm-sample' });
		const asks = deployments.every(
			({ spec }) => spec?.template.metadata?.annotations?.[START] === 'after-sync',
		);
		const waiting = items.filter(pod => pod.metadata?.annotations?.[START] !== undefined);
		expect(!(await gatesAreOn(context)) || (asks && waiting.length === 0), 'the samples did not wait');
		expect(/SecretSyncSuccess/.test(said), 'the description shows no Event of success');
		const log = /^got .*$/m.exec(said)?.[0];
		expect(log === 'got DB_HOST DB_PASSWORD DB_USER', `sample-config printed: ${log}`);
		return log;
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
		const [pid = 0] = await context.node.processes(controller.containerId(pod));
		const status = await context.node.command('cat', `/proc/${pid}/status`);
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
		expect(out.includes(environment.gate.port) && !out.includes(80), `out: ${out}`);
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
