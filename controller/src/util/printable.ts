// Untrusted text made safe to show: one line, no control or format characters, of bounded length.

/** Characters that a terminal, a log viewer or a reader's eye may take for something else. */
const UNPRINTABLE = /[\p{Cc}\p{Cf}\p{Co}\p{Cs}\p{Zl}\p{Zp}]/gu;

/** Escapes what is not printable as `\u{…}` and cuts at `max` characters, with an ellipsis. */
export function printable(text: string, max = 256): string {
	// Cut first: escaping a megabyte to show 256 characters would be work for an attacker to order.
	const head = text.length > max ? `${text.slice(0, max - 1)}…` : text;
	return head.replace(UNPRINTABLE, character => `\\u{${character.codePointAt(0)!.toString(16)}}`);
}
