// Makes AWS know the tokens of a cluster that the stack did not register: its keys in a bucket with public documents.
import {
	CreateBucketCommand,
	PutBucketPolicyCommand,
	PutObjectCommand,
	type S3Client,
} from '@aws-sdk/client-s3';
import * as documents from '../../../infra/src/documents/policy-documents.ts';
import type { Cluster } from '../../cluster/cluster.ts';
import { ACCOUNT, REGION } from '../moto.ts';

/** Bucket and address of the issuer of a cluster of that name. */
export function issuerOf(name: string): { readonly bucket: string; readonly issuer: string } {
	const bucket = `jasm-oidc-${ACCOUNT}-${name}`;
	return { bucket, issuer: `https://${bucket}.s3.${REGION}.amazonaws.com` };
}

/** Publishes the documents of a cluster that issues its tokens by that address. */
export async function publishIssuer(s3: S3Client, cluster: Cluster, bucket: string): Promise<void> {
	const location = { LocationConstraint: REGION } as const;
	await s3.send(new CreateBucketCommand({ Bucket: bucket, CreateBucketConfiguration: location }));
	const Policy = JSON.stringify(documents.issuerBucketPolicy(`arn:aws:s3:::${bucket}`));
	await s3.send(new PutBucketPolicyCommand({ Bucket: bucket, Policy }));
	for (const Key of [documents.DISCOVERY_KEY, documents.JWKS_KEY]) {
		const { stdout } = await cluster.kubectl(['get', '--raw', `/${Key}`]);
		await s3.send(new PutObjectCommand({ Bucket: bucket, Key, Body: stdout }));
	}
}
