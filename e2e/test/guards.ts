// The guards of the program, each met as a person would meet it, before anything exists.
import { issuerFlags } from '../../infra/src/minikube.ts';
import { ACCOUNT, REGION } from '../harness/moto.ts';
import type { Report } from '../harness/report.ts';
import { expect } from '../harness/scene.ts';
import type { Stage } from '../harness/stage.ts';
import type { Environment } from '../harness/workspace.ts';

/** Issuer of the tokens that the stack expects of its cluster. */
export const ISSUER = `https://jasm-oidc-${ACCOUNT}-minikube.s3.${REGION}.amazonaws.com`;

/** Flags by which minikube starts with that issuer. */
export const ISSUER_FLAGS = issuerFlags(ISSUER);

/** Ends with minikube up, started by the program itself. */
export async function guards(report: Report, { stack, cluster, gate }: Stage): Promise<void> {
	const refused = async (because: RegExp, env: Environment = {}): Promise<string> => {
		const { ok, output } = await stack.apply('preview', { env });
		expect(!ok, 'the program was not refused');
		expect(because.test(output), `refused for another reason: ${output.slice(-800)}`);
		return because.exec(output)?.[0] ?? '';
	};

	await report.scenario('guard: profile', 'another AWS_PROFILE is refused', () =>
		refused(/AWS_PROFILE is "other"[^.]*/, { AWS_PROFILE: 'other' }),
	);
	await report.scenario('guard: keys', 'static keys in the environment are refused', () =>
		refused(/static AWS keys are in the environment \(\w+\)/, { AWS_ACCESS_KEY_ID: 'fake' }),
	);
	await report.scenario('guard: account', 'the account of somebody else is refused', async () => {
		stack.configure({ awsAccountId: '000000000000' });
		try {
			return await refused(/belongs to account \d+, the stack to 000000000000/);
		} finally {
			stack.configure({ awsAccountId: ACCOUNT });
		}
	});
	await report.scenario('guard: context', 'a context other than minikube is refused', async () => {
		stack.configure({ kubeContext: 'production' });
		try {
			return await refused(/"production" is not minikube/);
		} finally {
			stack.configure({ kubeContext: undefined });
		}
	});
	await report.scenario('guard: issuer', 'a cluster with another issuer is not reconfigured', async () => {
		await cluster.start('--control-plane-only');
		try {
			return await refused(/cluster "minikube" issues tokens as \S+, IRSA needs/);
		} finally {
			await cluster.delete();
		}
	});
	const up = await report.scenario(
		'guard: minikube',
		'minikube is down: preview starts it with the issuer of IRSA',
		async () => {
			const { ok, output, tookMs, counts } = await stack.apply('preview');
			expect(ok, output.slice(-1500));
			expect(await cluster.running('APIServer'), 'the cluster is not up');
			expect((await gate.mark()) === 0, 'AWS was called by a controller that does not exist yet');
			return `up and previewed in ${(tookMs / 1000).toFixed(0)} s, ${counts['create'] ?? 0} resources to create`;
		},
	);
	if (!up) throw new Error('without a cluster nothing else can be seen');
}
