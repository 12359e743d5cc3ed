// The table of partitions says what the endpoint rules of the AWS SDK say: partitions, regions, hosts.
import { createRequire } from 'node:module';
import { dirname, join } from 'node:path';
import { SecretsManagerClient } from '@aws-sdk/client-secrets-manager';
import { STSClient } from '@aws-sdk/client-sts';
import test from 'ava';
import {
	hostOf,
	PARTITIONS,
	partitionOf,
	REGION,
	ROLE_ARN,
	secretArnPrefix,
} from '../../../src/providers/aws/partitions.ts';

type SdkPartition = {
	readonly id: string;
	readonly outputs: { readonly dnsSuffix: string; readonly dualStackDnsSuffix: string };
	readonly regionRegex: string;
	readonly regions: Readonly<Record<string, unknown>>;
};

/** The partitions as the SDK has them, which it exports nowhere. */
async function partitionsOfSdk(): Promise<readonly SdkPartition[]> {
	const client = createRequire(import.meta.url).resolve('@aws-sdk/client-secrets-manager');
	const core = dirname(createRequire(client).resolve('@aws-sdk/core/package.json'));
	const file = join(core, 'dist-es/submodules/client/util-endpoints/lib/aws/partitions.js');
	const { partitionsInfo } = (await import(file)) as { partitionsInfo: { partitions: SdkPartition[] } };
	return partitionsInfo.partitions;
}

const SDK = await partitionsOfSdk();
const REGIONS = SDK.flatMap(({ id, regions }) =>
	Object.keys(regions)
		// Names for services without regions, of which Secrets Manager is none.
		.filter(name => !name.endsWith('-global'))
		.map(region => ({ id, region })),
);

test('the partitions are those of the SDK, with its suffixes and its patterns of regions', t => {
	t.deepEqual(
		PARTITIONS.map(({ id, dnsSuffix, dualStackDnsSuffix, regions }) => ({
			id,
			dnsSuffix,
			dualStackDnsSuffix,
			pattern: regions.source,
		})),
		SDK.map(({ id, outputs: { dnsSuffix, dualStackDnsSuffix }, regionRegex }) => ({
			id,
			dnsSuffix,
			dualStackDnsSuffix,
			pattern: regionRegex.replaceAll('\\-', '-'),
		})),
	);
});

test('every region of the SDK has the form of a region and belongs to the partition that the SDK puts it into', t => {
	t.true(REGIONS.length > 40);
	for (const { id, region } of REGIONS) {
		t.regex(region, REGION);
		t.is(partitionOf(region).id, id, region);
		t.is(secretArnPrefix(region, '123456789012'), `arn:${id}:secretsmanager:${region}:123456789012:secret:`);
		t.regex(`arn:${id}:iam::123456789012:role/jasm`, ROLE_ARN);
	}
});

test('a region that is not known yet counts as one of the partition aws, as it does for the SDK', t => {
	t.is(partitionOf('nz-north-1').id, 'aws');
	t.is(hostOf('secretsmanager', 'nz-north-1'), sdkHost(new SecretsManagerClient(OFFLINE), 'nz-north-1'));
});

const OFFLINE = { region: 'eu-west-1', credentials: { accessKeyId: 'x', secretAccessKey: 'x' } };

type Client = {
	readonly config: { endpointProvider(parameters: object): { readonly url: URL } };
};

const sdkHost = ({ config }: Client, region: string, { fips = false, dualStack = false } = {}): string =>
	config.endpointProvider({
		Region: region,
		UseFIPS: fips,
		UseDualStack: dualStack,
		...(config === sts.config && { UseGlobalEndpoint: false }),
	}).url.host;

const sts = new STSClient(OFFLINE) as unknown as Client;

for (const [service, client] of [
	['secretsmanager', new SecretsManagerClient(OFFLINE) as unknown as Client],
	['sts', sts],
] as const) {
	test(`the hosts of ${service} are those of the SDK, in every region and variant`, t => {
		for (const { region } of REGIONS) {
			for (const [fips, dualStack] of [
				[false, false],
				[true, false],
				[false, true],
				[true, true],
			] as const) {
				const variant = { fips, dualStack };
				t.is(hostOf(service, region, variant), sdkHost(client, region, variant), JSON.stringify(variant));
			}
		}
	});
}
