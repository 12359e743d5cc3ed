// Reads the configuration file and checks what the schema cannot: names that must meet, what is missing.
import { boolCoreTag, defineScalarTag, floatCoreTag, intCoreTag, Schema } from 'js-yaml';
import type { Environment, ProviderKind } from '../providers/provider.ts';
import { KINDS, kindNamed } from '../providers/registry.ts';
import { nearestName } from '../util/nearest-name.ts';
import { printable } from '../util/printable.ts';
import { parseStrictYaml, TEXT_SCHEMA, YamlFault } from '../util/strict-yaml.ts';
import { changesFaults } from './changes-faults.ts';
import { variablesOf, withEnvironment } from './environment.ts';
import { fault, nameFault, schemaFaults } from './errors.ts';
import { type ConfigFile, configFile, type ProviderSchema, providerSchema } from './schema.ts';
import { type Path, valueAt } from './schema-walk.ts';

/** Bytes a person could not have written; a ConfigMap holds no more. */
const MAX_FILE_LENGTH = 1_048_576;
const MAX_DEPTH = 20;

/** Numbers and booleans as in JSON; what an operator must quote is refused, never guessed. */
const FILE_SCHEMA = new Schema([...TEXT_SCHEMA.tags, boolCoreTag, withSource(intCoreTag), floatCoreTag]);

/** A number with a leading zero is a symbol, which the schema refuses and a message shows as it is written. */
function withSource(tag: typeof intCoreTag) {
	return defineScalarTag<number | symbol>(tag.tagName, {
		...tag,
		resolve(source, isExplicit, tagName) {
			const value = tag.resolve(source, isExplicit, tagName);
			return typeof value === 'number' && /^[-+]?0\d/.test(source) ? Symbol(source) : value;
		},
	});
}

/** The provider without a file: AWS in the region of AWS_REGION. No namespace may read. */
const BUILT_IN = 'aws-secretsmanager';

export type ConfigFileSources = {
	readonly path: string | undefined;
	readonly env: Environment;
	readonly readFile: (path: string) => string;
	readonly extraProviders: readonly string[];
	/** Kinds of providers beside those that are built in. */
	readonly kinds?: readonly ProviderKind[];
};

export type ConfigFileResult = {
	/** Defaults where there are faults. */
	readonly content: ConfigFile;
	readonly faults: readonly string[];
	readonly warnings: readonly string[];
};

/** Never throws; without a path the built-in provider, if AWS_REGION is set. */
export function readConfigFile(sources: ConfigFileSources): ConfigFileResult {
	const { path, env, kinds } = sources;
	const provider = providerSchema(kinds);
	const schema = configFile(provider);
	const faults: string[] = [];
	const parsed = path === undefined ? undefined : parse(path, sources, faults);
	if (faults.length > 0) {
		return { content: schema.parse({}), faults, warnings: [] };
	}

	const written = path === undefined ? builtIn(env) : toPlain(schema, parsed, faults);
	const complete = filled(provider, written, env);
	const origin = (at: Path) => variableAt(provider, written, at, env);
	faults.push(...schemaFaults(schema, complete, origin), ...crossFaults(complete, sources));
	const result = schema.safeParse(complete);
	if (!result.success || faults.length > 0) {
		return { content: schema.parse({}), faults, warnings: [] };
	}

	const content = { ...result.data, providers: Object.assign(Object.create(null), result.data.providers) };
	return { content, faults, warnings: warningsOf(content, sources) };
}

const builtIn = (env: Environment): unknown =>
	env['AWS_REGION'] ? { providers: { [BUILT_IN]: { kind: 'aws-secretsmanager' } } } : {};

/** Providers as they are written, with what they leave to the environment. */
function filled(provider: ProviderSchema, written: unknown, env: Environment): unknown {
	const { providers } = recordOf(written);
	if (!isRecord(providers)) {
		return written;
	}

	// Without a prototype, as names of providers are free.
	const complete: Record<string, unknown> = Object.create(null);
	for (const [name, fields] of Object.entries(providers)) {
		complete[name] = isRecord(fields) ? withEnvironment(provider, fields, env) : fields;
	}

	return { ...recordOf(written), providers: complete };
}

/** The variable that fills a field of a provider, in words. */
function variableAt(
	provider: ProviderSchema,
	written: unknown,
	[place, name = '', field = '']: Path,
	env: Environment,
): string | undefined {
	const fields = place === 'providers' ? valueAt(written, [place, name]) : undefined;
	const variables = isRecord(fields) ? variablesOf(provider, fields, env) : {};
	const variable = valueAt(variables, [field]);
	return typeof variable === 'string' ? `${variable} in the environment` : undefined;
}

function parse(path: string, { readFile }: ConfigFileSources, faults: string[]): unknown {
	let text: string;
	try {
		text = readFile(path);
	} catch (error) {
		const reason = error instanceof Error && 'code' in error ? ` (${error.code})` : '';
		faults.push(`--config: "${printable(path)}" cannot be read${reason}`);
		return undefined;
	}

	if (text.length > MAX_FILE_LENGTH) {
		faults.push(`"${printable(path)}": is longer than ${MAX_FILE_LENGTH} characters`);
		return undefined;
	}

	try {
		return parseStrictYaml(text, { maxDepth: MAX_DEPTH, schema: FILE_SCHEMA });
	} catch (error) {
		const why = error instanceof YamlFault ? error.message : 'syntax error';
		faults.push(`"${printable(path)}": is not YAML: ${why}`);
		return undefined;
	}
}

/** Maps as objects without a prototype, without fields that have no value: `policy:` and nothing more is no policy. */
function toPlain(schema: ReturnType<typeof configFile>, root: unknown, faults: string[]): unknown {
	const unseen: Path[] = [];
	const plain = plainOf(root, [], unseen);
	faults.push(...unseen.map(path => nameFault(schema, path.slice(0, -1), String(path.at(-1)), plain)));
	return plain;
}

/** Collects the paths of names that the schema does not see everywhere. */
function plainOf(node: unknown, path: Path, unseen: Path[]): unknown {
	if (Array.isArray(node)) {
		return node.map((item, index) => plainOf(item, [...path, index], unseen));
	}

	if (!(node instanceof Map)) {
		return node ?? (path.length === 0 ? {} : node);
	}

	const plain: Record<string, unknown> = Object.create(null);
	for (const [key, value] of node) {
		const name = typeof key === 'object' ? '' : String(key);
		if (name === '' || name === '__proto__') {
			unseen.push([...path, name]);
		} else if (value !== null) {
			plain[name] = plainOf(value, [...path, name], unseen);
		}
	}

	return plain;
}

/** Rules and sources that name a provider which is not there; together with the faults of the schema. */
function crossFaults(written: unknown, { extraProviders, kinds = [] }: ConfigFileSources): string[] {
	const { policy, providers = {}, changes } = recordOf(written);
	if (!isRecord(providers)) {
		return [];
	}

	const known = [...Object.keys(providers), ...extraProviders];
	const faults: string[] = [];
	for (const [index, rule] of (Array.isArray(policy) ? policy : []).entries()) {
		const { provider: name } = recordOf(rule);
		if (typeof name === 'string' && !known.includes(name)) {
			const message = `"${printable(name, 64)}" is not a configured provider, ${hint(name, known)}`;
			faults.push(fault(['policy', index, 'provider'], message));
		}
	}

	const configured = Object.keys(providers);
	const unknown = (name: string) => hint(name, configured);
	return [
		...faults,
		...changesFaults(changes, providers, { kinds, unknown }).map(({ path, message }) => fault(path, message)),
	];
}

function hint(name: string, known: readonly string[]): string {
	const nearest = nearestName(name, known);
	if (nearest !== undefined) {
		return `did you mean "${nearest}"?`;
	}

	return known.length === 0
		? 'none is configured'
		: `configured are ${known.map(each => printable(each, 64)).join(', ')}`;
}

const isRecord = (value: unknown): value is Record<string, unknown> =>
	typeof value === 'object' && value !== null && !Array.isArray(value);

const recordOf = (value: unknown): Record<string, unknown> => (isRecord(value) ? value : {});

function warningsOf(content: ConfigFile, { extraProviders, kinds = [] }: ConfigFileSources): string[] {
	const warnings: string[] = [];
	for (const [name, config] of Object.entries(content.providers)) {
		const kind = kindNamed<ProviderKind>(config.kind, [...KINDS, ...kinds]);
		warnings.push(...(kind?.notices?.(config) ?? []).map(notice => `providers.${name}: ${notice}`));
	}

	if (Object.keys(content.providers).length + extraProviders.length === 0) {
		warnings.push('no provider is configured: nothing can be read');
	} else if (content.policy.length === 0) {
		warnings.push('policy has no rule: no namespace may read anything');
	}

	return warnings;
}
