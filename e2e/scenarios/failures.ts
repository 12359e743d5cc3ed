// Failures as a user sees them: what `kubectl describe pod` says, and that the pod recovers once the cause is gone.
import { DeleteRolePolicyCommand, PutRolePolicyCommand } from '@aws-sdk/client-iam';
import type { Request, Tenant } from '../users/tenant.ts';
import { expect, PROVIDER, type ScenarioContext } from './scenario-context.ts';

/** Retries of a failure begin after 5 s. Within this time after the cure the pod has to run. */
const CURE_MS = 60_000;

type Failure = {
	readonly name: string;
	readonly expectation: string;
	readonly pod: string;
	readonly request: Request;
	/** Names of Secrets that the pod needs, if the request cannot be parsed. */
	readonly envFrom?: string[];
	readonly reason: string;
	/** Must be in the Event: what is wrong, the code, what to do. */
	readonly says: readonly RegExp[];
	/** Removes the cause; absent if only a new pod can help. */
	readonly cure?: () => Promise<unknown>;
};

export async function failures(context: ScenarioContext): Promise<void> {
	const { report, environment, controller } = context;
	const tenant = await context.tenant('team-unlucky');
	const { iam } = environment.account;
	const ask = (path: string, secretName: string) => ({ provider: PROVIDER, path, secretName });
	const deny = { RoleName: await context.role(), PolicyName: 'e2e-deny' };

	await context.store('/prod/unlucky/denied', { KEY: 'fake' });
	await context.store('/prod/unlucky/owned', { KEY: 'fake' });
	await environment.cluster.core.createNamespacedSecret({
		namespace: tenant.namespace,
		body: { metadata: { name: 'taken' }, stringData: { MINE: 'fake-and-mine' } },
	});
	await iam.send(
		new PutRolePolicyCommand({
			...deny,
			PolicyDocument: JSON.stringify({
				Version: '2012-10-17',
				Statement: [
					{
						Effect: 'Deny',
						Action: 'secretsmanager:GetSecretValue',
						Resource: 'arn:aws:secretsmanager:*:*:secret:/prod/unlucky/denied-*',
					},
				],
			}),
		}),
	);
	await new Promise(resolve => setTimeout(resolve, 1100));

	const all: Failure[] = [
		{
			name: 'failure: missing secret',
			expectation: 'Event with code; recovers when it is created',
			pod: 'missing',
			request: ask('/prod/unlucky/later', 'later'),
			reason: 'SecretFetchFailed',
			says: [/\/prod\/unlucky\/later/, /SECRET_NOT_FOUND/, /create the secret/],
			cure: () => context.store('/prod/unlucky/later', { KEY: 'fake' }),
		},
		{
			name: 'failure: denied by IAM',
			expectation: 'Event without account or role; recovers when allowed',
			pod: 'iam',
			request: ask('/prod/unlucky/denied', 'denied'),
			reason: 'SecretFetchFailed',
			says: [/PROVIDER_DENIED/, /missing or JASM is not allowed/],
			cure: () => iam.send(new DeleteRolePolicyCommand(deny)),
		},
		{
			name: 'failure: unowned Secret',
			expectation: 'untouched, Event; recovers when it is deleted',
			pod: 'unowned',
			request: ask('/prod/unlucky/owned', 'taken'),
			reason: 'SecretNotOwned',
			says: [/taken/, /SECRET_NOT_OWNED/, /choose another secretName/],
			cure: () =>
				environment.cluster.core.deleteNamespacedSecret({ name: 'taken', namespace: tenant.namespace }),
		},
		{
			name: 'failure: denied by policy',
			expectation: 'Event that does not confirm the secret, no call',
			pod: 'policy',
			request: ask('/teams/another-team/config', 'foreign'),
			reason: 'PolicyDenied',
			says: [/POLICY_DENIED/, /ask the operator/],
		},
		{
			name: 'failure: bad annotation',
			expectation: 'Event names the nearest field, no call; recovers when corrected',
			pod: 'typo',
			request: JSON.stringify({ provider: PROVIDER, path: '/prod/codnod/config', secretname: 'typo' }),
			envFrom: ['typo'],
			reason: 'AnnotationInvalid',
			says: [/secretname/, /secretName/, /ANNOTATION_INVALID/],
			cure: () => correct(tenant, context, ask('/prod/codnod/config', 'typo')),
		},
	];
	for (const failure of all) {
		await report.scenario(failure.name, failure.expectation, async () => {
			const mark = await context.mark();
			const { envFrom } = failure;
			await tenant.pod(failure.pod, {
				request: failure.request,
				...(envFrom === undefined ? {} : { envFrom }),
			});
			const note = await tenant.event(failure.pod, failure.reason);
			for (const part of failure.says) expect(part.test(note), `the Event does not say ${part}: ${note}`);
			expect(!/\d{12}|arn:aws|fake/.test(note), 'the Event holds an account, a role or a value');
			const shown = await tenant.describe(failure.pod);
			expect(shown.includes(failure.reason), '`kubectl describe pod` does not show it');
			if (failure.name.includes('policy') || failure.name.includes('annotation')) {
				expect((await context.reads(mark)) === 0, 'the provider was called');
			}
			if (failure.pod === 'unowned') {
				const live = await tenant.secret('taken');
				expect(live?.['MINE'] === 'fake-and-mine', 'the Secret was touched');
			}
			if (failure.cure === undefined) return note;
			const cured = Date.now();
			await failure.cure();
			// That pod runs already, with what the foreign Secret held: the next one gets what it asked for.
			if (failure.pod === 'unowned') {
				await context.holds(tenant, 'taken', { KEY: 'fake' }, CURE_MS);
				return `${note} | written ${((Date.now() - cured) / 1000).toFixed(1)} s after the cure`;
			}
			const { started } = await tenant.printed(failure.pod, CURE_MS);
			expect(controller.restarts(await podOf(context, tenant, failure.pod)) === 0, 'the pod restarted');
			return `${note} | runs ${((started - cured) / 1000).toFixed(1)} s after the cure`;
		});
	}
	await report.scenario('failure: too large', 'over 1 MiB: size in the Event, nothing written', async () => {
		// AWS ends at 64 KiB, the emulator does not: it stands for a provider that holds more.
		await context.store('/prod/unlucky/huge', 'y'.repeat(1_100_000));
		await tenant.pod('large', { request: { ...ask('/prod/unlucky/huge', 'huge'), key: 'all' } });
		const note = await tenant.event('large', 'SecretSyncFailed', /SECRET_TOO_LARGE/);
		expect((await tenant.liveSecret('huge')) === undefined, 'it was written');
		return note;
	});
	await tenant.delete();
}

async function correct(tenant: Tenant, { environment }: ScenarioContext, request: object): Promise<void> {
	const patch = JSON.stringify({
		metadata: { annotations: { 'jasm.codnod.io/secret-sync': JSON.stringify(request) } },
	});
	await environment.cluster.kubectl([
		'-n',
		tenant.namespace,
		'patch',
		'pod',
		'typo',
		'--type=merge',
		'-p',
		patch,
	]);
}

function podOf({ environment }: ScenarioContext, { namespace }: Tenant, name: string) {
	return environment.cluster.core.readNamespacedPod({ name, namespace });
}
