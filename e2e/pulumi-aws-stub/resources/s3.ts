// The S3 resources: a bucket, who may read it, its versions and its objects.
import * as s3 from '@aws-sdk/client-s3';
import {
	type Aws,
	type Properties,
	type ResourceKind,
	sameDocument,
	tagInput,
	tagList,
	text,
	unlessGone,
} from '../resource-kind.ts';

const Bucket = (inputs: Properties) => ({ Bucket: text(inputs, 'bucket') });

const bucket: ResourceKind = {
	applied: ['bucket', 'forceDestroy', 'tags'],
	replaceOn: ['bucket'],
	named: 'bucket',
	async create(inputs, aws) {
		const elsewhere = aws.region !== 'us-east-1';
		const LocationConstraint = aws.region as s3.BucketLocationConstraint;
		await aws.s3.send(
			new s3.CreateBucketCommand({
				...Bucket(inputs),
				...(elsewhere ? { CreateBucketConfiguration: { LocationConstraint } } : {}),
			}),
		);
		await this.update(text(inputs, 'bucket'), inputs, aws);
		return text(inputs, 'bucket');
	},
	async read(id, inputs, aws) {
		if ((await unlessGone(aws.s3.send(new s3.HeadBucketCommand({ Bucket: id })))) === undefined)
			return undefined;
		const tags = await unlessGone(
			aws.s3.send(new s3.GetBucketTaggingCommand({ Bucket: id })),
			'NoSuchTagSet',
		);
		return {
			inputs: { bucket: id, ...tagInput(inputs, tags?.TagSet) },
			outputs: {
				arn: `arn:aws:s3:::${id}`,
				bucketDomainName: `${id}.s3.amazonaws.com`,
				bucketRegionalDomainName: `${id}.s3.${aws.region}.amazonaws.com`,
				region: aws.region,
			},
		};
	},
	async update(id, inputs, aws) {
		const TagSet = tagList(inputs);
		await (TagSet.length === 0
			? aws.s3.send(new s3.DeleteBucketTaggingCommand({ Bucket: id }))
			: aws.s3.send(new s3.PutBucketTaggingCommand({ Bucket: id, Tagging: { TagSet } })));
	},
	async delete(id, inputs, aws) {
		if (inputs.forceDestroy === true) await deleteVersions(aws, id, '');
		await unlessGone(aws.s3.send(new s3.DeleteBucketCommand({ Bucket: id })));
	},
};

const accessBlock: ResourceKind = {
	applied: ['bucket', 'blockPublicAcls', 'blockPublicPolicy', 'ignorePublicAcls', 'restrictPublicBuckets'],
	replaceOn: ['bucket'],
	async create(inputs, aws) {
		await this.update(text(inputs, 'bucket'), inputs, aws);
		return text(inputs, 'bucket');
	},
	async read(id, _, aws) {
		const answer = await unlessGone(aws.s3.send(new s3.GetPublicAccessBlockCommand({ Bucket: id })));
		const block = answer?.PublicAccessBlockConfiguration;
		if (block === undefined) return undefined;
		return {
			inputs: {
				bucket: id,
				blockPublicAcls: block.BlockPublicAcls ?? false,
				blockPublicPolicy: block.BlockPublicPolicy ?? false,
				ignorePublicAcls: block.IgnorePublicAcls ?? false,
				restrictPublicBuckets: block.RestrictPublicBuckets ?? false,
			},
			outputs: {},
		};
	},
	async update(id, inputs, aws) {
		const flag = (name: string) => inputs[name] === true;
		await aws.s3.send(
			new s3.PutPublicAccessBlockCommand({
				Bucket: id,
				PublicAccessBlockConfiguration: {
					BlockPublicAcls: flag('blockPublicAcls'),
					BlockPublicPolicy: flag('blockPublicPolicy'),
					IgnorePublicAcls: flag('ignorePublicAcls'),
					RestrictPublicBuckets: flag('restrictPublicBuckets'),
				},
			}),
		);
	},
	async delete(id, _, aws) {
		await unlessGone(aws.s3.send(new s3.DeletePublicAccessBlockCommand({ Bucket: id })));
	},
};

const policy: ResourceKind = {
	applied: ['bucket', 'policy'],
	replaceOn: ['bucket'],
	async create(inputs, aws) {
		await this.update(text(inputs, 'bucket'), inputs, aws);
		return text(inputs, 'bucket');
	},
	async read(id, inputs, aws) {
		const answer = await unlessGone(aws.s3.send(new s3.GetBucketPolicyCommand({ Bucket: id })));
		if (answer?.Policy === undefined) return undefined;
		return { inputs: { bucket: id, policy: sameDocument(inputs.policy, answer.Policy) }, outputs: {} };
	},
	async update(id, inputs, aws) {
		await aws.s3.send(new s3.PutBucketPolicyCommand({ Bucket: id, Policy: text(inputs, 'policy') }));
	},
	async delete(id, _, aws) {
		await unlessGone(aws.s3.send(new s3.DeleteBucketPolicyCommand({ Bucket: id })));
	},
};

const versioning: ResourceKind = {
	applied: ['bucket', 'versioningConfiguration'],
	replaceOn: ['bucket'],
	async create(inputs, aws) {
		await this.update(text(inputs, 'bucket'), inputs, aws);
		return text(inputs, 'bucket');
	},
	async read(id, _, aws) {
		const answer = await unlessGone(aws.s3.send(new s3.GetBucketVersioningCommand({ Bucket: id })));
		if (answer === undefined) return undefined;
		const status = answer.Status ?? 'Disabled';
		return { inputs: { bucket: id, versioningConfiguration: { status } }, outputs: {} };
	},
	async update(id, inputs, aws) {
		const { status } = inputs.versioningConfiguration as { status: s3.BucketVersioningStatus };
		await setVersioning(aws, id, status);
	},
	async delete(id, _, aws) {
		await unlessGone(setVersioning(aws, id, 'Suspended'));
	},
};

const object: ResourceKind = {
	applied: ['bucket', 'key', 'content', 'contentType', 'cacheControl'],
	replaceOn: ['bucket', 'key'],
	faults: inputs =>
		typeof inputs.key === 'string' && typeof inputs.content === 'string'
			? []
			: ['key and content: both are needed'],
	async create(inputs, aws) {
		const id = `${text(inputs, 'bucket')}/${text(inputs, 'key')}`;
		await this.update(id, inputs, aws);
		return id;
	},
	async read(_, inputs, aws) {
		const Key = text(inputs, 'key');
		const answer = await unlessGone(aws.s3.send(new s3.GetObjectCommand({ ...Bucket(inputs), Key })));
		if (answer === undefined) return undefined;
		return {
			inputs: {
				bucket: text(inputs, 'bucket'),
				key: Key,
				content: await answer.Body?.transformToString(),
				...(inputs.contentType === undefined ? {} : { contentType: answer.ContentType }),
				...(inputs.cacheControl === undefined ? {} : { cacheControl: answer.CacheControl }),
			},
			outputs: {
				arn: `arn:aws:s3:::${text(inputs, 'bucket')}/${Key}`,
				etag: answer.ETag?.replaceAll('"', '') ?? '',
				contentType: answer.ContentType ?? '',
				...(answer.VersionId === undefined ? {} : { versionId: answer.VersionId }),
			},
		};
	},
	async update(_, inputs, aws) {
		await aws.s3.send(
			new s3.PutObjectCommand({
				...Bucket(inputs),
				Key: text(inputs, 'key'),
				Body: text(inputs, 'content'),
				ContentType: inputs.contentType as string | undefined,
				CacheControl: inputs.cacheControl as string | undefined,
			}),
		);
	},
	async delete(_, inputs, aws) {
		await unlessGone(deleteVersions(aws, text(inputs, 'bucket'), text(inputs, 'key')));
	},
};

function setVersioning(aws: Aws, Bucket: string, Status: s3.BucketVersioningStatus) {
	return aws.s3.send(new s3.PutBucketVersioningCommand({ Bucket, VersioningConfiguration: { Status } }));
}

// A bucket with versions is not empty before each version and each delete marker is gone.
async function deleteVersions(aws: Aws, Bucket: string, key: string): Promise<void> {
	const listed = await aws.s3.send(new s3.ListObjectVersionsCommand({ Bucket, Prefix: key }));
	const all = [...(listed.Versions ?? []), ...(listed.DeleteMarkers ?? [])];
	for (const { Key, VersionId } of all.filter(({ Key }) => key === '' || Key === key)) {
		await aws.s3.send(new s3.DeleteObjectCommand({ Bucket, Key, VersionId }));
	}
}

export const S3_RESOURCES: Readonly<Record<string, ResourceKind>> = {
	'aws:s3/bucket:Bucket': bucket,
	'aws:s3/bucketPublicAccessBlock:BucketPublicAccessBlock': accessBlock,
	'aws:s3/bucketPolicy:BucketPolicy': policy,
	'aws:s3/bucketVersioning:BucketVersioning': versioning,
	'aws:s3/bucketObjectv2:BucketObjectv2': object,
};
