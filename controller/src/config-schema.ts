// The schema of the configuration file: the source of its types, its checks and the published JSON Schema.
import * as z from 'zod/mini';
import { integer, listOf, matching, text } from './config-fields.ts';
import { LABEL_VALUE } from './kubernetes-names.ts';
import { patternFault } from './path-pattern.ts';
import { namespaceGlobFault } from './policy.ts';
import { awsSecretsManager, azureKeyVault, vault } from './provider-schemas.ts';

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
	silenceSeconds: z._default(
		integer(65, 140, 'A watch this silent is taken for dead; a sign of life comes every 60 s.'),
		70,
	),
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
			.record(providerName, z.discriminatedUnion('kind', [awsSecretsManager, vault, azureKeyVault]))
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
