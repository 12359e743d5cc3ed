// Made-up answers and errors of stores, and what must hold whatever a store, a connection or a file does.
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { inspect } from 'node:util';
import type { ExecutionContext } from 'ava';
import fc from 'fast-check';
import { ERROR_CODES, JasmError } from '../../../src/errors.ts';
import { folder } from '../../helpers/servers/aws.ts';
import type { FuzzedAnswer } from '../../helpers/servers/fuzzed-server.ts';

/** Occurs in every made-up text, and in no report. Identifiers may reach the log, so it is none. */
export const CANARY = 'QZ7fuzz canary';

/** Words that the stores' answers consist of, and names that objects inherit. */
const WORDS = [
	...['errors', 'warnings', 'data', 'metadata', 'version', 'destroyed', 'lease_id', 'auth', 'client_token'],
	...['lease_duration', 'request_id', '__type', 'code', 'Code', 'message', 'Message', 'error', 'innererror'],
	...[
		'error_codes',
		'error_description',
		'SecretString',
		'SecretBinary',
		'Name',
		'ARN',
		'VersionId',
		'id',
		'value',
	],
	...['attributes', 'contentType', 'enabled', 'access_token', 'expires_in', 'AccessKeyId', 'SecretAccessKey'],
	...['Token', 'Expiration', 'toString', 'valueOf', '__proto__', 'constructor', 'then', 'toJSON', 'length'],
];

const text = fc.oneof(
	fc.constantFrom(
		CANARY,
		`x ${CANARY}`,
		'',
		'permission denied',
		'Vault is sealed',
		'upgrading',
		'invalid token',
	),
	fc.constantFrom(
		'SecretNotFound',
		'AccessDenied',
		'ThrottlingException',
		'ResourceNotFoundException',
		'Forbidden',
	),
	fc.constantFrom(
		'no handler for route',
		'Invalid path for a versioned',
		'temporarily_unavailable',
		'kms deleted',
	),
	fc.string({ maxLength: 8 }).map(more => `${CANARY}${more}`),
);

const json = fc.letrec<{ value: unknown; object: object }>(tie => ({
	value: fc.oneof(
		{ depthSize: 'small', withCrossShrink: true },
		text,
		fc.constantFrom(null, true, 0, -1, 1e308, 12345678901234567890n.toString()),
		fc.array(tie('value'), { maxLength: 3 }),
		tie('object'),
	),
	object: fc.dictionary(fc.constantFrom(...WORDS), tie('value'), { maxKeys: 6, noNullPrototype: true }),
}));

const body = fc.oneof(
	{ weight: 6, arbitrary: json.object.map(object => JSON.stringify(object)) },
	{ weight: 1, arbitrary: json.value.map(value => JSON.stringify(value) ?? '') },
	{ weight: 1, arbitrary: text },
	{ weight: 1, arbitrary: fc.uint8Array({ maxLength: 40 }).map(bytes => Buffer.from(bytes)) },
	{ weight: 1, arbitrary: json.object.map(object => JSON.stringify(object).slice(0, -2)) },
	{
		weight: 1,
		arbitrary: text.map(words => `<Error><Code>${words}</Code><Message>${CANARY}</Message></Error>`),
	},
	{ weight: 1, arbitrary: fc.constant(`${'['.repeat(50_000)}`) },
);

const headers = fc.record(
	{
		'content-type': fc.constantFrom(
			'application/json',
			'application/x-amz-json-1.1',
			'text/html',
			'text/xml',
			'x',
		),
		'retry-after': fc.constantFrom('0', '1', '-1', '99999999', 'soon', '', 'Fri, 01 Jan 2100 00:00:00 GMT'),
		'www-authenticate': fc.constantFrom(
			'Bearer',
			'Bearer x',
			`Bearer authorization="${CANARY}", resource="y"`,
		),
		'x-amzn-requestid': fc.constant(CANARY),
		'x-amzn-errortype': fc.constantFrom('AccessDenied', 'ThrottlingException:http://x', ':', CANARY),
		'x-ms-request-id': fc.constantFrom('id', `a ${CANARY}`),
		location: fc.constantFrom('/', 'http://[', `https://${CANARY}/`, 'https://user@x/'),
	},
	{ requiredKeys: [] },
);

/** Statuses that a retry of the AWS SDK would slow down are as rare as the others. */
export const answers = fc.record({
	status: fc.oneof(
		fc.constantFrom(
			200,
			201,
			204,
			301,
			307,
			308,
			400,
			401,
			403,
			404,
			405,
			409,
			412,
			422,
			429,
			472,
			500,
			502,
			503,
		),
		fc.integer({ min: 200, max: 599 }),
	),
	headers,
	body,
}) as fc.Arbitrary<FuzzedAnswer>;

const CODES_OF_NODE = [
	...['ECONNRESET', 'ECONNREFUSED', 'EPIPE', 'EPERM', 'EACCES', 'ENOTFOUND', 'EAI_AGAIN', 'EADDRNOTAVAIL'],
	...['EHOSTUNREACH', 'ENETUNREACH', 'EMFILE', 'ENOBUFS', 'ENOENT', 'EISDIR', 'EINVAL', 'ERR_INVALID_CHAR'],
	...[
		'HPE_INVALID_CONSTANT',
		'ERR_SSL_WRONG_VERSION_NUMBER',
		'SELF_SIGNED_CERT_IN_CHAIN',
		'ABORT_ERR',
		'EPROTO',
	],
	...['ERR_OSSL_PEM_NO_START_LINE', 'ERR_TLS_CERT_ALTNAME_INVALID', 'ERR_STREAM_PREMATURE_CLOSE'],
];

/** What clients and Node can throw: names, codes, statuses, and things that are no errors at all. */
export const thrown = fc.oneof(
	{ weight: 8, arbitrary: errors() },
	{ weight: 1, arbitrary: fc.constantFrom<unknown>(undefined, null, 0, CANARY, {}, []) },
	{ weight: 1, arbitrary: json.value },
);

function errors(): fc.Arbitrary<unknown> {
	const fields = fc.record(
		{
			name: fc.oneof(
				fc.constantFrom('Error', 'RestError', 'TimeoutError', 'AbortError', 'SyntaxError', 'ProviderError'),
				fc.constantFrom(
					'CredentialsProviderError',
					'AccessDeniedException',
					'InvalidRequestException',
					'SystemError',
				),
				fc.stringMatching(/^[A-Z][a-zA-Z]{1,20}(Exception|Fault)$/),
			),
			code: fc.oneof(
				fc.constantFrom<unknown>(...CODES_OF_NODE),
				fc.constantFrom<unknown>(1, null, {}, CANARY),
			),
			syscall: fc.constantFrom('connect', 'getaddrinfo', 'read', 'open'),
			message: text,
			statusCode: fc.oneof(fc.integer({ min: 100, max: 599 }), fc.constantFrom<unknown>('x', null)),
			$metadata: fc.record(
				{
					httpStatusCode: fc.oneof(fc.integer({ min: 100, max: 599 }), fc.constantFrom<unknown>('x', null)),
					requestId: text,
					attempts: fc.constantFrom<unknown>(1, 'x'),
				},
				{ requiredKeys: [] },
			),
			$response: fc.constantFrom<unknown>({ headers: { 'retry-after': '5' } }, { headers: null }, null, {}),
			details: json.value,
		},
		{ requiredKeys: [] },
	);
	return fields.map(each => Object.assign(new Error(CANARY), each));
}

/** The report of a failed read says what can be done, and nothing that the other side said. */
export function checkReport(t: ExecutionContext, error: unknown, from: unknown): void {
	const context = inspect(from, { depth: 6 });
	if (!(error instanceof JasmError)) {
		t.fail(`${inspect(error)} for ${context}`);
		return;
	}

	t.true(error.code in ERROR_CODES && error.code !== 'INTERNAL', `${error.code} for ${context}`);
	t.true(
		error.retry !== 'terminal' || error.code === 'DYNAMIC_SECRET_UNSUPPORTED',
		`${error.code} is final for ${context}`,
	);
	t.is(error.cause, undefined);
	const shown = inspect(error, { showHidden: true, depth: 10 });
	t.false(shown.includes(CANARY.slice(0, 7)), `${shown} for ${context}`);
}

/** The seed is printed where a check fails; JASM_FUZZ_SEED plays it again. */
const seed = Number(process.env['JASM_FUZZ_SEED'] ?? Date.now() % 1_000_000);

/** Made-up values, all of one seed. */
export function madeUp<T>(t: ExecutionContext, arbitrary: fc.Arbitrary<T>, count: number): T[] {
	t.log(`JASM_FUZZ_SEED=${seed}`);
	return fc.sample(arbitrary, { numRuns: count, seed });
}

/** Runs all reads at the same time, and checks the report of each that fails. */
export async function checkReads<T>(
	t: ExecutionContext,
	cases: readonly T[],
	read: (index: number) => Promise<unknown>,
): Promise<void> {
	const outcomes = await Promise.allSettled(cases.map((_, index) => read(index)));
	for (const [index, outcome] of outcomes.entries()) {
		if (outcome.status === 'rejected') {
			checkReport(t, outcome.reason, cases[index]);
		}
	}

	t.true(outcomes.some(({ status }) => status === 'rejected'));
}

/** A file for each kind of fault; none of them is what its field wants. */
export const BAD_FILES: Readonly<Record<string, string | Buffer | undefined>> = {
	empty: '',
	text: `${CANARY}\n${CANARY}`,
	bytes: Buffer.from([0, 255, 254, 13, 10, 0]),
	pem: '-----BEGIN CERTIFICATE-----\nMIIB\n-----END CERTIFICATE-----\n',
	cut: '-----BEGIN CERTIFICATE-----\nMIIB',
	missing: undefined,
};

export function fileWith(t: ExecutionContext, content: string | Buffer): string {
	const path = join(folder(t), 'file');
	writeFileSync(path, content);
	return path;
}
