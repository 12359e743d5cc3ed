// Patterns in which `*` stands for any characters and `?` for one; matched without backtracking blow-up.

/** A pattern cut into pieces: text that stands for itself, or a wildcard. */
export type Glob = readonly Piece[];

type Piece = string | typeof ANY | typeof ONE;

const ANY = Symbol('*');
const ONE = Symbol('?');

/** Every character but `*`, `?` and the backslash stands for itself; the character after a backslash does as well. */
export function compileGlob(pattern: string): Glob {
	return pattern
		.split(/(\\.|[*?])/s)
		.filter(part => part !== '')
		.map(part => (part === '*' ? ANY : part === '?' ? ONE : part.startsWith('\\') ? part.slice(1) : part));
}

/** The pieces of `glob` with `placeholder` replaced by text that stands for itself, whatever it holds. */
export function fillGlob(glob: Glob, placeholder: string, value: string): Glob {
	return glob.map(piece => (typeof piece === 'string' ? piece.replaceAll(placeholder, () => value) : piece));
}

/**
 * Whether the glob matches the whole text, in at most text × glob steps. Only the last `*` is remembered: an
 * earlier one could only take characters that the last one can take too.
 */
export function matchGlob(glob: Glob, text: string): boolean {
	let piece = 0;
	let at = 0;
	let afterAny = -1;
	let resumeAt = 0;
	while (at < text.length || piece < glob.length) {
		const current = glob[piece];
		if (current === ANY) {
			afterAny = ++piece;
			resumeAt = at;
			continue;
		}

		const taken = current === undefined ? 0 : lengthTaken(current, text, at);
		if (taken > 0) {
			at += taken;
			piece++;
			continue;
		}

		if (afterAny === -1 || resumeAt >= text.length) {
			return false;
		}

		// The last `*` takes one character more.
		piece = afterAny;
		at = ++resumeAt;
	}

	return true;
}

/** Characters of `text` that the piece takes at this place; 0 where it does not match. */
function lengthTaken(piece: string | symbol, text: string, at: number): number {
	if (typeof piece === 'string') {
		return text.startsWith(piece, at) ? piece.length : 0;
	}

	return at < text.length ? 1 : 0;
}
