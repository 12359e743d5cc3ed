// Finds the commonest words and sentence forms that a reader who did not grow up with English stumbles over; pure.

export type Finding = { readonly line: number; readonly text: string; readonly advice: string };

/** Where a sentence begins: a comment, a heading, a list item, a cell, a test title, or after another sentence. */
const START = String.raw`(?:^\s*(?:(?://|/?\*+|#+|[-|>])\s*)?|/\*\* |(?:test|serial|skip)\(\s*['"\`]|[.!?:] )`;
/** The verb that makes "What …" or "Who …" the subject of a sentence, not the start of a question. */
const VERB = `(?:is|are|was|were|has|have|had|cannot|does|did|comes?|goes|waits?|asks?|gets?)`;

/** A number such as F24 that stands for a case of some list elsewhere. */
const CASE = String.raw`[A-Z]\d{1,2}`;

const PATTERNS: readonly { readonly pattern: RegExp; readonly advice: string }[] = [
	{
		pattern: /\b(?:nobody|somebody|whoever)\b/i,
		advice: 'name the reader, the caller, the pod or the client that is meant',
	},
	{ pattern: /\banew\b/i, advice: 'write "again"' },
	{ pattern: /\blastingly\b/i, advice: 'write "sustained", or name the time' },
	{ pattern: /\bof (?:its|their) own accord\b/i, advice: 'write "by itself", or name the cause' },
	{ pattern: /\bunless told\b/i, advice: 'write "by default"' },
	{
		pattern: new RegExp(String.raw`(?:test|serial|skip)\(\s*['"\`](?:what|who) ${VERB}\b`, 'i'),
		advice: 'begin the title with a noun: "a missing secret …" for "what is missing …"',
	},
	{
		pattern: new RegExp(
			String.raw`${START}(?:[Ww]hat is (?:not|no)|[Ww]hat cannot|Who ${VERB})\b(?![^.]*\?)`,
		),
		advice: 'begin the sentence with a noun, not with a clause as its subject',
	},
	{
		pattern: new RegExp(String.raw`${START}${CASE}(?:(?:, | and )${CASE})*: |\(${CASE}\)|\bgap \d`),
		advice: 'say what the case is; its number is defined nowhere',
	},
];

/** The relapses of a text, line by line. */
export function findRelapses(text: string): Finding[] {
	return text
		.split('\n')
		.flatMap((line, index) =>
			PATTERNS.flatMap(({ pattern, advice }) =>
				pattern.test(line) ? [{ line: index + 1, text: line.trim(), advice }] : [],
			),
		);
}
