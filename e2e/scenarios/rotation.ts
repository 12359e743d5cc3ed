// A secret that changes in AWS reaches a running container: the queue by the program, the event by EventBridge in moto.
import { EventBridgeClient, PutEventsCommand } from '@aws-sdk/client-eventbridge';
import { GetSecretValueCommand, PutSecretValueCommand } from '@aws-sdk/client-secrets-manager';
import { REGION } from '../cloud/moto.ts';
import { until } from '../cluster/until.ts';
import { expect, PROVIDER, type ScenarioContext } from './scenario-context.ts';

const PATH = '/prod/rotation/database';

/** The kubelet looks at the Secrets of its volumes about once a minute. */
const VOLUME_MS = 180_000;

export async function rotation(context: ScenarioContext): Promise<void> {
	const { report, environment, controller } = context;
	const apply = async (changeQueue: boolean | undefined) => {
		environment.stack.configure({ changeQueue });
		const { ok, output, counts } = await environment.stack.apply('up');
		expect(ok, output.slice(-2000));
		await controller.ready();
		return counts;
	};
	try {
		const up = await report.scenario(
			'change queue',
			'changeQueue: true makes queue, rule, policies and the right to receive',
			async () => {
				const counts = await apply(true);
				const mark = await context.mark();
				await until('the controller to wait at the queue', async () =>
					(await environment.gate.calls(mark)).some(
						({ action, verdict }) => action === 'ReceiveMessage' && verdict === 'allowed',
					),
				);
				const again = await environment.stack.apply('preview', { args: ['--expect-no-changes'] });
				expect(again.ok, `a second run would change something: ${again.output.slice(-1500)}`);
				return `${counts['created'] ?? 0} created, ${counts['updated'] ?? 0} updated; again: unchanged`;
			},
		);
		if (up) await rotate(context);
	} finally {
		await report.scenario('change queue removed', 'the stack without it leaves no queue', async () => {
			const { deleted = 0 } = await apply(undefined);
			expect(deleted > 0, 'nothing was deleted');
			return `${deleted} deleted`;
		});
	}
}

async function rotate(context: ScenarioContext): Promise<void> {
	const { report, environment } = context;
	const tenant = await context.tenant('rotation');
	const events = eventBridge(context);
	await report.scenario(
		'rotation',
		'a running container reads the new value from its volume, without a new pod',
		async () => {
			await context.store(PATH, { PASSWORD: 'fake-1' });
			const request = { provider: PROVIDER, path: PATH, secretName: 'database' };
			await tenant.reader('app', { request, secretName: 'database', key: 'PASSWORD' });
			await until('the container to read the first value', () => tenant.hasRead('app', 'fake-1'), {
				timeoutMs: VOLUME_MS,
			});
			const { secrets } = environment.account;
			const SecretString = JSON.stringify({ PASSWORD: 'fake-2' });
			const mark = await context.mark();
			const { ARN = '', VersionId = '' } = await secrets.send(
				new PutSecretValueCommand({ SecretId: PATH, SecretString }),
			);
			// moto emits no events of Secrets Manager: the run emits the one that AWS would.
			const began = Date.now();
			await events.send(new PutEventsCommand({ Entries: [labelUpdated(PATH, ARN, VersionId)] }));
			await context.holds(tenant, 'database', { PASSWORD: 'fake-2' });
			const written = Date.now() - began;
			const note = await tenant.event('app', 'SecretUpdated');
			expect(note.includes(VersionId), `the Event says: ${note}`);
			await until('the container to read the new value', () => tenant.hasRead('app', 'fake-2'), {
				timeoutMs: VOLUME_MS,
			});
			const seen = Date.now() - began;
			const reads = await context.reads(mark, PATH);
			expect(reads === 1, `the secret was read ${reads} times`);
			const [pod] = await tenant.pods();
			expect(pod?.status?.containerStatuses?.[0]?.restartCount === 0, 'the container restarted');
			const current = await secrets.send(new GetSecretValueCommand({ SecretId: PATH }));
			expect(current.VersionId === VersionId, 'the store holds another version');
			return `event → Secret ${written} ms, → file in the container ${(seen / 1000).toFixed(0)} s; 1 read, 0 restarts`;
		},
	);
	await report.scenario('rotation, again', 'the same event once more changes and reads nothing', async () => {
		const { secrets } = environment.account;
		const { ARN = '', VersionId = '' } = await secrets.send(new GetSecretValueCommand({ SecretId: PATH }));
		const before = (await tenant.liveSecret('database'))?.metadata?.resourceVersion;
		const mark = await context.mark();
		await events.send(new PutEventsCommand({ Entries: [labelUpdated(PATH, ARN, VersionId)] }));
		await until('the message to be deleted', async () =>
			(await environment.gate.calls(mark)).some(({ action }) => action === 'DeleteMessageBatch'),
		);
		expect((await context.reads(mark, PATH)) === 0, 'it was read');
		const after = (await tenant.liveSecret('database'))?.metadata?.resourceVersion;
		expect(before === after, 'the Secret changed');
		return 'deleted as known';
	});
	await tenant.delete();
}

export const eventBridge = ({ environment }: ScenarioContext): EventBridgeClient =>
	new EventBridgeClient({
		endpoint: environment.moto.endpoint,
		region: REGION,
		credentials: { accessKeyId: 'deployer', secretAccessKey: 'fake' },
	});

/** The event that AWS emits when a secret has a new version. */
export const labelUpdated = (path: string, arn: string, versionId: string) => ({
	Source: 'aws.secretsmanager',
	DetailType: 'Secret Label Updated',
	Resources: [arn],
	Time: new Date(),
	Detail: JSON.stringify({ name: path, labelUpdated: 'AWSCURRENT', versionId }),
});
