// Reads the configuration file and checks what the schema cannot: names that must meet, what is missing.
import { boolCoreTag, floatCoreTag, intCoreTag, Schema } from 'js-yaml';
import { fault, fieldsAt, schemaFaults, unknownField } from './config-faults.ts';
import { type ConfigFile, configFile } from './config-schema.ts';
import { nearestName } from './nearest-name.ts';
import { printable } from './printable.ts';
import { providerFaults, providerNotice } from './provider-faults.ts';
import type { Environment } from './providers/provider.ts';
import { parseStrictYaml, TEXT_SCHEMA, YamlFault } from './strict-yaml.ts';

/** Bytes a person could not have written; a ConfigMap holds no more. */
const MAX_FILE_LENGTH = 1_048_576;
const MAX_DEPTH = 20;

/** Numbers and booleans as in JSON; what an operator must quote is refused, never guessed. */
const FILE_SCHEMA = new Schema([...TEXT_SCHEMA.tags, boolCoreTag, intCoreTag, floatCoreTag]);

/** What runs without a file: AWS, wherever AWS_REGION says, for nobody. */
const BUILT_IN = 'aws-secretsmanager';

export type ConfigFileSources = {
	readonly path: string | undefined;
	readonly env: Environment;
	readonly readFile: (path: string) => string;
	readonly extraProviders: readonly string[];
};

export type ConfigFileResult = {
	/** Defaults where there are faults. */
	readonly content: ConfigFile;
	readonly faults: readonly string[];
	readonly notices: readonly string[];
};

/** Never throws; without a path the built-in provider, if AWS_REGION is set. */
export function readConfigFile(sources: ConfigFileSources): ConfigFileResult {
	const { path, env } = sources;
	const faults: string[] = [];
	const parsed = path === undefined ? undefined : parse(path, sources, faults);
	if (faults.length > 0) {
		return { content: configFile.parse({}), faults, notices: [] };
	}

	const written = path === undefined ? builtIn(env) : toPlain(parsed, [], faults);
	const result = configFile.safeParse(written);
	faults.push(...(result.success ? [] : schemaFaults(configFile, written, result.error.issues)));
	faults.push(...crossFaults(written, sources));
	if (!result.success || faults.length > 0) {
		return { content: configFile.parse({}), faults, notices: [] };
	}

	const content = { ...result.data, providers: Object.assign(Object.create(null), result.data.providers) };
	return { content, faults, notices: noticesOf(content, sources) };
}

const builtIn = (env: Environment): unknown =>
	env['AWS_REGION'] ? { providers: { [BUILT_IN]: { kind: 'aws-secretsmanager' } } } : {};

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
		faults.push(fault([], `is longer than ${MAX_FILE_LENGTH} characters`));
		return undefined;
	}

	try {
		return parseStrictYaml(text, { maxDepth: MAX_DEPTH, schema: FILE_SCHEMA });
	} catch (error) {
		faults.push(fault([], `is not YAML: ${error instanceof YamlFault ? error.message : 'syntax error'}`));
		return undefined;
	}
}

/** Maps as objects without a prototype, fields that say nothing left out: `policy:` alone is no policy. */
function toPlain(node: unknown, path: readonly PropertyKey[], faults: string[]): unknown {
	if (Array.isArray(node)) {
		return node.map((item, index) => toPlain(item, [...path, index], faults));
	}

	if (!(node instanceof Map)) {
		return node ?? (path.length === 0 ? {} : node);
	}

	const plain: Record<string, unknown> = Object.create(null);
	for (const [key, value] of node) {
		const name = typeof key === 'object' ? '' : String(key);
		// Of all names this one alone is not seen by the schema everywhere.
		if (name === '' || name === '__proto__') {
			faults.push(fault([...path, name], unknownField(name, fieldsAt(configFile, path))));
		} else if (value !== null) {
			plain[name] = toPlain(value, [...path, name], faults);
		}
	}

	return plain;
}

/** Of what is written, valid or not, so that these faults come together with those of the schema. */
function crossFaults(written: unknown, { env, extraProviders }: ConfigFileSources): string[] {
	const faults: string[] = [];
	const providers = recordOf(recordOf(written)['providers']);
	for (const [name, provider] of Object.entries(providers)) {
		for (const { field, message } of providerFaults(recordOf(provider), env)) {
			faults.push(fault(['providers', name, field], message));
		}
	}

	const known = [...Object.keys(providers), ...extraProviders];
	const { policy } = recordOf(written);
	for (const [index, rule] of (Array.isArray(policy) ? policy : []).entries()) {
		const { provider } = recordOf(rule);
		if (typeof provider === 'string' && !known.includes(provider)) {
			const nearest = nearestName(provider, known);
			const hint = nearest === undefined ? '' : `, did you mean "${nearest}"?`;
			const message = `"${printable(provider, 64)}" is not a configured provider${hint}`;
			faults.push(fault(['policy', index, 'provider'], message));
		}
	}

	const { minSeconds = 300, maxSeconds = 600 } = recordOf(recordOf(written)['watch']);
	if (Number(minSeconds) > Number(maxSeconds)) {
		faults.push(fault(['watch', 'minSeconds'], 'must not be greater than maxSeconds'));
	}

	return faults;
}

const recordOf = (value: unknown): Record<string, unknown> =>
	typeof value === 'object' && value !== null && !Array.isArray(value)
		? (value as Record<string, unknown>)
		: {};

function noticesOf(content: ConfigFile, { env, extraProviders }: ConfigFileSources): string[] {
	const notices: string[] = [];
	for (const [name, provider] of Object.entries(content.providers)) {
		const notice = providerNotice(provider, env);
		if (notice !== undefined) {
			notices.push(`providers.${name}: ${notice}`);
		}
	}

	if (Object.keys(content.providers).length + extraProviders.length === 0) {
		notices.push('no provider is configured: nothing can be read');
	} else if (content.policy.length === 0) {
		notices.push('policy has no rule: no namespace may read anything');
	}

	return notices;
}
