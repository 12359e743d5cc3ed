// Ways of a value through the controller: every success and every failure, most of them quoted by the other side.
import { SecretValue } from '../../../src/providers/secret-value.ts';
import type { SecretsManagerFault } from '../../../testing/aws/secrets-manager-faults.ts';
import type { Fault, FaultAnswer } from '../../../testing/index.ts';
import type { Canaries } from './values.ts';

export type CanaryCase = {
	readonly payload: string | Uint8Array | object;
	/** Of the annotation. */
	readonly fields?: object;
	/** Befalls reads of it. */
	readonly source?: SecretsManagerFault;
	/** Befalls writes of it. */
	readonly api?: Fault;
	/** What an embedding program's own provider does instead of answering. */
	readonly provider?: (value: string) => unknown;
	/** Reason of the Event; any, where the outcome is a matter of retries. */
	readonly reason?: 'SecretSyncSuccess' | 'SecretFetchFailed' | 'SecretSyncFailed';
};

/** Each with canaries of its own. */
export function canaryCases(canaries: Canaries): Readonly<Record<string, CanaryCase>> {
	return { ...successes(canaries), ...refusedPayloads(canaries), ...askedOf(canaries) };
}

function successes(canaries: Canaries): Record<string, CanaryCase> {
	const reason = 'SecretSyncSuccess';
	return {
		'members of an object': {
			payload:
				`{"text": "${canaries.text('a member')}", "number": ${canaries.number('a number')}, ` +
				`"nested": {"list": ["${canaries.text('a nested member')}", ${canaries.number('a nested number')}]}}`,
			reason,
		},
		'plain text': { payload: canaries.text('plain text'), fields: { key: 'text' }, reason },
		binary: { payload: canaries.bytes('binary'), fields: { key: 'file' }, reason },
		'broken JSON under one key': {
			payload: `{"password": "${canaries.text('broken JSON under one key')}`,
			fields: { key: 'config' },
			reason,
		},
		'a mapped key': {
			payload: { a: canaries.text('a mapped key'), b: canaries.text('a key that is left out') },
			fields: { keys: { A: 'a' } },
			reason,
		},
		'a Docker config': {
			payload: `{"auths": {"registry": {"auth": "${canaries.text('a Docker config')}"}}}`,
			fields: { key: '.dockerconfigjson', type: 'kubernetes.io/dockerconfigjson' },
			reason,
		},
	};
}

/** What no Secret can be made of. */
function refusedPayloads(canaries: Canaries): Record<string, CanaryCase> {
	const fetch = 'SecretFetchFailed';
	const sync = 'SecretSyncFailed';
	const text = (name: string) => canaries.text(name);
	return {
		'text that is no JSON': { payload: text('text that is no JSON'), reason: fetch },
		'JSON that ends too early': { payload: `{"a": "${text('JSON that ends too early')}`, reason: fetch },
		'JSON with a value in place of a comma': {
			payload: `{"a": "b" ${text('JSON with a value in place of a comma')}}`,
			reason: fetch,
		},
		'a JSON string': { payload: `"${text('a JSON string')}"`, reason: fetch },
		'a JSON number': { payload: canaries.number('a JSON number'), reason: fetch },
		'a JSON array': { payload: `["${text('a JSON array')}"]`, reason: fetch },
		'binary that is no JSON': { payload: canaries.bytes('binary that is no JSON'), reason: fetch },
		'a mapped key that is missing': {
			payload: { password: text('a mapped key that is missing') },
			fields: { keys: { A: 'passwort' } },
			reason: fetch,
		},
		'a key that is invalid': {
			payload: { 'a/b\n': text('a key that is invalid'), ok: text('a neighbour of an invalid key') },
			reason: sync,
		},
		'too many bytes': {
			payload: JSON.stringify({ a: text('too many bytes') + 'x'.repeat(40_000), b: 'x'.repeat(20_000) }),
			// One source of 64 kB cannot be too large by itself: written often enough it is.
			fields: { keys: Object.fromEntries(Array.from({ length: 40 }, (_, index) => [`K${index}`, 'a'])) },
			reason: sync,
		},
		'too many keys': {
			payload: Object.fromEntries([
				['first', text('too many keys')],
				...Array.from({ length: 1_100 }, (_, index) => [`k${index}`, '']),
			]),
			reason: sync,
		},
		'a Docker config that is no JSON': {
			payload: text('a Docker config that is no JSON'),
			fields: { key: '.dockerconfigjson', type: 'kubernetes.io/dockerconfigjson' },
			reason: sync,
		},
		'a key pair without a key': {
			payload: { 'tls.crt': text('a key pair without a key') },
			fields: { type: 'kubernetes.io/tls' },
			reason: sync,
		},
	};
}

/** What others answer, as outspoken as can be. */
function askedOf(canaries: Canaries): Record<string, CanaryCase> {
	const cases: Record<string, CanaryCase> = {};
	const add = (title: string, rest: (value: string) => Omit<CanaryCase, 'payload'>) => {
		const value = canaries.text(title);
		cases[title] = { payload: { password: value }, ...rest(value) };
	};
	for (const [title, answer] of Object.entries(ANSWERS)) {
		add(title, value => ({ api: { answer: answer(value) }, reason: 'SecretSyncFailed' }));
	}

	for (const [title, api] of Object.entries(CUTS)) {
		add(title, () => ({ api }));
	}

	for (const [title, source] of Object.entries(SOURCES)) {
		add(title, value => ({ source: source(value), reason: 'SecretFetchFailed' }));
	}

	for (const [title, provider] of Object.entries(PROVIDERS)) {
		add(title, () => ({ provider, reason: 'SecretSyncFailed' }));
	}

	return cases;
}

const base64 = (value: string) => Buffer.from(value).toString('base64');

const quoting = (value: string) => `data[password]: Invalid value: "${value}": is not ${base64(value)}`;

/** Answers of the API server to a write. */
const ANSWERS: Readonly<Record<string, (value: string) => FaultAnswer>> = {
	'a validation that quotes': value => ({
		status: 422,
		reason: 'Invalid',
		message: `Secret "db" is invalid: ${quoting(value)}`,
		details: { causes: [{ reason: 'FieldValueInvalid', message: quoting(value), field: `data[${value}]` }] },
	}),
	'an immutable field that is quoted': value => ({
		status: 422,
		reason: 'Invalid',
		message: quoting(value),
		details: { causes: [{ message: `Invalid value: "${value}": field is immutable`, field: 'data' }] },
	}),
	'an admission policy that quotes': value => ({
		status: 422,
		reason: 'Invalid',
		message: `secrets "db" is forbidden: ValidatingAdmissionPolicy 'other' with binding 'other' denied request: ${value}`,
	}),
	'an admission webhook that quotes': value => ({
		status: 400,
		// A webhook chooses the reason, and the reasons of causes, as it likes.
		reason: value,
		message: `admission webhook "w.example.com" denied the request: ${value}`,
		details: { causes: [{ reason: value, message: value, field: 'data' }] },
	}),
	'a 403 that quotes': value => ({ status: 403, reason: 'Forbidden', message: `no ${value}` }),
	'a 409 that quotes': value => ({ status: 409, reason: 'Conflict', message: base64(value) }),
	'a 413 that quotes': value => ({ status: 413, reason: 'RequestEntityTooLarge', message: value }),
	'a 500 that quotes': value => ({ status: 500, reason: 'InternalError', message: `decoding ${value}` }),
	'a 500 of a proxy': value => ({ status: 500, body: `<html>${value} ${base64(value)}</html>` }),
	'half a Status': value => ({ status: 500, body: `{"kind": "Status", "message": "${value}` }),
	'a throttling that quotes': value => ({
		status: 429,
		reason: 'TooManyRequests',
		message: value,
		retryAfterSeconds: 30,
	}),
	'the whole Secret without a version': value => ({
		status: 201,
		body: JSON.stringify({ kind: 'Secret', data: { password: base64(value) } }),
	}),
	'half a Secret': value => ({ status: 201, body: `{"data":{"password":"${base64(value)}"` }),
};

const CUTS: Readonly<Record<string, Fault>> = {
	'an answer that is cut': { cutAfterBytes: 30 },
	'an answer that is lost': { drop: 'after' },
};

/** Answers of Secrets Manager to a read. */
const SOURCES: Readonly<Record<string, (value: string) => SecretsManagerFault>> = {
	'a denial that quotes': value => ({ type: 'AccessDeniedException', message: value }),
	'an absence that quotes': value => ({ type: 'ResourceNotFoundException', message: value }),
	'a source that throttles and quotes': value => ({ type: 'ThrottlingException', message: value }),
	'an outage that quotes': value => ({ type: 'InternalServiceError', message: value, status: 500 }),
	'a decryption that quotes': value => ({ type: 'DecryptionFailure', message: base64(value) }),
	'an unknown error that quotes': value => ({ type: `Unknown: ${value}`, message: value, status: 418 }),
	'a payload that ends too early': () => 'truncate',
	'a page of a proxy': () => ({ html: 502 }),
};

/** Against the contract of a provider, whose errors are coded ones that quote nothing. */
const PROVIDERS: Readonly<Record<string, (value: string) => unknown>> = {
	'a parser that quotes': value => JSON.parse(value),
	'an error with everything attached': value => {
		const attached = { response: { body: value }, data: value, cause: new Error(value) };
		throw Object.assign(new Error(`reading ${value}`), attached);
	},
	'a message that looks like a stack': value => {
		throw new Error(`reading\n    at ${value} (${value}:1:1)\n    at ${value}`);
	},
	'a message that changed after the stack was taken': value => {
		const error = new Error(`reading\n    at ${value}`);
		const taken = String(error.stack).length;
		error.message = `no message of ${taken} characters`;
		throw error;
	},
	'text that is thrown': value => {
		throw value;
	},
	'an object that is thrown': value => {
		throw { message: value, toString: () => value };
	},
	'something that is no value': value => ({ payload: value, toString: () => value }),
	'a value that throws': value => {
		const secret = new SecretValue({ payload: Buffer.from(value), version: '1' });
		return Object.assign(secret, {
			content() {
				throw new Error(value);
			},
		});
	},
};

/** Answers that say too much, in the shapes of Vault and of Key Vault at once. */
export const OPEN_ANSWERS: readonly ((value: string) => {
	readonly status: number;
	readonly body: string;
})[] = [
	...[400, 401, 403, 404, 429, 500].map(status => (value: string) => ({
		status,
		body: JSON.stringify({ errors: [`no ${value}`], error: { code: 'Refused', message: `no ${value}` } }),
	})),
	value => ({ status: 502, body: `<html>${value}</html>` }),
	value => ({ status: 200, body: `{"value": "${value}", "data": {"data": {"password": "${value}"` }),
	value => ({ status: 200, body: JSON.stringify({ value: [value], id: value, data: { data: value } }) }),
];
