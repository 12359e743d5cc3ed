// Reads one YAML document without anchors, aliases or tags, and explains a fault without quoting the text.
import {
	constructFromEvents,
	EVENT_ID,
	type Event,
	nullCoreTag,
	parseEvents,
	realMapTag,
	Schema,
	seqTag,
	strTag,
	YAMLException,
} from 'js-yaml';

/** Mappings are Maps, so that no key is special; a plain `~`, `null` or nothing at all is null. */
export type YamlNode = string | null | readonly YamlNode[] | ReadonlyMap<YamlNode, YamlNode>;

/** Every scalar is its source text, except the plain forms of null. */
export const TEXT_SCHEMA: Schema = new Schema([strTag, seqTag, realMapTag, nullCoreTag]);

/** What is wrong and where (both from 1); the text itself appears in neither. */
export class YamlFault extends Error {
	override readonly name = 'YamlFault';
	readonly reason: string;

	constructor(reason: string, line: number, column: number) {
		super(`line ${line}, column ${column}: ${reason}`);
		this.reason = reason;
	}
}

export type StrictYamlOptions = { readonly maxDepth: number; readonly schema?: Schema };

/**
 * Parses one document; nothing but blanks and comments is null. Throws only YamlFault. Bound the length of
 * `text` first: the parser's work grows with it.
 */
export function parseStrictYaml(
	text: string,
	{ maxDepth, schema = TEXT_SCHEMA }: StrictYamlOptions,
): unknown {
	try {
		const events = parseEvents(text, { maxDepth });
		refuseFeatures(text, events);
		return constructFromEvents(events, { source: text, schema, maxAliases: 0 })[0] ?? null;
	} catch (error) {
		throw error instanceof YamlFault ? error : faultOf(error);
	}
}

function refuseFeatures(text: string, events: readonly Event[]): void {
	let documents = 0;
	for (const event of events) {
		if (event.type === EVENT_ID.DOCUMENT && ++documents > 1) {
			throw faultAt(text, text.length, 'more than one document');
		}

		if (event.type === EVENT_ID.ALIAS || ('anchorStart' in event && event.anchorStart !== -1)) {
			throw faultAt(text, event.anchorStart, 'anchors and aliases are not supported');
		}

		if ('tagStart' in event && event.tagStart !== -1) {
			throw faultAt(text, event.tagStart, 'tags are not supported');
		}
	}
}

function faultAt(text: string, offset: number, reason: string): YamlFault {
	const before = text.slice(0, offset).split(/\r\n|\r|\n/);
	return new YamlFault(reason, before.length, before.at(-1)!.length + 1);
}

/** The parser's own reasons that are constants, so that they can quote nothing; all others become one. */
const REASONS = new Set([
	'duplicated mapping key',
	'bad indentation of a mapping entry',
	'bad indentation of a sequence entry',
	'deficient indentation',
	'tab characters must not be used in indentation',
	"expected ':' after a mapping key",
	'missed comma between flow collection entries',
	'a whitespace character is expected after the key-value separator within a block mapping',
	'can not read a block mapping entry; a multiline key may not be an implicit key',
	'unexpected end of the stream within a flow collection',
	'unexpected end of the stream within a double quoted scalar',
	'unexpected end of the stream within a single quoted scalar',
	'unknown escape sequence',
	'the stream contains non-printable characters',
	'end of the stream or a document separator is expected',
]);

function faultOf(error: unknown): YamlFault {
	if (!(error instanceof YAMLException) || error.mark === undefined) {
		return new YamlFault('syntax error', 1, 1);
	}

	const { line, column } = error.mark;
	return new YamlFault(reasonOf(error.reason), line + 1, column + 1);
}

function reasonOf(reason: string): string {
	if (REASONS.has(reason)) {
		return reason;
	}

	if (reason.startsWith('nesting exceeded')) {
		return 'nested too deeply';
	}

	return /\btag\b/.test(reason) ? 'tags are not supported' : 'syntax error';
}
