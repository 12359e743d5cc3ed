// The issuer of a cluster's tokens: exactly two public documents, registered with IAM.
import test from 'ava';
import { IssuerBucket } from '../../src/components/issuer-bucket.ts';
import { declare, resolved } from '../helpers/declare.ts';
import type { Declared } from '../helpers/invariants.ts';

// biome-ignore lint/suspicious/noExplicitAny: inputs of every kind, read by path
const inputs = (resource: Declared): any => resource.inputs;
const ISSUER = 'https://jasm-oidc-1-s.s3.eu-west-1.amazonaws.com';

test.serial(
	'the issuer publishes the documents as the cluster serves them, and exactly these two',
	async t => {
		const documents = { discovery: '{"issuer": "x"}', jwks: '{"keys": []}' };
		const { resources, one, outputs } = await declare(() => {
			return {
				arn: new IssuerBucket('issuer', { bucket: 'jasm-oidc-1-s', issuer: ISSUER, documents }).providerArn,
			};
		});
		const objects = resources.filter(({ type }) => type.endsWith(':BucketObjectv2')).map(inputs);
		t.deepEqual(
			objects.map(({ key, content, contentType }) => [key, content, contentType]),
			[
				['.well-known/openid-configuration', documents.discovery, 'application/json'],
				['openid/v1/jwks', documents.jwks, 'application/json'],
			],
		);
		const [statement] = JSON.parse(inputs(one(':BucketPolicy')).policy).Statement;
		t.deepEqual(
			statement.Resource,
			objects.map(({ key }) => `arn:aws:mock:::issuer/${key}`),
		);
		t.like(inputs(one(':BucketPublicAccessBlock')), {
			blockPublicAcls: true,
			ignorePublicAcls: true,
			blockPublicPolicy: false,
		});
		t.is(inputs(one(':BucketVersioning')).versioningConfiguration.status, 'Enabled');
		t.deepEqual(inputs(one(':OpenIdConnectProvider')), { url: ISSUER, clientIdLists: ['sts.amazonaws.com'] });
		t.is(await resolved(outputs['arn'] as string), 'arn:aws:mock:::issuer');
	},
);
