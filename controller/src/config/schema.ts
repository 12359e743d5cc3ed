// The schema of the configuration file: the source of its types, its checks and the published JSON Schema.
import * as z from 'zod/mini';
import { LABEL_VALUE } from '../kubernetes/names.ts';
import { patternFault } from '../policy/path-pattern.ts';
import { namespaceGlobFault } from '../policy/policy.ts';
import type { ProviderKind } from '../providers/provider.ts';
import { KINDS } from '../providers/registry.ts';
import {
	absences,
	integer,
	listOf,
	matching,
	optional,
	rule,
	text,
} from '../providers/shared/schema-fields.ts';
import { changes } from './changes-schema.ts';
import { restarts } from './restarts-schema.ts';

type KindSchema = (typeof KINDS)[number]['schema'];

/** One configured provider, of a kind that is built in or of a further one. */
export function providerSchema(further: readonly ProviderKind[] = []) {
	const schemas = [...KINDS, ...further].map(({ schema }) => schema);
	// Further kinds are not part of the type, which says what JASM itself has.
	return z.discriminatedUnion('kind', schemas as unknown as [KindSchema, ...KindSchema[]]);
}

export type ProviderSchema = ReturnType<typeof providerSchema>;

const policyRule = z.strictObject({
	namespaces: listOf(
		text(namespaceGlobFault, 'An anchored glob: * stands for any characters, ? for one character.'),
		'The namespaces of the pods. JASM never serves kube-system, kube-public, kube-node-lease and its own namespace; ' +
			'other namespaces that begin with kube- only by a pattern that begins with kube-.',
	),
	provider: z.string().check(z.describe('The name of one provider.')),
	paths: listOf(
		text(
			patternFault,
			'An anchored pattern: * and ? stay within a segment, ** stands for whole segments, {namespace} is ' +
				"the pod's namespace.",
		),
		'The paths that these pods may read.',
	),
});

const limits = z.strictObject({
	readsPerSecond: z._default(integer(1, 10_000, 'Sustained reads per second of one namespace.'), 100),
	burst: z._default(
		integer(1, 100_000, 'Reads of one namespace at the same moment, before readsPerSecond limits them.'),
		1_000,
	),
});

const watch = z
	.strictObject({
		minSeconds: z._default(integer(5, 3_600, 'Minimum lifetime of a watch connection.'), 300),
		maxSeconds: z._default(integer(5, 3_600, 'Maximum lifetime of a watch connection.'), 600),
		silenceSeconds: z._default(
			integer(65, 140, 'A watch without any data for this time counts as dead. Bookmarks come every 60 s.'),
			70,
		),
	})
	.check(
		rule<{ minSeconds: number; maxSeconds: number }>(
			['minSeconds', 'maxSeconds'],
			({ minSeconds, maxSeconds }) =>
				minSeconds > maxSeconds ? ['minSeconds', 'must not be greater than maxSeconds'] : undefined,
		),
	);

const start = z.strictObject({
	release: z._default(
		z
			.boolean()
			.check(
				z.describe(
					'Releases pods that wait for their Secrets. Needs the verb patch on pods and the admission policy jasm-pods.',
				),
			),
		false,
	),
});

export const PROFILES = ['write-only', 'self-heal'] as const;

const providerName = matching(
	LABEL_VALUE,
	'is not a name of at most 63 letters, digits, "-", "_" and "."',
	'The name that annotations and rules use. It becomes the value of a label.',
);

/** The whole file, with this schema for each of its providers. */
export const configFile = (provider: ProviderSchema = providerSchema()) =>
	z.strictObject({
		$schema: z.optional(
			z.string().check(z.describe('The address of this schema, for editors. JASM ignores it.')),
		),
		profile: z._default(
			z
				.enum(PROFILES)
				.check(
					z.describe(
						'write-only cannot read Secrets. self-heal can, and repairs Secrets that others change.',
					),
				),
			'write-only',
		),
		providers: z._default(
			z.record(providerName, provider).check(z.describe('Secret stores, by the name that annotations use.')),
			{},
		),
		policy: z._default(
			z.array(policyRule).check(z.describe('Who may read what. A read that no rule allows is denied.')),
			[],
		),
		limits: z.prefault(
			limits.check(z.describe('How much one namespace may read, so that it leaves capacity for the others.')),
			{},
		),
		watch: z.prefault(watch.check(z.describe('How long the connections that watch pods live.')), {}),
		changes: optional(
			'a secret that changes reaches its Secrets with the next new pod',
			changes.check(z.describe('How JASM hears that a secret changed at its store.')),
		),
		restarts: optional(
			'nothing is restarted',
			restarts.check(z.describe('Workloads that are restarted after a change of their Secrets.')),
		),
		start: z.prefault(start.check(z.describe('Pods that start only after their Secrets are fresh.')), {}),
	});

/** What a valid file says, with defaults filled in. */
export type ConfigFile = z.infer<ReturnType<typeof configFile>>;

/** What may be written in the file: without defaults. */
export type ConfigFileInput = z.input<ReturnType<typeof configFile>>;

/** The JSON Schema of the file, as published in docs/config.schema.json. */
export function configJsonSchema(): object {
	const schema = z.toJSONSchema(configFile(), {
		io: 'input',
		target: 'draft-07',
		override({ zodSchema, jsonSchema }) {
			const { def } = (zodSchema as z.core.$ZodTypes)._zod;
			for (const [name, field] of Object.entries(def.type === 'object' ? def.shape : {})) {
				const { variables, words } = absences.get(field) ?? {};
				const json = jsonSchema.properties?.[name] as { description?: string } | undefined;
				const inEnvironment = variables && `${variables.join(', ')} of the environment`;
				const absent = [inEnvironment, words].filter(part => part !== undefined).join(', else ');
				if (json !== undefined && absent !== '') {
					// A copy: forms share the schemas of their fields.
					const description = `${json.description} Default: ${absent}.`;
					jsonSchema.properties = { ...jsonSchema.properties, [name]: { ...json, description } };
				}

				// A field that the environment can give is not required in the file.
				if (variables !== undefined && jsonSchema.required !== undefined) {
					jsonSchema.required = jsonSchema.required.filter(required => required !== name);
				}
			}
		},
	});
	return { ...schema, title: 'Configuration of JASM' };
}
