// Policies of the embedded Vault: HCL or JSON with paths and capabilities; the most specific path decides.

export type Capability = 'create' | 'read' | 'update' | 'delete' | 'list' | 'deny' | 'sudo' | 'patch';

export type Rule = { readonly path: string; readonly capabilities: readonly string[] };

/** What every token may do, unless it is created without. */
export const DEFAULT_POLICY = `
path "auth/token/lookup-self" { capabilities = ["read"] }
path "auth/token/renew-self" { capabilities = ["update"] }
path "auth/token/revoke-self" { capabilities = ["update"] }
path "sys/leases/lookup" { capabilities = ["update"] }
path "sys/leases/renew" { capabilities = ["update"] }
`;

/** Understands `path "…" { capabilities = […] }`, and the same as JSON. */
export function parsePolicy(text: string): Rule[] {
	if (text.trim().startsWith('{')) {
		const { path = {} } = JSON.parse(text) as { path?: Record<string, { capabilities?: string[] }> };
		return Object.entries(path).map(([name, { capabilities = [] }]) => ({ path: name, capabilities }));
	}

	const blocks = text.replace(/#.*$/gm, '').matchAll(/path\s+"([^"]+)"\s*\{([^}]*)\}/g);
	return Array.from(blocks, ([, path = '', block = '']) => ({
		path,
		capabilities: Array.from(
			(/capabilities\s*=\s*\[([^\]]*)\]/.exec(block)?.[1] ?? '').matchAll(/"(\w+)"/g),
			([, name = '']) => name,
		),
	}));
}

/** Whether any of these capabilities is granted; creating and updating are not told apart. */
export function allows(rules: readonly Rule[], path: string, wanted: readonly Capability[]): boolean {
	const [best, ...others] = rules
		.filter(rule => matches(rule.path, path))
		.toSorted((one, other) => compare(other.path, one.path));
	if (best === undefined) {
		return false;
	}

	const granted = [best, ...others.filter(rule => rule.path === best.path)].flatMap(
		rule => rule.capabilities,
	);
	return !granted.includes('deny') && wanted.some(capability => granted.includes(capability));
}

/** `+` is one segment, `*` at the end any rest. */
function matches(pattern: string, path: string): boolean {
	const source = pattern
		.replace(/\*$/, '')
		.split('/')
		.map(segment => (segment === '+' ? '[^/]+' : segment.replace(/[\\^$.*+?()[\]{}|]/g, '\\$&')))
		.join('/');
	return new RegExp(`^${source}${pattern.endsWith('*') ? '' : '$'}`).test(path);
}

/** Positive where the first is the more specific pattern. */
function compare(one: string, other: string): number {
	const firstWildcard = (pattern: string) => /[+*]/.exec(pattern)?.index ?? Number.POSITIVE_INFINITY;
	const [a, b] = [firstWildcard(one), firstWildcard(other)];
	return a === b ? one.length - other.length : a > b ? 1 : -1;
}
