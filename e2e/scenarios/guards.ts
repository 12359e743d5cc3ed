// The guards of the program, each met as a reader of the manual would meet it, before anything exists.
import { issuerFlags } from '../../infra/src/preflight/minikube.ts';
import { issuerOf } from '../cloud/aws/issuer.ts';
import { ACCOUNT } from '../cloud/moto.ts';
import { STACK } from '../cluster/stack.ts';
import type { TestEnvironment } from '../cluster/test-environment.ts';
import type { Environment } from '../cluster/workspace.ts';
import type { Report } from '../report/report.ts';
import { INSTALL } from './manual.ts';
import { expect } from './scenario-context.ts';

/** Issuer of the tokens that the stack expects of its cluster. */
export const ISSUER = issuerOf(STACK).issuer;

/** Flags by which minikube starts with that issuer. */
export const ISSUER_FLAGS = issuerFlags(ISSUER);

/** Ends with minikube up, started by the program. */
export async function guards(
	report: Report,
	{ stack, cluster, gate, reader, terminal }: TestEnvironment,
): Promise<void> {
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
	await report.scenario('guard: account', 'another account is refused', async () => {
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
			stack.configure({ kubeContext: 'minikube' });
		}
	});
	await report.scenario('guard: issuer', 'a cluster with another issuer is not reconfigured', async () => {
		await cluster.start('--control-plane-only');
		const why = await refused(/cluster "minikube" issues tokens as \S+, IRSA needs/);
		await reader.paste(terminal, ...reader.section(INSTALL, 'What is checked before anything is touched'));
		const raw = await cluster.kubectl(['get', '--raw', '/.well-known/openid-configuration']);
		expect(raw.stdout.includes(ISSUER), 'the fresh start of the manual gave the cluster another issuer');
		await cluster.minikube('stop');
		return `${why} another one; started again as the manual says`;
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
