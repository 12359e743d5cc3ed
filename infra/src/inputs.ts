// Inputs of components: their types, what is known of them early, and checks that run as soon as they can.
import * as pulumi from '@pulumi/pulumi';

type Primitive = string | number | boolean | null | undefined;

/** Fields that decide which other fields or which resources there are: they are plain, so an editor completes them. */
type Discriminator = 'kind' | 'credentials' | 'restarts';

/** A value of which every part may be an Output, except for its discriminators. */
export type Inputs<T> = [T] extends [Primitive]
	? pulumi.Input<T>
	: T extends readonly (infer Item)[]
		? pulumi.Input<readonly Inputs<Item>[]>
		: T extends object
			? { readonly [Field in keyof T]: Field extends Discriminator ? T[Field] : Inputs<T[Field]> }
			: T;

/** What is known before any Output resolves, and the paths of the rest, as messages about faults begin. */
export type Known = { readonly value: unknown; readonly open: readonly string[] };

/** Splits a value into the part that is known and the places that are not. */
export function known(value: unknown, path = ''): Known {
	if (pulumi.Output.isInstance(value) || value instanceof Promise) return { value: undefined, open: [path] };
	if (Array.isArray(value)) {
		const items = value.map((item, index) => known(item, `${path}[${index}]`));
		return { value: items.map(item => item.value), open: items.flatMap(({ open }) => open) };
	}
	if (typeof value !== 'object' || value === null) return { value, open: [] };
	const fields = Object.entries(value).map(
		([name, field]) => [name, known(field, path === '' ? name : `${path}.${name}`)] as const,
	);
	return {
		value: Object.fromEntries(fields.map(([name, field]) => [name, field.value])),
		open: fields.flatMap(([, { open }]) => open),
	};
}

/**
 * Checks a value twice: at once as far as it is known, without the faults of its open places, and whole when
 * everything is known. Throws a RunError, in the constructor or in the run of the program, that lists every fault.
 * `pathOf` says how faults name the path of an input.
 */
export function checked<T>(
	what: string,
	value: Inputs<T>,
	faultsOf: (value: T, complete: boolean) => readonly string[],
	pathOf: (path: string) => string = path => path,
): pulumi.Output<T> {
	const early = known(value);
	const concerns = (fault: string) =>
		early.open.map(pathOf).some(path => fault.startsWith(path) && /^[:.[]/.test(fault.slice(path.length)));
	const complete = early.open.length === 0;
	refuse(
		what,
		faultsOf(early.value as T, complete).filter(fault => !concerns(fault)),
	);
	return pulumi.output(value as pulumi.Input<T>).apply(resolved => {
		refuse(what, complete ? [] : faultsOf(resolved as T, true));
		return resolved as T;
	}) as pulumi.Output<T>;
}

function refuse(what: string, faults: readonly string[]): void {
	if (faults.length > 0) {
		throw new pulumi.RunError(`${what}:\n${faults.map(fault => `  - ${fault}`).join('\n')}`);
	}
}
