// JSON that keeps the source text of numbers, from parsing to writing (ES2026; the compiler's library lacks it).

/** A number as it was written. */
export type RawNumber = { readonly rawJSON: string };

type SourceJson = {
	parse(
		text: string,
		reviver: (key: string, value: unknown, context: { source: string }) => unknown,
	): unknown;
	rawJSON(text: string): unknown;
	isRawJSON(value: unknown): value is RawNumber;
};

const { parse, rawJSON, isRawJSON } = JSON as unknown as SourceJson;

/** Throws what must go nowhere: the parser's message quotes the text. `JSON.stringify` writes the result back. */
export const parseSource = (text: string): unknown => parse(text, keepSource);

export const isRawNumber = isRawJSON;

const keepSource = (_key: string, value: unknown, { source }: { source: string }): unknown =>
	typeof value === 'number' ? rawJSON(source) : value;

/** The value where it is a JSON object. */
export const asRecord = (value: unknown): Readonly<Record<string, unknown>> | undefined =>
	typeof value === 'object' && value !== null && !Array.isArray(value)
		? (value as Readonly<Record<string, unknown>>)
		: undefined;
