// What @pulumi/aws itself declares a resource to take and to give, read from its type declarations.
import { existsSync, readFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { dirname, join } from 'node:path';
import { type DeclaredType, parseFields } from './type-text.ts';

/** Stands for a value that is not known yet: the engine's own marker, equal in all of its versions. */
export const UNKNOWN = '04da6b54-80e4-46f7-96ec-b56ff0331ba9';

export type DeclaredResource = {
	/** Inputs of the constructor by name. */
	readonly inputs: ReadonlyMap<string, DeclaredType>;
	/** Names of the outputs. */
	readonly outputs: ReadonlySet<string>;
};

const root = dirname(createRequire(import.meta.url).resolve('@pulumi/aws/package.json'));
let nested: string | undefined;

/**
 * The declaration behind a type token such as `aws:s3/bucket:Bucket`; undefined if the package has no
 * such resource.
 */
export function declaredResource(token: string): DeclaredResource | undefined {
	const [, path, name] = /^aws:([\w/]+):(\w+)$/.exec(token) ?? [];
	if (path === undefined || name === undefined || path.includes('..')) return undefined;
	const file = join(root, `${path}.d.ts`);
	if (!existsSync(file)) return undefined;
	const text = readFileSync(file, 'utf8');
	const args = blockAfter(text, `interface ${name}Args {`);
	const body = blockAfter(text, `declare class ${name} extends pulumi.CustomResource {`);
	if (args === undefined || body === undefined) return undefined;
	const outputs = new Set([...body.matchAll(/readonly (\w+): pulumi\.Output</g)].map(match => match[1]!));
	return { inputs: parseFields(args), outputs };
}

/** What is wrong with these inputs, one line per fault, none of which quotes a value. */
export function inputFaults(inputs: Record<string, unknown>, declared: DeclaredResource): string[] {
	return objectFaults(inputs, declared.inputs, '');
}

function objectFaults(
	value: Record<string, unknown>,
	fields: ReadonlyMap<string, DeclaredType>,
	path: string,
): string[] {
	const at = (name: string) => (path === '' ? name : `${path}.${name}`);
	const unknown = Object.keys(value).filter(name => !fields.has(name));
	return [
		...unknown.map(name => `${at(name)}: @pulumi/aws declares no such input`),
		...[...fields].flatMap(([name, type]) => typeFaults(value[name], type, at(name))),
	];
}

function typeFaults(value: unknown, type: DeclaredType, path: string): string[] {
	if (value === UNKNOWN) return [];
	switch (type.kind) {
		case 'union': {
			const results = type.of.map(option => typeFaults(value, option, path));
			return results.some(faults => faults.length === 0) ? [] : (results.at(0) ?? [`${path}: no value fits`]);
		}
		case 'list':
			if (!Array.isArray(value)) return [`${path}: must be a list`];
			return value.flatMap((item, index) => typeFaults(item, type.of, `${path}[${index}]`));
		case 'map':
			if (!isObject(value)) return [`${path}: must be a mapping`];
			return Object.entries(value).flatMap(([key, item]) => typeFaults(item, type.of, `${path}.${key}`));
		case 'named': {
			const fields = nestedFields(type.name);
			if (fields === undefined) return [`${path}: must be a ${type.name}, which cannot be given here`];
			return isObject(value) ? objectFaults(value, fields, path) : [`${path}: must be a mapping`];
		}
		case 'undefined':
			return value === undefined || value === null ? [] : [`${path}: must not be given`];
		default:
			if (value === undefined || value === null) return [`${path}: is required`];
			return typeof value === type.kind ? [] : [`${path}: must be a ${type.kind}, not a ${typeof value}`];
	}
}

function nestedFields(name: string): ReadonlyMap<string, DeclaredType> | undefined {
	const [, namespace, type] = /^inputs\.(\w+)\.(\w+)$/.exec(name) ?? [];
	if (namespace === undefined) return undefined;
	nested ??= readFileSync(join(root, 'types/input.d.ts'), 'utf8');
	const start = nested.indexOf(`\nexport declare namespace ${namespace} {`);
	if (start === -1) return undefined;
	const end = nested.indexOf('\nexport declare namespace ', start + 1);
	const scope = nested.slice(start, end === -1 ? undefined : end);
	const block = blockAfter(scope, `interface ${type} {`);
	return block === undefined ? undefined : parseFields(block);
}

function blockAfter(text: string, opening: string): string | undefined {
	const start = text.indexOf(opening);
	if (start === -1) return undefined;
	let depth = 1;
	// Braces in the documentation comments come in pairs or not at all; the comments go first to be sure.
	const rest = text.slice(start + opening.length).replace(/\/\*\*[\s\S]*?\*\//g, '');
	for (let index = 0; index < rest.length; index++) {
		if (rest[index] === '{') depth++;
		if (rest[index] === '}' && --depth === 0) return rest.slice(0, index);
	}
	return undefined;
}

function isObject(value: unknown): value is Record<string, unknown> {
	return typeof value === 'object' && value !== null && !Array.isArray(value);
}
