// Path patterns of policy rules: anchored, compared segment by segment, `{namespace}` filled in.
import { compileGlob, fillGlob, type Glob, matchGlob } from './glob.ts';

/** A path as patterns see it: the fields of an ARN before the resource (none otherwise), then segments. */
export type ReadPath = { readonly head: readonly string[]; readonly segments: readonly string[] };

/** `**` is undefined: whole segments, any number in between, at least one at the end. */
export type PathPattern = {
	readonly head: readonly Glob[];
	readonly segments: readonly (Glob | undefined)[];
};

const PLACEHOLDER = '{namespace}';
const MAX_LENGTH = 2_048;

/** arn:PARTITION:SERVICE:REGION:ACCOUNT:TYPE: before the resource. */
const ARN_FIELDS = 6;

/**
 * Splits a path, or undefined where it cannot be compared safely: a segment `.` or `..`, a control or an
 * invisible character. Slashes count: `/a`, `a`, `a/` and `a//b` are different paths. Every other character is
 * literal, `%` as well, because providers encode what they send.
 */
export function readPath(path: string): ReadPath | undefined {
	if (path.length > MAX_LENGTH || /[\p{C}\p{Zl}\p{Zp}]/u.test(path)) {
		return undefined;
	}

	const parts = split(path);
	return parts === undefined || parts.segments.some(segment => segment === '.' || segment === '..')
		? undefined
		: parts;
}

/**
 * An absolute path begins with a segment '', which only an absolute pattern has. Undefined for an empty text, and
 * for an ARN without all its fields.
 */
function split(text: string): ReadPath | undefined {
	let head: string[] = [];
	let rest = text;
	if (isArn(text)) {
		const fields = text.split(':');
		head = fields.slice(0, ARN_FIELDS);
		rest = fields.slice(ARN_FIELDS).join(':');
		if (head.length < ARN_FIELDS || head.includes('')) {
			return undefined;
		}
	}

	const segments = rest.split('/');
	return rest === '' ? undefined : { head, segments };
}

const isArn = (text: string): boolean => text.startsWith('arn:');

/** A pattern in which every escaped character is one that means nothing. */
const withoutEscapes = (pattern: string): string => pattern.replaceAll(/\\./gs, '_');

/** What is wrong with a pattern, or undefined. */
export function patternFault(pattern: string): string | undefined {
	if (pattern === '') {
		return 'is empty';
	}

	if (pattern.length > MAX_LENGTH) {
		return `is longer than ${MAX_LENGTH} characters`;
	}

	if (/\\(?![*?{}\\])/.test(pattern.replaceAll('\\\\', ''))) {
		return 'has a "\\" before a character that means nothing else: it makes *, ?, {, } and \\ literal';
	}

	const plain = withoutEscapes(pattern);
	if (/[{}]/.test(plain.replaceAll(PLACEHOLDER, ''))) {
		return `has a placeholder that is not ${PLACEHOLDER}`;
	}

	const parts = split(plain);
	if (parts === undefined) {
		return isArn(pattern)
			? 'must be arn:PARTITION:SERVICE:REGION:ACCOUNT:TYPE:NAME without empty parts'
			: 'is empty';
	}

	if (parts.segments.some(segment => segment !== '**' && segment.includes('**'))) {
		return 'has "**" beside other characters: it stands for whole segments only';
	}

	if (parts.head.some(field => field.includes('**'))) {
		return 'has "**" before the name of an ARN';
	}

	return readPath(pattern) === undefined
		? 'has a segment "." or "..", a control or an invisible character'
		: undefined;
}

/** Compiles a pattern in which `patternFault` finds nothing. */
export function compilePath(pattern: string): PathPattern {
	const { head, segments } = split(pattern)!;
	return {
		head: head.map(compileGlob),
		segments: segments.map(segment => (segment === '**' ? undefined : compileGlob(segment))),
	};
}

/** Whether the pattern, with the namespace filled in, matches the whole path. */
export function matchPath(pattern: PathPattern, path: ReadPath, namespace: string): boolean {
	// An empty segment is matched by an empty one or by `**`, but not by `*`.
	const matches = (glob: Glob, text: string): boolean =>
		text === '' ? glob.length === 0 : matchGlob(fillGlob(glob, PLACEHOLDER, namespace), text);
	return (
		pattern.head.length === path.head.length &&
		pattern.head.every((glob, index) => matches(glob, path.head[index]!)) &&
		matchSegments(pattern.segments, path.segments, matches)
	);
}

/** One row per pattern segment of which prefixes of the path are matched so far: pattern × path steps. */
function matchSegments(
	pattern: PathPattern['segments'],
	segments: readonly string[],
	matches: (glob: Glob, text: string) => boolean,
): boolean {
	// An absolute path and a relative one never match: `**` must not swallow the leading ''.
	if ((segments[0] === '') !== isRoot(pattern[0])) {
		return false;
	}

	let reached = new Array<boolean>(segments.length + 1).fill(false);
	reached[0] = true;
	for (const [index, glob] of pattern.entries()) {
		const next = new Array<boolean>(segments.length + 1).fill(false);
		const last = index === pattern.length - 1;
		for (let count = 0; count <= segments.length; count++) {
			const previous = count > 0;
			next[count] =
				glob === undefined
					? (!last && reached[count]!) || (previous && (reached[count - 1]! || next[count - 1]!))
					: previous && reached[count - 1]! && matches(glob, segments[count - 1]!);
		}

		reached = next;
	}

	return reached[segments.length]!;
}

const isRoot = (segment: Glob | undefined): boolean => segment !== undefined && segment.length === 0;
