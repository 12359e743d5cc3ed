// The schema of the configuration file: the source of its types, its checks and the published JSON Schema.
import { BlockList, isIP } from 'node:net';
import * as z from 'zod/mini';
import { LABEL_VALUE } from './kubernetes-names.ts';
import { patternFault } from './path-pattern.ts';
import { namespaceGlobFault } from './policy.ts';
import { AWS_CREDENTIALS } from './providers/aws-config.ts';

/** A text that `faultOf` finds nothing wrong with; a fault reads on after the field's name. */
const text = (faultOf: (value: string) => string | undefined, description: string) =>
	z.string().check(
		z.check(context => {
			const message = faultOf(context.value);
			if (message !== undefined) {
				context.issues.push({ code: 'custom', message, input: context.value });
			}
		}),
		z.describe(description),
	);

const matching = (pattern: RegExp, fault: string, description: string) =>
	z.string().check(z.regex(pattern, fault), z.describe(description));

const integer = (minimum: number, maximum: number, description: string) =>
	z.int().check(z.minimum(minimum), z.maximum(maximum), z.describe(description));

const listOf = <T extends z.core.$ZodType>(item: T, description: string) =>
	z.array(item).check(z.minLength(1), z.describe(description));

/** Where nodes serve credentials: nothing of ours goes there by way of a URL, emulators do not live there. */
const METADATA_ADDRESSES = new BlockList();
METADATA_ADDRESSES.addSubnet('169.254.0.0', 16);
METADATA_ADDRESSES.addSubnet('fe80::', 10, 'ipv6');
METADATA_ADDRESSES.addSubnet('fd00:ec2::', 32, 'ipv6');

/** What is wrong with the address of an emulator, or undefined. */
export function endpointFault(endpoint: string): string | undefined {
	const url = URL.parse(endpoint);
	if (url === null || !/^https?:$/.test(url.protocol)) {
		return 'is not an http or https URL';
	}

	if (url.username || url.password || url.search || url.hash) {
		return 'must not carry credentials, a query or a fragment';
	}

	// The parser has written every spelling of an address in its one normal form.
	const host = url.hostname.replace(/^\[(.*)\]$/, '$1').replace(/\.$/, '');
	const family = isIP(host);
	return family !== 0 && METADATA_ADDRESSES.check(host, family === 6 ? 'ipv6' : 'ipv4')
		? 'is a link-local address or one of a metadata service'
		: undefined;
}

const region = (description: string) =>
	matching(/^[a-z]{2,4}(-[a-z]+)+-\d{1,2}$/, 'is not the name of an AWS region', description);

const endpoint = (service: string) =>
	text(endpointFault, `URL of an emulator of ${service}, for development; never a link-local address`);

const awsSecretsManager = z.strictObject({
	kind: z.literal('aws-secretsmanager'),
	region: z.optional(region('The region to ask. Default: AWS_REGION of the environment.')),
	regions: z.optional(
		listOf(region('A region.'), 'Regions that an ARN may name. Default: the one of region.'),
	),
	accounts: z.optional(
		listOf(
			matching(/^\d{12}$/, 'is not an account id of 12 digits', 'An account id; quote it.'),
			'Account ids that an ARN may name. Default: none, so that only names are read.',
		),
	),
	credentials: z.optional(
		z
			.enum(AWS_CREDENTIALS)
			.check(
				z.describe(
					"Where JASM's identity comes from, with no fallback to another. Default: web-identity. " +
						"instance is the node's role; environment is for development.",
				),
			),
	),
	profile: z.optional(
		matching(/^[^\s\p{Cc}]+$/u, 'is not the name of a profile', 'For credentials profile: its name.'),
	),
	roleArn: z.optional(
		matching(
			/^arn:aws[a-z-]*:iam::\d{12}:role\/[\w+=,.@/-]{1,512}$/,
			'is not the ARN of a role',
			'For credentials web-identity. Default: AWS_ROLE_ARN of the environment.',
		),
	),
	tokenFile: z.optional(
		matching(
			/^\/[^\p{Cc}]+$/u,
			'is not an absolute path',
			'For credentials web-identity. Default: AWS_WEB_IDENTITY_TOKEN_FILE of the environment.',
		),
	),
	endpoint: z.optional(endpoint('Secrets Manager')),
	stsEndpoint: z.optional(endpoint('STS')),
	timeoutMs: z.optional(integer(100, 60_000, 'Milliseconds of one attempt. Default: 5000.')),
	concurrency: z._default(integer(1, 1_000, 'Reads in flight at most.'), 64),
});

const policyRule = z.strictObject({
	namespaces: listOf(
		text(namespaceGlobFault, 'An anchored glob: * stands for any characters, ? for one.'),
		'Whose pods the rule is for. kube-* and the namespace of JASM are never served.',
	),
	provider: z.string().check(z.describe('The name of one provider.')),
	paths: listOf(
		text(
			patternFault,
			'An anchored pattern: * and ? stay within a segment, ** stands for whole segments, {namespace} is ' +
				"the pod's namespace.",
		),
		'What they may read.',
	),
});

const limits = z.strictObject({
	readsPerSecond: z._default(integer(1, 10_000, 'Reads a second of one namespace, lastingly.'), 100),
	burst: z._default(integer(1, 100_000, 'Reads of one namespace at once.'), 1_000),
});

const watch = z.strictObject({
	minSeconds: z._default(integer(5, 3_600, 'A watch is renewed after this many seconds at least.'), 300),
	maxSeconds: z._default(integer(5, 3_600, 'A watch is renewed after this many seconds at most.'), 600),
	silenceSeconds: z._default(integer(5, 600, 'A watch this silent is taken for dead.'), 70),
});

export const PROFILES = ['write-only', 'self-heal'] as const;

const providerName = matching(
	LABEL_VALUE,
	'is not a name of at most 63 letters, digits, "-", "_" and "."',
	'The name that annotations and rules use; it becomes the value of a label.',
);

export const configFile = z.strictObject({
	$schema: z.optional(z.string().check(z.describe('For editors; JASM does not read it.'))),
	profile: z._default(
		z
			.enum(PROFILES)
			.check(z.describe('write-only cannot read Secrets; self-heal can, and repairs what others change.')),
		'write-only',
	),
	providers: z._default(
		z
			.record(providerName, z.discriminatedUnion('kind', [awsSecretsManager]))
			.check(z.describe('Secret stores, by the name that annotations use.')),
		{},
	),
	policy: z._default(
		z.array(policyRule).check(z.describe('Who may read what. What no rule allows is denied.')),
		[],
	),
	limits: z.prefault(
		limits.check(z.describe('How much one namespace may read, so that it cannot starve the others.')),
		{},
	),
	watch: z.prefault(watch.check(z.describe('How the connection that watches pods is kept fresh.')), {}),
});

/** What a valid file says, with defaults filled in. */
export type ConfigFile = z.infer<typeof configFile>;

/** The JSON Schema of the file, as published in docs/config.schema.json. */
export function configJsonSchema(): object {
	return {
		...z.toJSONSchema(configFile, { io: 'input', target: 'draft-07' }),
		title: 'Configuration of JASM',
	};
}
