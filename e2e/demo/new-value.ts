// What a secret of the demo becomes by the arguments of `pnpm rotate`.

export const USAGE = `usage: pnpm rotate PATH KEY=VALUE…     changes keys of a JSON object
       pnpm rotate PATH --text TEXT    replaces the whole value
for example: pnpm rotate /prod/shared/database DB_PASSWORD=changed`;

/** Bad arguments, or a stored value that they do not fit. Its message never holds a value. */
export class RotateError extends Error {}

export type Rotation = {
	readonly path: string;
	/** The new value, from the stored one. Throws a RotateError. */
	change(before: string): string;
};

/** Throws a RotateError. */
export function rotationOf([path, ...changes]: readonly string[]): Rotation {
	if (path === undefined || path.startsWith('-') || changes.length === 0) {
		throw new RotateError(USAGE);
	}

	if (changes[0] === '--text') {
		const [, text, ...more] = changes;
		if (text === undefined || more.length > 0) {
			throw new RotateError(`--text takes one argument; put a text with spaces into quotes\n${USAGE}`);
		}

		return { path, change: () => text };
	}

	const pairs = changes.map((change, index) => {
		const at = change.indexOf('=');
		if (at < 1) {
			throw new RotateError(`argument ${index + 2} is not of the form KEY=VALUE\n${USAGE}`);
		}

		return [change.slice(0, at), change.slice(at + 1)] as const;
	});
	return {
		path,
		change: before => JSON.stringify({ ...membersOf(path, before), ...Object.fromEntries(pairs) }),
	};
}

function membersOf(path: string, text: string): object {
	let value: unknown;
	try {
		value = JSON.parse(text);
	} catch {
		// The parser's message would quote the value.
	}

	if (typeof value !== 'object' || value === null || Array.isArray(value)) {
		throw new RotateError(
			`the value of ${path} is not a JSON object, so it has no keys; replace it whole by --text TEXT`,
		);
	}

	return value;
}
