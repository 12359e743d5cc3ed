// Decides which namespace may read which path of which provider; default deny; pure.
import type { ErrorCode } from './errors.ts';
import { compileGlob, type Glob, matchGlob } from './glob.ts';
import { isNamespace } from './kubernetes-names.ts';
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

export type PolicyOptions = {
	/** JASM's own namespace: nothing is ever synced into it. */
	readonly ownNamespace: string;
};

type CompiledRule = { readonly namespaces: readonly Glob[]; readonly paths: readonly PathPattern[] };

/** The rules, ready to be asked. */
export type Policy = {
	readonly ownNamespace: string;
	readonly rulesByProvider: ReadonlyMap<string, readonly CompiledRule[]>;
};

export type Question = { readonly namespace: string; readonly provider: string; readonly path: string };

/** A denial's message is the same whether or not the secret exists: nothing was asked yet. */
export type Decision =
	| { readonly allowed: true }
	| { readonly allowed: false; readonly code: ErrorCode; readonly message: string };

const ALLOWED: Decision = Object.freeze({ allowed: true });

const EXCLUDED: Decision = Object.freeze({
	allowed: false,
	code: 'NAMESPACE_EXCLUDED',
	message: 'syncing into a system namespace',
});

const DENIED: Decision = Object.freeze({
	allowed: false,
	code: 'POLICY_DENIED',
	message: 'no policy rule allows this namespace to read this path',
});

/** The configuration refuses malformed patterns by name; one that comes here all the same matches nothing. */
export function compilePolicy(rules: readonly PolicyRule[], { ownNamespace }: PolicyOptions): Policy {
	const rulesByProvider = new Map<string, CompiledRule[]>();
	for (const { provider, namespaces, paths } of rules) {
		const compiled = {
			namespaces: namespaces.map(compileGlob),
			paths: paths.filter(path => patternFault(path) === undefined).map(compilePath),
		};
		rulesByProvider.set(provider, [...(rulesByProvider.get(provider) ?? []), compiled]);
	}

	return { ownNamespace, rulesByProvider };
}

/** Whether a pod of this namespace may read this path: only where a rule says so. */
export function decide(policy: Policy, { namespace, provider, path }: Question): Decision {
	if (namespace.startsWith('kube-') || namespace === policy.ownNamespace) {
		return EXCLUDED;
	}

	const parsed = readPath(path);
	if (parsed === undefined || !isNamespace(namespace)) {
		return DENIED;
	}

	const granted = (policy.rulesByProvider.get(provider) ?? []).some(
		rule =>
			rule.namespaces.some(glob => matchGlob(glob, namespace)) &&
			rule.paths.some(pattern => matchPath(pattern, parsed, namespace)),
	);
	return granted ? ALLOWED : DENIED;
}

/** What is wrong with a glob for namespaces, or undefined. */
export function namespaceGlobFault(glob: string): string | undefined {
	if (glob === '') {
		return 'is empty';
	}

	return /^[-a-z0-9*?]{1,253}$/.test(glob)
		? undefined
		: 'can match no namespace: only lower-case letters, digits, "-", "*" and "?" are allowed';
}
