// The part of a stack's configuration that concerns AWS: the account, and the controller's identity in it; pure.
import { ACCOUNT, hostOf, REGION, ROLE_ARN } from '@jasm/controller/installation';
import { NAME } from '../documents/contract.ts';
import { ANY_REGION } from '../documents/controller-config.ts';
import type { Fault } from './config.ts';
import type { StackKeys } from './schema.ts';

/** AWS account that the stack works in. */
export type AwsConfig = {
	readonly accountId: string;
	readonly region: string;
	/** The only profile that may be used; undefined takes the identity of the environment. */
	readonly profile: string | undefined;
};

/** How the controller proves its identity to AWS. */
export type Identity =
	/** The stack publishes the cluster's keys in a bucket, registers it with IAM, and makes a role. */
	| {
			readonly kind: 'minikube';
			readonly bucket: string;
			readonly issuer: string;
			readonly roleName: string;
	  }
	/** The cluster's issuer is registered with IAM already, as on EKS; the stack makes a role. */
	| {
			readonly kind: 'oidc-provider';
			readonly providerArn: string;
			readonly issuer: string;
			readonly roleName: string;
	  }
	/** EKS Pod Identity; the stack makes a role, or associates the one that is given. */
	| {
			readonly kind: 'pod-identity';
			readonly clusterName: string;
			readonly roleArn: string | undefined;
			readonly roleName: string;
	  }
	/** A role that trusts the controller's ServiceAccount already. Nothing in AWS is touched. */
	| { readonly kind: 'existing-role'; readonly roleArn: string }
	/** Nothing in AWS is touched. */
	| { readonly kind: 'none' };

type AwsSettings = {
	readonly aws: AwsConfig | undefined;
	/** The region for providers that name none. */
	readonly region: string | undefined;
	readonly identity: Identity;
};

const ISSUER = /^https:\/\/[a-z0-9.-]+(\/[A-Za-z0-9._-]+)*$/;
const CLUSTER_NAME = /^[0-9A-Za-z][\w-]{0,99}$/;
const ROLE_NAME = /^[\w+=,.@-]{1,64}$/;

/** Whether the stack makes something in AWS, for which it must know the account. */
export const needsAccount = ({ identity }: StackKeys): boolean =>
	identity !== 'none' && identity !== 'existing-role';

/** Whether the stack makes a role, whose permissions follow from the policy. */
export const makesRole = (identity: Identity): boolean =>
	'roleName' in identity && !('roleArn' in identity && identity.roleArn !== undefined);

/** The account and the identity. Faults that follow from another fault are not reported. */
export function readIdentity(keys: StackKeys, stack: string, fault: Fault): AwsSettings {
	const aws = needsAccount(keys) ? readAws(keys, fault) : undefined;
	return { aws, region: readRegion(keys, fault), identity: identityOf(keys, aws, stack, fault) };
}

function readAws(keys: StackKeys, fault: Fault): AwsConfig | undefined {
	const { awsAccountId: accountId, awsRegion: region, awsProfile } = keys;
	const complete = ACCOUNT.test(accountId);
	if (accountId === '') {
		fault(
			'awsAccountId',
			'is required: the 12 digits of the account to work in. A command such as `aws sts get-caller-identity` ' +
				'prints nothing without a session, and an empty value counts as absent',
		);
	} else if (!complete) {
		fault('awsAccountId', `"${accountId}" is not the 12 digits of an account (quote it)`);
	}
	if (region === '') fault('awsRegion', 'is required, such as eu-west-1');
	if (!complete || !REGION.test(region)) return undefined;
	return { accountId, region, profile: awsProfile || undefined };
}

/** A wrong region is reported once, and the rest is checked with another. */
function readRegion(keys: StackKeys, fault: Fault): string | undefined {
	const { awsRegion } = keys;
	if (awsRegion === '') return needsAccount(keys) ? ANY_REGION : undefined;
	if (REGION.test(awsRegion)) return awsRegion;
	fault('awsRegion', `"${awsRegion}" is not the name of an AWS region`);
	return ANY_REGION;
}

function identityOf(keys: StackKeys, aws: AwsConfig | undefined, stack: string, fault: Fault): Identity {
	const roleName = keys.roleName || `${NAME}-${stack}`.toLowerCase();
	if (needsAccount(keys) && !ROLE_NAME.test(roleName)) {
		fault('roleName', `"${roleName}" is not the name of a role: at most 64 of letters, digits and +=,.@_-`);
	}
	const roleArn = readRoleArn(keys, fault);
	switch (keys.identity) {
		case 'minikube':
			return aws === undefined ? { kind: 'none' } : ofMinikube(aws, stack, roleName, fault);
		case 'oidc-provider':
			return ofProvider(keys, roleName, fault);
		case 'pod-identity': {
			const { eksClusterName: clusterName } = keys;
			if (!CLUSTER_NAME.test(clusterName))
				fault('eksClusterName', 'is required: the name of the EKS cluster');
			return { kind: 'pod-identity', clusterName, roleArn, roleName };
		}
		case 'existing-role':
			if (roleArn === undefined) fault('roleArn', 'is required with identity existing-role');
			return { kind: 'existing-role', roleArn: roleArn ?? '' };
		default:
			return { kind: 'none' };
	}
}

function readRoleArn({ roleArn }: StackKeys, fault: Fault): string | undefined {
	if (roleArn !== '' && !ROLE_ARN.test(roleArn)) fault('roleArn', `"${roleArn}" is not the ARN of a role`);
	return roleArn || undefined;
}

function ofMinikube(aws: AwsConfig, stack: string, roleName: string, fault: Fault): Identity {
	// Deterministic, so that the issuer is known before the cluster starts; no dots, so that TLS fits.
	const bucket = `jasm-oidc-${aws.accountId}-${stack}`.toLowerCase();
	if (!/^[a-z0-9-]{3,63}$/.test(bucket)) {
		fault('identity', `"${bucket}" is not a bucket name: use a plainer stack name`);
	}
	return { kind: 'minikube', bucket, roleName, issuer: `https://${bucket}.${hostOf('s3', aws.region)}` };
}

function ofProvider(keys: StackKeys, roleName: string, fault: Fault): Identity {
	const { oidcProviderArn: providerArn, issuerUrl: issuer } = keys;
	if (!ISSUER.test(issuer)) {
		fault('issuerUrl', 'is required: an https URL without port, query and trailing slash');
		return { kind: 'none' };
	}
	const expected = `:oidc-provider/${issuer.replace('https://', '')}`;
	if (!providerArn.startsWith('arn:') || !providerArn.endsWith(expected)) {
		fault('oidcProviderArn', `is required: an ARN that ends with ${expected}`);
	}
	return { kind: 'oidc-provider', providerArn, issuer, roleName };
}
