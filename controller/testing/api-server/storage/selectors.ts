// Label and field selectors of list, watch and deletecollection.
import type { Kind } from '../objects/kinds.ts';
import { badRequest } from '../objects/status.ts';
import type { StoredObject } from '../objects/stored-object.ts';

/** True for the objects that a request asks for. */
export type Selection = (object: StoredObject) => boolean;

type Labels = Readonly<Record<string, string>>;
type Requirement = (labels: Labels) => boolean;

// Splits at commas outside of parentheses: `a in (x,y),b` has two terms.
const terms = (selector: string): string[] => selector.match(/[^,(]+(\([^)]*\)[^,]*)?/g) ?? [];

const parseTerm = (term: string): Requirement => {
	const text = term.trim();
	const set = /^(\S+)\s+(in|notin)\s*\(([^)]*)\)$/.exec(text);
	if (set) {
		const [, key = '', operator, list = ''] = set;
		const values = new Set(list.split(',').map(value => value.trim()));
		return operator === 'in'
			? labels => labels[key] !== undefined && values.has(labels[key])
			: labels => labels[key] === undefined || !values.has(labels[key]);
	}
	const pair = /^([^\s!=]+)\s*(==|=|!=)\s*([^\s!=]*)$/.exec(text);
	if (pair) {
		const [, key = '', operator, value = ''] = pair;
		return operator === '!=' ? labels => labels[key] !== value : labels => labels[key] === value;
	}
	const existence = /^(!?)\s*([^\s!=]+)$/.exec(text);
	if (existence) {
		const [, not, key = ''] = existence;
		return labels => (labels[key] === undefined) === (not === '!');
	}
	const odd = /={3}/.test(text) ? "found '=', expected: identifier" : `found '${text}', expected: identifier`;
	throw badRequest(`unable to parse requirement: ${odd}`);
};

const parseLabels = (selector: string): Requirement => {
	const all = terms(selector).map(parseTerm);
	return labels => all.every(requirement => requirement(labels));
};

const parseFields = (kind: Kind, selector: string): Selection => {
	const all = selector
		.split(',')
		.filter(term => term.trim() !== '')
		.map(term => {
			const match = /^\s*([^\s!=]+)\s*(==|=|!=)\s*(.*?)\s*$/.exec(term);
			if (!match) throw badRequest(`invalid selector: '${term}'; can't understand '${term}'`);
			const [, key = '', operator, value = ''] = match;
			const known =
				key === 'metadata.name' || key === 'metadata.namespace' || kind.selectableNames.includes(key);
			if (!known) {
				throw badRequest(
					kind.selectableNames.length > 0
						? `field label not supported: ${key}`
						: `"${key}" is not a known field selector: only "metadata.name", "metadata.namespace"`,
				);
			}
			const wanted = operator !== '!=';
			return (object: StoredObject) => (object.fields[key] === value) === wanted;
		});
	return object => all.every(requirement => requirement(object));
};

const noLabels: Labels = {};

/**
 * The selection of a namespace (`''`: all) and of `labelSelector` and `fieldSelector` texts.
 * Throws a 400 Status for what cannot be parsed.
 */
export const selection = (
	kind: Kind,
	namespace: string,
	labelSelector: string,
	fieldSelector: string,
): Selection => {
	const labels = labelSelector === '' ? undefined : parseLabels(labelSelector);
	const fields = fieldSelector === '' ? undefined : parseFields(kind, fieldSelector);
	return object =>
		(namespace === '' || object.namespace === namespace) &&
		(labels === undefined || labels(object.object.metadata.labels ?? noLabels)) &&
		(fields === undefined || fields(object));
};
