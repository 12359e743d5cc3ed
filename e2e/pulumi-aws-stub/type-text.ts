// Reads the small part of TypeScript's type syntax that @pulumi/aws declares its inputs in; pure.

/** The type of one input, `pulumi.Input<…>` already taken off. */
export type DeclaredType =
	| { readonly kind: 'string' | 'number' | 'boolean' | 'undefined' }
	| { readonly kind: 'list' | 'map'; readonly of: DeclaredType }
	| { readonly kind: 'union'; readonly of: readonly DeclaredType[] }
	| { readonly kind: 'named'; readonly name: string };

const TOKEN = /\s*(\[key: string\]:|\[\]|[\w.]+|[<>{}()|;,?:])/y;
const OPTIONAL: DeclaredType = { kind: 'undefined' };

/** The fields of an interface's body without comments. */
export function parseFields(body: string): ReadonlyMap<string, DeclaredType> {
	const tokens = tokenize(body);
	const fields = new Map<string, DeclaredType>();
	while (tokens.length > 0) {
		const name = tokens.shift()!;
		const optional = tokens[0] === '?';
		if (optional) tokens.shift();
		expect(tokens, ':');
		const type = union(tokens);
		fields.set(name, optional ? { kind: 'union', of: [type, OPTIONAL] } : type);
		expect(tokens, ';');
	}
	return fields;
}

/** One type from its text. Throws on syntax that it does not know. */
export function parseType(text: string): DeclaredType {
	return union(tokenize(text));
}

function tokenize(text: string): string[] {
	const tokens: string[] = [];
	TOKEN.lastIndex = 0;
	while (TOKEN.lastIndex < text.trimEnd().length) {
		const at = TOKEN.lastIndex;
		const token = TOKEN.exec(text)?.[1];
		if (token === undefined)
			throw new Error(`reading a declared type: unknown syntax at "${text.slice(at, at + 30)}"`);
		tokens.push(token);
	}
	return tokens;
}

function union(tokens: string[]): DeclaredType {
	const options = [postfix(tokens)];
	while (tokens[0] === '|') {
		tokens.shift();
		options.push(postfix(tokens));
	}
	return options.length === 1 ? options[0]! : { kind: 'union', of: options };
}

function postfix(tokens: string[]): DeclaredType {
	let type = primary(tokens);
	while (tokens[0] === '[]') {
		tokens.shift();
		type = { kind: 'list', of: type };
	}
	return type;
}

function primary(tokens: string[]): DeclaredType {
	const token = tokens.shift();
	switch (token) {
		case 'string':
		case 'number':
		case 'boolean':
		case 'undefined':
			return { kind: token };
		case '(': {
			const type = union(tokens);
			expect(tokens, ')');
			return type;
		}
		case '{': {
			expect(tokens, '[key: string]:');
			const of = union(tokens);
			if (tokens[0] === ';') tokens.shift();
			expect(tokens, '}');
			return { kind: 'map', of };
		}
		case 'pulumi.Input': {
			expect(tokens, '<');
			const type = union(tokens);
			expect(tokens, '>');
			return type;
		}
		default:
			if (token === undefined || !/^\w/.test(token))
				throw new Error(`reading a declared type: unexpected ${inWords(token)}`);
			// Enums are strings on the wire, in every resource of this package.
			return token.startsWith('enums.') ? { kind: 'string' } : { kind: 'named', name: token };
	}
}

function expect(tokens: string[], wanted: string): void {
	const token = tokens.shift();
	if (token !== wanted)
		throw new Error(`reading a declared type: "${wanted}" expected, ${inWords(token)} found`);
}

const inWords = (token: string | undefined): string => (token === undefined ? 'end of text' : `"${token}"`);
