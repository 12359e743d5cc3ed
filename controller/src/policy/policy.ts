// Decides which namespace may read which path of which provider; default deny; pure.
import type { ErrorCode } from '../errors.ts';
import { isNamespace } from '../kubernetes/names.ts';
import { printable } from '../util/printable.ts';
import { compileGlob, type Glob, matchGlob } from './glob.ts';
import { compilePath, matchPath, type PathPattern, patternFault, readPath } from './path-pattern.ts';

/** A grant: pods in these namespaces may read these paths of this provider. */
export type PolicyRule = {
	/** Anchored globs: `*` any characters, `?` one. */
	readonly namespaces: readonly string[];
	/** Exactly one provider, by name. */
	readonly provider: string;
	/** Anchored patterns by segment, as `path-pattern.ts` reads them. */
	readonly paths: readonly string[];
};

/** What the rules need to know of the installation. */
export type PolicyOptions = {
	/** JASM's own namespace: nothing is ever synced into it. */
	readonly ownNamespace: string;
};

type CompiledNamespace = {
	readonly glob: Glob;
	/** Begins with a literal `kube-`: only such a pattern can match a namespace of that name. */
	readonly system: boolean;
};

type CompiledRule = {
	/** Place of the rule in the configuration. */
	readonly index: number;
	readonly provider: string;
	readonly namespaces: readonly CompiledNamespace[];
	readonly paths: readonly { readonly text: string; readonly pattern: PathPattern }[];
};

/** The rules, ready to be asked. */
export type Policy = {
	readonly ownNamespace: string;
	readonly rules: readonly CompiledRule[];
};

/** A namespace that wants to read a path of a provider. */
export type Question = { readonly namespace: string; readonly provider: string; readonly path: string };

/** A denial's message is the same whether or not the secret exists: nothing was asked yet. */
export type Decision =
	| { readonly allowed: true }
	| {
			readonly allowed: false;
			readonly code: ErrorCode;
			readonly message: string;
			/** For the log of the operator: the rules that are nearest to the question. */
			readonly nearest?: string;
	  };

/** Namespaces of Kubernetes itself. No rule opens them. */
export const RESERVED_NAMESPACES: readonly string[] = ['kube-system', 'kube-public', 'kube-node-lease'];

/** Other namespaces of this prefix are served only by a rule that begins with it, never by a wildcard. */
const SYSTEM_PREFIX = 'kube-';

const ALLOWED: Decision = Object.freeze({ allowed: true });

const RESERVED: Decision = Object.freeze({
	allowed: false,
	code: 'NAMESPACE_EXCLUDED',
	message: 'syncing into a system namespace',
});

const UNNAMED: Decision = Object.freeze({
	allowed: false,
	code: 'NAMESPACE_EXCLUDED',
	message: 'syncing into a system namespace, which no policy rule names',
});

const DENIED = 'no policy rule allows this namespace to read this path';

/**
 * Prepares rules for `decide`. The configuration refuses malformed patterns by name; here they match nothing.
 *
 * @example
 * ```ts
 * import { compilePolicy, decide } from '@jasm/controller';
 *
 * const rules = [{ namespaces: ['team-*'], provider: 'vault', paths: ['prod/{namespace}/**'] }];
 * const policy = compilePolicy(rules, { ownNamespace: 'jasm' });
 * const { allowed } = decide(policy, { namespace: 'team-a', provider: 'vault', path: 'prod/team-a/db' });
 * ```
 */
export function compilePolicy(rules: readonly PolicyRule[], { ownNamespace }: PolicyOptions): Policy {
	const compiled = rules.map(({ provider, namespaces, paths }, index) => ({
		index,
		provider,
		namespaces: namespaces.map(text => ({ glob: compileGlob(text), system: text.startsWith(SYSTEM_PREFIX) })),
		paths: paths
			.filter(path => patternFault(path) === undefined)
			.map(text => ({ text, pattern: compilePath(text) })),
	}));
	return { ownNamespace, rules: compiled };
}

/**
 * Whether a pod of this namespace may read this path: only if a rule says so. Pure; nothing is asked of a store.
 *
 * @example
 * ```ts
 * import { compilePolicy, decide } from '@jasm/controller';
 *
 * const policy = compilePolicy([], { ownNamespace: 'jasm' });
 * const decision = decide(policy, { namespace: 'team-a', provider: 'vault', path: 'prod/db' });
 * if (!decision.allowed) console.log(decision.code, decision.message);
 * ```
 */
export function decide(policy: Policy, question: Question): Decision {
	const { namespace, path } = question;
	if (RESERVED_NAMESPACES.includes(namespace) || namespace === policy.ownNamespace) {
		return RESERVED;
	}

	const inNamespace = isNamespace(namespace)
		? policy.rules.filter(rule => matchesNamespace(rule, namespace))
		: [];
	if (namespace.startsWith(SYSTEM_PREFIX) && inNamespace.length === 0) {
		return UNNAMED;
	}

	const rules = inNamespace.filter(({ provider }) => provider === question.provider);
	return allows(rules, namespace, path) ? ALLOWED : denied(rules, question);
}

const matchesNamespace = ({ namespaces }: CompiledRule, namespace: string): boolean =>
	namespaces.some(
		({ glob, system }) => (system || !namespace.startsWith(SYSTEM_PREFIX)) && matchGlob(glob, namespace),
	);

function allows(rules: readonly CompiledRule[], namespace: string, path: string): boolean {
	const parsed = readPath(path);
	return (
		parsed !== undefined &&
		rules.some(({ paths }) => paths.some(({ pattern }) => matchPath(pattern, parsed, namespace)))
	);
}

/** A missing or extra slash is the usual mistake, and the rules alone tell it: no provider is asked. */
function denied(rules: readonly CompiledRule[], { namespace, provider, path }: Question): Decision {
	const [other, hint] = path.startsWith('/')
		? [path.slice(1), 'a rule allows it without the leading slash']
		: [`/${path}`, 'a rule allows it with a leading slash'];
	const message = allows(rules, namespace, other) ? `${DENIED}: ${hint}` : DENIED;
	return { allowed: false, code: 'POLICY_DENIED', message, nearest: nearestOf(rules, namespace, provider) };
}

const MAX_SHOWN = 5;

function nearestOf(rules: readonly CompiledRule[], namespace: string, provider: string): string {
	const shown = rules.flatMap(({ index, paths }) => paths.map(({ text }) => `policy[${index}]: ${text}`));
	if (shown.length === 0) {
		return `no rule of provider "${printable(provider, 64)}" matches namespace "${printable(namespace, 64)}"`;
	}

	const more = shown.length > MAX_SHOWN ? `, and ${shown.length - MAX_SHOWN} more` : '';
	return `${shown.slice(0, MAX_SHOWN).join(', ')}${more}`;
}

/** The namespace patterns by which the rules open further system namespaces; the admission policy opens the same. */
export const systemPatterns = (rules: readonly Pick<PolicyRule, 'namespaces'>[]): string[] => [
	...new Set(rules.flatMap(({ namespaces }) => namespaces.filter(text => text.startsWith(SYSTEM_PREFIX)))),
];

/** What is wrong with a glob for namespaces, or undefined. */
export function namespaceGlobFault(glob: string): string | undefined {
	if (glob === '') {
		return 'is empty';
	}

	return /^[-a-z0-9*?]{1,253}$/.test(glob)
		? undefined
		: 'can match no namespace: only lower-case letters, digits, "-", "*" and "?" are allowed';
}
