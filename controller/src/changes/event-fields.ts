// Reads fields of an event that others wrote: own properties only, bounded, never an error; and what came of reading it.
import type { Notice } from '../providers/notice.ts';

/** What one message says: no notice where it is understood and changes no value. */
export type Parsed =
	| { readonly kind: 'notices'; readonly notices: readonly Notice[] }
	/** An event of another source or of another type. */
	| { readonly kind: 'foreign' }
	/** Not an event at all. */
	| { readonly kind: 'malformed' };

export const MALFORMED: Parsed = { kind: 'malformed' };
export const FOREIGN: Parsed = { kind: 'foreign' };
export const NOTHING: Parsed = { kind: 'notices', notices: [] };

const MAX_TEXT = 2_048;

/** Only own properties: `__proto__` and the like are names as any other. */
export function ownValue(node: unknown, name: string): unknown {
	return typeof node === 'object' && node !== null && Object.hasOwn(node, name)
		? (node as Record<string, unknown>)[name]
		: undefined;
}

export function textAt(node: unknown, name: string): string | undefined {
	const value = ownValue(node, name);
	return typeof value === 'string' && value !== '' && value.length <= MAX_TEXT ? value : undefined;
}

export function objectAt(node: unknown, name: string): object | undefined {
	const value = ownValue(node, name);
	return typeof value === 'object' && value !== null && !Array.isArray(value) ? value : undefined;
}

/** The time of an event in wall-clock milliseconds: `now` where it has none, and never later. */
export function timeOf(text: string | undefined, now: number): number {
	const time = Date.parse(text ?? '');
	return Number.isNaN(time) ? now : Math.min(time, now);
}
