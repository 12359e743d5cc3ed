// Component: the cluster's token issuer for AWS: a bucket with two public documents, registered with IAM.
import * as aws from '@pulumi/aws';
import * as pulumi from '@pulumi/pulumi';
import {
	AUDIENCE,
	DISCOVERY_KEY,
	type IssuerDocuments,
	issuerBucketPolicy,
	JWKS_KEY,
} from '../documents/policy-documents.ts';

/** The bucket, and the documents that it makes public. */
export type IssuerBucketArgs = {
	/** Bucket whose https address is the issuer. Write access to it gives every role that trusts the issuer. */
	readonly bucket: pulumi.Input<string>;
	readonly issuer: pulumi.Input<string>;
	/** Read from the live cluster, because every new cluster has new keys. */
	readonly documents: IssuerDocuments;
	readonly tags?: pulumi.Input<Record<string, pulumi.Input<string>>> | undefined;
};

/**
 * A token issuer that AWS can read, for a cluster without a public one: a bucket with two public documents, registered
 * with IAM.
 *
 * @example
 * ```ts
 * import { readFileSync } from 'node:fs';
 * import { IssuerBucket } from '@jasm/infra';
 *
 * // kubectl get --raw /.well-known/openid-configuration, and /openid/v1/jwks
 * const discovery = readFileSync('openid-configuration.json', 'utf8');
 * const jwks = readFileSync('jwks.json', 'utf8');
 * const { providerArn } = new IssuerBucket('issuer', {
 * 	bucket: 'example-issuer',
 * 	issuer: 'https://example-issuer.s3.eu-west-1.amazonaws.com',
 * 	documents: { discovery, jwks },
 * });
 * ```
 */
export class IssuerBucket extends pulumi.ComponentResource {
	/** ARN of the IAM OIDC provider, once the documents are public. */
	readonly providerArn: pulumi.Output<string>;

	constructor(name: string, args: IssuerBucketArgs, options?: pulumi.ComponentResourceOptions) {
		super('jasm:infra:IssuerBucket', name, {}, options);
		const child = { parent: this };
		const tags = args.tags === undefined ? {} : { tags: args.tags };
		const bucket = new aws.s3.Bucket(name, { bucket: args.bucket, forceDestroy: true, ...tags }, child);
		new aws.s3.BucketVersioning(
			name,
			{ bucket: bucket.id, versioningConfiguration: { status: 'Enabled' } },
			child,
		);
		const access = new aws.s3.BucketPublicAccessBlock(
			name,
			{
				bucket: bucket.id,
				blockPublicAcls: true,
				ignorePublicAcls: true,
				blockPublicPolicy: false,
				restrictPublicBuckets: false,
			},
			child,
		);
		const policy = new aws.s3.BucketPolicy(
			name,
			{ bucket: bucket.id, policy: pulumi.jsonStringify(bucket.arn.apply(issuerBucketPolicy)) },
			// A public policy is refused while public policies are blocked.
			{ ...child, dependsOn: access },
		);
		const contentType = 'application/json';
		const documents = (
			[
				['discovery', DISCOVERY_KEY, args.documents.discovery],
				['jwks', JWKS_KEY, args.documents.jwks],
			] as const
		).map(
			([id, key, content]) =>
				new aws.s3.BucketObjectv2(`${name}-${id}`, { bucket: bucket.id, key, content, contentType }, child),
		);
		// Without thumbprints: IAM has certificate authorities of its own for S3.
		const provider = new aws.iam.OpenIdConnectProvider(
			name,
			{ url: args.issuer, clientIdLists: [AUDIENCE], ...tags },
			{ ...child, dependsOn: [policy, ...documents] },
		);
		this.providerArn = provider.arn;
		this.registerOutputs({ providerArn: this.providerArn });
	}
}
