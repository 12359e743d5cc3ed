// Finds the known name that a mistyped one most likely meant.

/** People do not type longer names. Without the bound an attacker could order long comparisons. */
const MAX_COMPARED = 64;

/** The nearest of `known`, or undefined where none is near. Case, `-` and `_` do not count. */
export function nearestName(name: string, known: readonly string[]): string | undefined {
	if (name.length > MAX_COMPARED) {
		return undefined;
	}

	const plain = fold(name);
	let nearest: string | undefined;
	let least = plain.length < 4 ? 2 : 3;
	for (const candidate of known) {
		const distance = distanceOf(plain, fold(candidate));
		if (distance < least) {
			nearest = candidate;
			least = distance;
		}
	}

	return nearest;
}

const fold = (name: string): string => name.toLowerCase().replace(/[-_]/g, '');

/** Insertions, deletions and substitutions between two short texts. */
function distanceOf(a: string, b: string): number {
	let row = Array.from({ length: b.length + 1 }, (_, index) => index);
	for (let i = 1; i <= a.length; i++) {
		const next = [i];
		for (let j = 1; j <= b.length; j++) {
			const substituted = row[j - 1]! + (a[i - 1] === b[j - 1] ? 0 : 1);
			next.push(Math.min(substituted, row[j]! + 1, next[j - 1]! + 1));
		}

		row = next;
	}

	return row[b.length]!;
}
