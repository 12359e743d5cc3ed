// The partitions of AWS: which regions belong to which, what their hosts end with, how their ARNs begin; pure.

export type Partition = {
	/** As in ARNs. */
	readonly id: string;
	readonly dnsSuffix: string;
	/** Of hosts that answer over IPv6 as well. */
	readonly dualStackDnsSuffix: string;
	readonly regions: RegExp;
};

/** Every partition that the endpoint rules of the AWS SDK know. */
export const PARTITIONS: readonly Partition[] = [
	{
		id: 'aws',
		dnsSuffix: 'amazonaws.com',
		dualStackDnsSuffix: 'api.aws',
		regions: /^(us|eu|ap|sa|ca|me|af|il|mx)-\w+-\d+$/,
	},
	{
		id: 'aws-cn',
		dnsSuffix: 'amazonaws.com.cn',
		dualStackDnsSuffix: 'api.amazonwebservices.com.cn',
		regions: /^cn-\w+-\d+$/,
	},
	{
		id: 'aws-eusc',
		dnsSuffix: 'amazonaws.eu',
		dualStackDnsSuffix: 'api.amazonwebservices.eu',
		regions: /^eusc-(de)-\w+-\d+$/,
	},
	{
		id: 'aws-iso',
		dnsSuffix: 'c2s.ic.gov',
		dualStackDnsSuffix: 'api.aws.ic.gov',
		regions: /^us-iso-\w+-\d+$/,
	},
	{
		id: 'aws-iso-b',
		dnsSuffix: 'sc2s.sgov.gov',
		dualStackDnsSuffix: 'api.aws.scloud',
		regions: /^us-isob-\w+-\d+$/,
	},
	{
		id: 'aws-iso-e',
		dnsSuffix: 'cloud.adc-e.uk',
		dualStackDnsSuffix: 'api.cloud-aws.adc-e.uk',
		regions: /^eu-isoe-\w+-\d+$/,
	},
	{
		id: 'aws-iso-f',
		dnsSuffix: 'csp.hci.ic.gov',
		dualStackDnsSuffix: 'api.aws.hci.ic.gov',
		regions: /^us-isof-\w+-\d+$/,
	},
	{
		id: 'aws-us-gov',
		dnsSuffix: 'amazonaws.com',
		dualStackDnsSuffix: 'api.aws',
		regions: /^us-gov-\w+-\d+$/,
	},
];

/** The form of every region's name, of regions to come as well. */
export const REGION = /^[a-z]{2,4}(-[a-z]+)+-\d{1,2}$/;

/** The form of every account's id. */
export const ACCOUNT = /^\d{12}$/;

/** The form of a role's ARN. */
export const ROLE_ARN = new RegExp(
	`^arn:(?:${PARTITIONS.map(({ id }) => id).join('|')}):iam::\\d{12}:role\\/[\\w+=,.@/-]{1,512}$`,
);

/** The audience of tokens for STS, in every partition: it is a name and no address. */
export const STS_AUDIENCE = 'sts.amazonaws.com';

/** A region that no partition knows yet counts as one of `aws`, as it does for the SDK. */
export const partitionOf = (region: string): Partition =>
	PARTITIONS.find(({ regions }) => regions.test(region)) ?? (PARTITIONS[0] as Partition);

/** What the ARN of every secret of an account and region begins with. */
export const secretArnPrefix = (region: string, account: string): string =>
	`arn:${partitionOf(region).id}:secretsmanager:${region}:${account}:secret:`;

export type EndpointVariant = { readonly fips: boolean; readonly dualStack: boolean };

/** The host of a service in a region. */
export function hostOf(
	service: 'secretsmanager' | 'sts' | 's3',
	region: string,
	{ fips, dualStack }: EndpointVariant = { fips: false, dualStack: false },
): string {
	const { id, dnsSuffix, dualStackDnsSuffix } = partitionOf(region);
	// These hosts of Secrets Manager have always answered over IPv6 as well.
	const dualStackByName =
		service === 'secretsmanager' && (id === 'aws' || id === 'aws-us-gov' || (id === 'aws-cn' && !fips));
	// STS in GovCloud is FIPS throughout.
	const fipsByName = service === 'sts' && id === 'aws-us-gov' && !dualStack;
	const label = fips && !fipsByName ? `${service}-fips` : service;
	return `${label}.${region}.${dualStack && !dualStackByName ? dualStackDnsSuffix : dnsSuffix}`;
}
