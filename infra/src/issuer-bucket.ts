// Component: the cluster's token issuer for AWS: a bucket with two public documents, registered with IAM.
import * as aws from '@pulumi/aws';
import * as pulumi from '@pulumi/pulumi';
import type { IssuerDocuments } from './minikube.ts';
import { AUDIENCE, DISCOVERY_KEY, issuerBucketPolicy, JWKS_KEY } from './policy-documents.ts';

export type IssuerBucketArgs = {
	/** Bucket whose https address is the issuer. Who can write it owns every role that trusts the issuer. */
	readonly bucket: string;
	readonly issuer: string;
	/** Read from the live cluster: a cluster made anew has new keys. */
	readonly documents: IssuerDocuments;
};

export class IssuerBucket extends pulumi.ComponentResource {
	/** ARN of the IAM OIDC provider, once the documents are public. */
	readonly providerArn: pulumi.Output<string>;

	constructor(name: string, args: IssuerBucketArgs, options?: pulumi.ComponentResourceOptions) {
		super('jasm:infra:IssuerBucket', name, {}, options);
		const child = { parent: this };
		const bucket = new aws.s3.Bucket(name, { bucket: args.bucket, forceDestroy: true }, child);
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
			{ url: args.issuer, clientIdLists: [AUDIENCE] },
			{ ...child, dependsOn: [policy, ...documents] },
		);
		this.providerArn = provider.arn;
		this.registerOutputs({ providerArn: this.providerArn });
	}
}
