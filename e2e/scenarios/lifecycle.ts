// Changes of the installation and its end: a new config rolls it, the profile switches, destroy leaves nothing.
import { ListOpenIDConnectProvidersCommand, ListRolesCommand } from '@aws-sdk/client-iam';
import { ListBucketsCommand } from '@aws-sdk/client-s3';
import { DescribeSecretCommand } from '@aws-sdk/client-secrets-manager';
import { must } from '../cluster/processes.ts';
import { counts } from '../cluster/stack.ts';
import { until } from '../cluster/until.ts';
import { PATHS } from '../cluster/workspace.ts';
import { INSTALL } from './manual.ts';
import { rights } from './rights.ts';
import { expect, PROVIDER, type ScenarioContext } from './scenario-context.ts';
import { freeByHand, gatesAreOn, holdPod } from './start-gate.ts';

/** What an installation consists of, as kubectl names it; `jasm` stands in each name. */
const KINDS = [
	'namespaces',
	'clusterroles',
	'clusterrolebindings',
	'validatingadmissionpolicies',
	'validatingadmissionpolicybindings',
];

export async function changes(context: ScenarioContext): Promise<void> {
	const { report, environment, controller } = context;
	const { stack } = environment;
	const apply = async () => {
		const { ok, output, counts } = await stack.apply('up');
		expect(ok, output.slice(-2000));
		return counts;
	};

	await report.scenario(
		'config change',
		'a new policy rule rolls the Deployment and lets a denied pod in',
		async () => {
			const tenant = await context.tenant('late');
			await context.store('/late/config', { KEY: 'fake' });
			await tenant.pod('denied', {
				request: { provider: PROVIDER, path: '/late/config', secretName: 'late' },
			});
			await tenant.event('denied', 'PolicyDenied');
			const before = controller.name(await controller.pod());
			const config = stack.setting('policy') as object[];
			stack.configure({
				policy: [...config, { namespaces: ['e2e-late'], provider: PROVIDER, paths: ['/late/**'] }],
			});
			await apply();
			expect(controller.name(await controller.pod()) !== before, 'the pods were not rolled');
			await tenant.printed('denied');
			stack.configure({ policy: config });
			await apply();
			await controller.pod();
			await tenant.delete();
			return 'rolled; the denied pod runs';
		},
	);
	await report.scenario('profile self-heal', 'a deleted and an edited Secret come back at once', async () => {
		stack.configure({ profile: 'self-heal' });
		await apply();
		await controller.pod();
		const tenant = await context.tenant('heal');
		await context.store('/prod/heal/config', { KEY: 'fake' });
		/** A Secret each: one that is changed again and again is corrected only so often. */
		const timed = async (name: string, ...args: string[]) => {
			await tenant.pod(name, {
				request: { provider: PROVIDER, path: '/prod/heal/config', secretName: name },
			});
			await context.holds(tenant, name, { KEY: 'fake' });
			const before = (await tenant.liveSecret(name))?.metadata?.resourceVersion;
			await environment.cluster.kubectl(['-n', tenant.namespace, ...args]);
			const began = Date.now();
			await until(
				'the Secret to come back',
				async () => {
					const live = await tenant.liveSecret(name);
					const value = Buffer.from(live?.data?.['KEY'] ?? '', 'base64').toString();
					return value === 'fake' && live?.metadata?.resourceVersion !== before;
				},
				{ everyMs: 10 },
			);
			return Date.now() - began;
		};
		const deleted = await timed('gone', 'delete', 'secret', 'gone');
		const edited = await timed(
			'edited',
			'patch',
			'secret',
			'edited',
			'--type=merge',
			'-p',
			'{"stringData":{"KEY":"x"}}',
		);
		await tenant.delete();
		expect(deleted < 2000 && edited < 2000, `deleted: back in ${deleted} ms; edited: ${edited} ms`);
		return `deleted: back in ${deleted} ms; edited: ${edited} ms`;
	});
	await rights(context, 'self-heal');
	await report.scenario('profile write-only', 'switched back, reading is refused again', async () => {
		stack.configure({ profile: undefined });
		await apply();
		await controller.pod();
		const asked = ['auth', 'can-i', 'get', 'secrets', '-A', '--as', 'system:serviceaccount:jasm:jasm'];
		const { stdout } = await environment.cluster.kubectl(asked);
		expect(stdout.trim() === 'no', 'it can still read Secrets');
		const again = await stack.apply('up', { args: ['--expect-no-changes'] });
		expect(again.ok, again.output.slice(-2000));
		return 'no right to read, nothing left to change';
	});
}

/** Those that only clusters with start gates have. */
const START_KINDS = ['mutatingadmissionpolicies', 'mutatingadmissionpolicybindings'];

export async function end(context: ScenarioContext): Promise<void> {
	const { report, environment } = context;
	const { cluster, account, reader, terminal, env } = environment;
	const gated = await gatesAreOn(context);
	const held = gated ? await holdPod(context) : undefined;
	await report.scenario(
		'pulumi destroy',
		'nothing is left in the cluster, in AWS, in the state',
		async () => {
			const kinds = [...KINDS, ...(gated ? START_KINDS : [])];
			const [destroy, ...remains] = reader.section(INSTALL, 'Uninstall');
			const deleted = counts(await reader.paste(terminal, destroy!))['deleted'] ?? 0;
			const { stdout } = await cluster.kubectl(['get', kinds.join(), '-o', 'name']);
			const left = stdout.split('\n').filter(name => /\/jasm(-|$)/.test(name));
			expect(left.length === 0, `in the cluster: ${left}`);
			const roles = (await account.iam.send(new ListRolesCommand({}))).Roles ?? [];
			const owned = roles.map(({ RoleName }) => RoleName);
			const buckets = (await account.s3.send(new ListBucketsCommand({}))).Buckets ?? [];
			const issuers =
				(await account.iam.send(new ListOpenIDConnectProvidersCommand({}))).OpenIDConnectProviderList ?? [];
			const names = [...owned, ...buckets.map(({ Name }) => Name), ...issuers.map(({ Arn }) => Arn)];
			const mine = names.filter(name => !/oldest/.test(name ?? ''));
			expect(mine.length === 0, `in AWS: ${mine}`);
			const gone = await account.secrets
				.send(new DescribeSecretCommand({ SecretId: '/prod/codnod/config' }))
				.then(
					() => false,
					error => (error as Error).name === 'ResourceNotFoundException',
				);
			expect(gone, 'a test secret is left in AWS');
			const stacks = await must('pulumi', ['stack', 'ls', '--json'], { env, cwd: PATHS.clone });
			expect(JSON.parse(stacks).length === 0, 'the stack is left');
			const status = await must('git', ['-C', PATHS.clone, 'status', '--porcelain'], { env });
			expect(status === '', `in the clone: ${status}`);
			const said = await reader.paste(terminal, ...remains);
			expect(/secret "\S+" deleted/.test(said), 'no Secret was left behind, or it was not deleted');
			return `${deleted} deleted, 0 left`;
		},
	);
	if (held !== undefined) await freeByHand(context, held);
}
