// IAM documents of the installation as plain objects; pure. No resource of them is ever `*`.
import { partitionOf, STS_AUDIENCE, secretArnPrefix } from '@jasm/controller/installation';
import { queueStatement } from './change-documents.ts';
import type { ControllerConfig } from './controller-config.ts';

type AccountFacts = { readonly accountId: string; readonly region: string };
export type Document = { readonly Version: '2012-10-17'; readonly Statement: readonly object[] };

/** The audience of the token that the controller trades for a session. */
export const AUDIENCE = STS_AUDIENCE;

/** Keys of the two public objects of the issuer. */
export const DISCOVERY_KEY = '.well-known/openid-configuration';
export const JWKS_KEY = 'openid/v1/jwks';

/** The two documents that AWS reads to check a token of this cluster, as the API server serves them. */
export type IssuerDocuments = { readonly discovery: string; readonly jwks: string };

export type TrustFacts = {
	readonly providerArn: string;
	/** Issuer URL, https and without trailing slash. */
	readonly issuer: string;
	readonly namespace: string;
	readonly serviceAccount: string;
};

/** Who may become the role: this one ServiceAccount of this one cluster, by a token for AWS. */
export function trustPolicy({ providerArn, issuer, namespace, serviceAccount }: TrustFacts): Document {
	const host = issuer.replace(/^https:\/\//, '');
	if (host.endsWith('/'))
		throw new Error(`building the trust policy: issuer "${issuer}" ends in a slash, tokens do not`);
	return allow({
		Principal: { Federated: providerArn },
		Action: 'sts:AssumeRoleWithWebIdentity',
		Condition: {
			StringEquals: {
				[`${host}:aud`]: AUDIENCE,
				[`${host}:sub`]: `system:serviceaccount:${namespace}:${serviceAccount}`,
			},
		},
	});
}

export type PodIdentityFacts = AccountFacts & {
	readonly clusterName: string;
	readonly namespace: string;
	readonly serviceAccount: string;
};

/** Who may become the role by EKS Pod Identity: this one ServiceAccount of this one cluster. */
export function podIdentityTrustPolicy(facts: PodIdentityFacts): Document {
	const { clusterName, namespace, serviceAccount, accountId, region } = facts;
	const cluster = `arn:${partitionOf(region).id}:eks:${region}:${accountId}:cluster/${clusterName}`;
	return allow({
		Principal: { Service: 'pods.eks.amazonaws.com' },
		Action: ['sts:AssumeRole', 'sts:TagSession'],
		Condition: {
			StringEquals: {
				'aws:RequestTag/eks-cluster-arn': cluster,
				'aws:RequestTag/kubernetes-namespace': namespace,
				'aws:RequestTag/kubernetes-service-account': serviceAccount,
			},
		},
	});
}

/**
 * What the role may do: read exactly the secrets that the policy rules let any namespace read, and receive from the
 * one queue of change notices, where there is one.
 */
export function permissionPolicy(
	config: ControllerConfig,
	account: AccountFacts,
	queueArn?: string | undefined,
): Document {
	const reading = allow({
		Action: 'secretsmanager:GetSecretValue',
		Resource: secretArns(config, account).arns,
	});
	return queueArn === undefined
		? reading
		: { ...reading, Statement: [...reading.Statement, queueStatement(queueArn)] };
}

/** What keeps a permission policy from being written, as sentences; empty if nothing does. */
export function permissionFaults(config: ControllerConfig, account: AccountFacts): string[] {
	return secretArns(config, account).faults;
}

/** Public read of exactly the two documents of the issuer; no listing. */
export function issuerBucketPolicy(bucketArn: string): Document {
	return allow({
		Principal: '*',
		Action: 's3:GetObject',
		Resource: [DISCOVERY_KEY, JWKS_KEY].map(key => `${bucketArn}/${key}`),
	});
}

function allow(statement: object): Document {
	return { Version: '2012-10-17', Statement: [{ Effect: 'Allow', ...statement }] };
}

function secretArns(config: ControllerConfig, account: AccountFacts): { arns: string[]; faults: string[] } {
	const arns = new Set<string>();
	const faults: string[] = [];
	config.policy.forEach((rule, index) => {
		const provider = config.providers[rule.provider];
		if (provider?.kind !== 'aws-secretsmanager') return;
		const prefix = secretArnPrefix(provider.region ?? account.region, account.accountId);
		for (const path of rule.paths) {
			const at = `policy[${index}].paths: "${path}"`;
			for (const namespace of rule.namespaces) {
				const pattern = iamPattern(path, namespace);
				const arn = path.startsWith('arn:') ? pattern : prefix + pattern;
				if (!/^arn:[a-z-]+:secretsmanager:[a-z0-9-]+:\d{12}:secret:/.test(arn)) {
					faults.push(`${at} leaves partition, region or account open`);
				} else if (!/^(?:[^:]*:){6}\/*[^*?/]/.test(arn)) {
					faults.push(`${at} would allow every secret of the account: begin it with a literal`);
				} else if (arn.endsWith('*')) {
					arns.add(arn);
				} else {
					// Secrets Manager ends every ARN in a hyphen and six characters; a path never has them.
					if (path.startsWith('arn:')) arns.add(arn);
					arns.add(`${arn}-??????`);
				}
			}
		}
	});
	if (faults.length > 0) return { arns: [], faults };
	if (arns.size === 0)
		faults.push('policy: no rule reads from AWS Secrets Manager, so there is no role to build');
	if (JSON.stringify([...arns]).length > 10_000)
		faults.push('policy: more paths than one role policy can hold');
	return { arns: [...arns].sort(), faults };
}

/**
 * A path pattern in IAM's words. IAM's `*` also crosses slashes, so behind its literal start the role may
 * be wider than the rule, never narrower: the controller enforces the rule itself. `**` in the middle also
 * stands for no segment at all, so its slash goes with it. An escaped character becomes one unknown character, as no
 * name at Secrets Manager has one. A `$` is escaped, as IAM would read `${…}` as a variable.
 */
function iamPattern(path: string, namespace: string): string {
	return path
		.replaceAll(/\\./g, '?')
		.replaceAll('$', () => '$'.concat('{$}'))
		.replaceAll('{namespace}', namespace)
		.replaceAll('**/', '*')
		.replaceAll(/\*+/g, '*');
}
