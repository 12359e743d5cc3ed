// The schema of kind aws-secretsmanager: the only source of its fields, types and defaults.
import * as z from 'zod/mini';
import {
	COMMON_FIELDS,
	caFile,
	credentials,
	endpointFault,
	filePath,
	flag,
	fromEnvironment,
	listOf,
	matching,
	NETWORK_FIELDS,
	optional,
	rule,
	text,
} from '../shared/schema-fields.ts';
import { ACCOUNT, REGION, ROLE_ARN } from './partitions.ts';

const region = (description: string) => matching(REGION, 'is not the name of an AWS region', description);

const endpoint = (service: string, variable: string) =>
	fromEnvironment(
		z.optional(
			text(
				endpointFault,
				`URL of an emulator of ${service}, for development. Link-local addresses are refused.`,
			),
		),
		variable,
		'AWS_ENDPOINT_URL',
	);

const fields = {
	kind: z.literal('aws-secretsmanager'),
	region: fromEnvironment(region('The AWS region to ask.'), 'AWS_REGION'),
	regions: optional(
		'only `region`',
		listOf(region('An AWS region.'), 'The regions that an ARN in an annotation may name.'),
	),
	accounts: optional(
		'none: ARNs are refused',
		listOf(
			matching(ACCOUNT, 'is not an account id of 12 digits', 'An account id. Quote it.'),
			'The account ids that an ARN in an annotation may name. Quote each of them.',
		),
	),
	fips: fromEnvironment(z._default(flag('Uses the FIPS endpoints of AWS.'), false), 'AWS_USE_FIPS_ENDPOINT'),
	dualStack: fromEnvironment(
		z._default(flag('Uses the endpoints of AWS that answer over IPv6 as well.'), false),
		'AWS_USE_DUALSTACK_ENDPOINT',
	),
	...NETWORK_FIELDS,
	caFile: fromEnvironment(caFile(), 'AWS_CA_BUNDLE'),
	endpoint: endpoint('Secrets Manager', 'AWS_ENDPOINT_URL_SECRETS_MANAGER'),
	stsEndpoint: endpoint('STS', 'AWS_ENDPOINT_URL_STS'),
	...COMMON_FIELDS,
};

type Endpoints = {
	readonly fips: boolean;
	readonly dualStack: boolean;
	readonly endpoint?: string | undefined;
	readonly stsEndpoint?: string | undefined;
};

/** Variants are of AWS's own endpoints. */
const oneEndpoint = rule<Endpoints>(
	['fips', 'dualStack', 'endpoint', 'stsEndpoint'],
	({ fips, dualStack, endpoint, stsEndpoint }) =>
		(fips || dualStack) && (endpoint ?? stsEndpoint) !== undefined
			? [fips ? 'fips' : 'dualStack', 'must not be set together with endpoint or stsEndpoint']
			: undefined,
);

const form = <Own extends z.core.$ZodShape>(own: Own) => {
	const schema = z.strictObject({ ...fields, ...own });
	return schema.check(oneEndpoint as unknown as z.core.$ZodCheck<z.output<typeof schema>>);
};

/** One form per source of JASM's AWS identity. There is never a fallback from one to another. */
export const awsSecretsManagerSchema = z.discriminatedUnion('credentials', [
	form({
		credentials: z._default(
			credentials('web-identity', "The role of JASM's ServiceAccount (IRSA)."),
			'web-identity',
		),
		roleArn: fromEnvironment(
			z.optional(matching(ROLE_ARN, 'is not the ARN of a role', 'ARN of the role to assume.')),
			'AWS_ROLE_ARN',
		),
		tokenFile: fromEnvironment(
			z.optional(filePath('File with the ServiceAccount token.')),
			'AWS_WEB_IDENTITY_TOKEN_FILE',
		),
	}),
	form({ credentials: credentials('container', 'EKS Pod Identity.') }),
	form({
		credentials: credentials('profile', 'A profile of the AWS configuration files, SSO included.'),
		profile: z._default(
			matching(/^[^\s\p{Cc}]+$/u, 'is not the name of a profile', 'Name of the profile.'),
			'codnod',
		),
	}),
	form({
		credentials: credentials(
			'environment',
			'Access key from `AWS_ACCESS_KEY_ID`, `AWS_SECRET_ACCESS_KEY` and `AWS_SESSION_TOKEN`, for development.',
		),
	}),
	form({
		credentials: credentials('instance', 'The role of the node, which every pod of the node may share.'),
	}),
]);

export type AwsSecretsManagerConfig = z.output<typeof awsSecretsManagerSchema>;
