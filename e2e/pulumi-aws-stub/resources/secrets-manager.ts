// The Secrets Manager resources: a secret and the value of its current version.
import * as sm from '@aws-sdk/client-secrets-manager';
import { type ResourceKind, tagInput, tagList, text, unlessGone } from '../resource-kind.ts';

const GONE = 'ResourceNotFoundException';

const secret: ResourceKind = {
	applied: ['name', 'description', 'kmsKeyId', 'recoveryWindowInDays', 'tags'],
	replaceOn: ['name'],
	named: 'name',
	async create(inputs, aws) {
		const answer = await aws.secrets.send(
			new sm.CreateSecretCommand({
				Name: text(inputs, 'name'),
				Description: inputs.description as string | undefined,
				KmsKeyId: inputs.kmsKeyId as string | undefined,
				Tags: tagList(inputs),
			}),
		);
		return answer.ARN!;
	},
	async read(id, inputs, aws) {
		const live = await unlessGone(aws.secrets.send(new sm.DescribeSecretCommand({ SecretId: id })), GONE);
		if (live === undefined || live.DeletedDate !== undefined) return undefined;
		return {
			inputs: {
				name: live.Name,
				...(live.Description ? { description: live.Description } : {}),
				...(inputs.kmsKeyId === undefined ? {} : { kmsKeyId: live.KmsKeyId }),
				...tagInput(inputs, live.Tags),
			},
			outputs: { arn: live.ARN ?? id, region: aws.region },
		};
	},
	async update(id, inputs, aws) {
		await aws.secrets.send(
			new sm.UpdateSecretCommand({
				SecretId: id,
				Description: (inputs.description as string | undefined) ?? '',
				KmsKeyId: inputs.kmsKeyId as string | undefined,
			}),
		);
		const live = await aws.secrets.send(new sm.DescribeSecretCommand({ SecretId: id }));
		const declared = (inputs.tags ?? {}) as object;
		const TagKeys = (live.Tags ?? []).map(({ Key }) => Key!).filter(key => !(key in declared));
		if (TagKeys.length > 0) await aws.secrets.send(new sm.UntagResourceCommand({ SecretId: id, TagKeys }));
		const Tags = tagList(inputs);
		if (Tags.length > 0) await aws.secrets.send(new sm.TagResourceCommand({ SecretId: id, Tags }));
	},
	async delete(id, inputs, aws) {
		const days = (inputs.recoveryWindowInDays as number | undefined) ?? 30;
		const how = days === 0 ? { ForceDeleteWithoutRecovery: true } : { RecoveryWindowInDays: days };
		await unlessGone(aws.secrets.send(new sm.DeleteSecretCommand({ SecretId: id, ...how })), GONE);
	},
};

const VALUES = ['secretString', 'secretStringWo', 'secretBinary'];

const secretVersion: ResourceKind = {
	applied: ['secretId', 'secretString', 'secretStringWo', 'secretStringWoVersion', 'secretBinary'],
	// A version cannot change: another value is another version.
	replaceOn: ['secretId', 'secretString', 'secretStringWoVersion', 'secretBinary'],
	writeOnly: ['secretStringWo'],
	faults(inputs) {
		const given = VALUES.filter(name => inputs[name] !== undefined);
		const pair = (inputs.secretStringWo === undefined) === (inputs.secretStringWoVersion === undefined);
		return [
			...(given.length === 1 ? [] : [`${VALUES.join(', ')}: exactly one of them is needed`]),
			...(pair ? [] : ['secretStringWo and secretStringWoVersion: each needs the other']),
		];
	},
	async create(inputs, aws) {
		const SecretString = (inputs.secretStringWo ?? inputs.secretString) as string | undefined;
		const binary = inputs.secretBinary as string | undefined;
		const answer = await aws.secrets.send(
			new sm.PutSecretValueCommand({
				SecretId: text(inputs, 'secretId'),
				...(binary === undefined ? { SecretString } : { SecretBinary: Buffer.from(binary, 'base64') }),
			}),
		);
		return `${text(inputs, 'secretId')}|${answer.VersionId}`;
	},
	async read(id, inputs, aws) {
		const [SecretId, VersionId = ''] = id.split('|');
		const live = await unlessGone(aws.secrets.send(new sm.DescribeSecretCommand({ SecretId })), GONE);
		const stages = live?.VersionIdsToStages?.[VersionId];
		if (live === undefined || live.DeletedDate !== undefined || stages === undefined) return undefined;
		return {
			inputs: {},
			outputs: {
				arn: live.ARN ?? '',
				secretArn: live.ARN ?? '',
				versionId: VersionId,
				versionStages: stages,
				hasSecretStringWo: inputs.secretStringWoVersion !== undefined,
				region: aws.region,
			},
		};
	},
	async update() {
		throw new Error('updating a secret version: none of its inputs can change in place');
	},
	async delete(id, _, aws) {
		const [SecretId, VersionId = ''] = id.split('|');
		const live = await unlessGone(aws.secrets.send(new sm.DescribeSecretCommand({ SecretId })), GONE);
		// The current version ends with its secret; AWS has no call that removes it.
		const stages = (live?.VersionIdsToStages?.[VersionId] ?? []).filter(
			environment => environment !== 'AWSCURRENT',
		);
		for (const VersionStage of stages) {
			await aws.secrets.send(
				new sm.UpdateSecretVersionStageCommand({ SecretId, VersionStage, RemoveFromVersionId: VersionId }),
			);
		}
	},
};

export const SECRETS_MANAGER_RESOURCES: Readonly<Record<string, ResourceKind>> = {
	'aws:secretsmanager/secret:Secret': secret,
	'aws:secretsmanager/secretVersion:SecretVersion': secretVersion,
};
