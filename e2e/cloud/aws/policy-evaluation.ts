// Decides as IAM does whether policy documents allow a call; pure. Throws on statements that it does not support.

export type PolicyDocument = {
	readonly Version?: string;
	readonly Statement: Statement | readonly Statement[];
};

type Many<T> = T | readonly T[];

export type Statement = {
	readonly Sid?: string;
	readonly Effect: string;
	readonly Principal?: '*' | Readonly<Record<string, Many<string>>>;
	readonly Action?: Many<string>;
	readonly NotAction?: Many<string>;
	readonly Resource?: Many<string>;
	readonly NotResource?: Many<string>;
	readonly Condition?: Readonly<Record<string, Readonly<Record<string, Many<string | boolean>>>>>;
};

/** One call: who asks is part of it only where documents name principals, as trust policies do. */
export type PolicyRequest = {
	/** Such as `secretsmanager:GetSecretValue`. */
	readonly action: string;
	/** ARN; absent for a trust policy, which has no resource. */
	readonly resource?: string;
	/** Such as `{ type: 'Federated', id: 'arn:aws:iam::…:oidc-provider/…' }`. */
	readonly principal?: { readonly type: string; readonly id: string };
	/** Condition keys of the call and their values. */
	readonly context?: Readonly<Record<string, string>>;
};

/** `implicit-deny`: no statement allows it. `explicit-deny`: a statement denies it, whatever else allows it. */
export type Verdict = 'allowed' | 'implicit-deny' | 'explicit-deny';

const KNOWN = ['Sid', 'Effect', 'Principal', 'Action', 'NotAction', 'Resource', 'NotResource', 'Condition'];

/** Throws on a statement that uses an unsupported element: a wrong verdict would prove nothing. */
export function evaluate(documents: readonly PolicyDocument[], request: PolicyRequest): Verdict {
	const matching = documents
		.flatMap(({ Statement }) => [Statement].flat() as Statement[])
		.filter(statement => matches(statement, request));
	if (matching.some(({ Effect }) => Effect === 'Deny')) return 'explicit-deny';
	return matching.length > 0 ? 'allowed' : 'implicit-deny';
}

function matches(statement: Statement, request: PolicyRequest): boolean {
	const odd = Object.keys(statement).filter(name => !KNOWN.includes(name));
	if (odd.length > 0) throw new Error(`judging a policy: ${odd.join(', ')} is not known here`);
	if (statement.Effect !== 'Allow' && statement.Effect !== 'Deny') {
		throw new Error(`judging a policy: effect "${statement.Effect}" is neither Allow nor Deny`);
	}
	return (
		principalMatches(statement, request) &&
		actionMatches(statement, request.action) &&
		resourceMatches(statement, request.resource) &&
		Object.entries(statement.Condition ?? {}).every(([operator, block]) =>
			Object.entries(block).every(([key, wanted]) => holds(operator, wanted, request.context?.[key])),
		)
	);
}

function principalMatches({ Principal }: Statement, { principal }: PolicyRequest): boolean {
	if (Principal === undefined || Principal === '*') return true;
	if (principal === undefined) return false;
	return list(Principal[principal.type]).some(id => id === '*' || id === principal.id);
}

function actionMatches({ Action, NotAction }: Statement, action: string): boolean {
	const like = (pattern: string) => glob(pattern.toLowerCase()).test(action.toLowerCase());
	return NotAction === undefined ? list(Action).some(like) : !list(NotAction).some(like);
}

function resourceMatches({ Resource, NotResource }: Statement, resource: string | undefined): boolean {
	if (resource === undefined) return Resource === undefined && NotResource === undefined;
	const like = (pattern: string) => glob(pattern).test(resource);
	return NotResource === undefined ? list(Resource).some(like) : !list(NotResource).some(like);
}

function holds(operator: string, wanted: Many<string | boolean>, actual: string | undefined): boolean {
	const [, name = '', ifExists] = /^(\w+?)(IfExists)?$/.exec(operator) ?? [];
	const values = list(wanted).map(String);
	const negated = name.includes('Not');
	// An absent key fulfils a negated operator and no other one, unless the operator waits for it.
	if (actual === undefined) return negated || ifExists !== undefined;
	switch (name) {
		case 'StringEquals':
		case 'ArnEquals':
			return values.includes(actual);
		case 'StringNotEquals':
			return !values.includes(actual);
		case 'StringEqualsIgnoreCase':
		case 'Bool':
			return values.some(value => value.toLowerCase() === actual.toLowerCase());
		case 'StringLike':
		case 'ArnLike':
			return values.some(value => glob(value).test(actual));
		case 'StringNotLike':
			return !values.some(value => glob(value).test(actual));
		default:
			throw new Error(`judging a policy: condition operator ${operator} is not known here`);
	}
}

function list<T>(value: Many<T> | undefined): readonly T[] {
	return value === undefined ? [] : ([value].flat() as T[]);
}

/** `*` any text, slashes too; `?` one character. Policy variables are not known here. */
function glob(pattern: string): RegExp {
	if (pattern.includes('$'.concat('{')))
		throw new Error('judging a policy: policy variables are not known here');
	const text = pattern.replace(/[\\^$.*+?()[\]{}|]/g, '\\$&');
	return new RegExp(`^${text.replaceAll('\\*', '[^]*').replaceAll('\\?', '[^]')}$`);
}
