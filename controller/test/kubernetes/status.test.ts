// Each response of the API server has one code, and no text about a Secret in it.
import test from 'ava';
import { errorOf, isAhead, isWatchListUnsupported, retryAfterOf } from '../../src/kubernetes/status.ts';
import type { Status } from '../../src/kubernetes/types.ts';

const VALUE = 'aHVudGVyMg==';

type Cause = NonNullable<NonNullable<Status['details']>['causes']>[number];
const answer = (
	code: number,
	message = '',
	causes: Cause[] = [],
	reason = 'Invalid',
	headers = {},
	kind = 'secrets',
) => ({
	status: code,
	headers,
	body: { kind: 'Status', code, message, reason, details: { kind, causes } },
});

const policy = (name: string) =>
	`secrets "db" is forbidden: ValidatingAdmissionPolicy '${name}' with binding '${name}' denied request: ${VALUE}`;
const rbac =
	'secrets is forbidden: User "system:serviceaccount:jasm:jasm" cannot create resource "secrets" in API group "" in the namespace "team"';

/** Recorded from kube-apiserver 1.24 and 1.37, with a value put where one may stand. */
const TABLE = [
	[
		'an admission policy, with reason Forbidden',
		'create',
		answer(403, policy('jasm-secrets'), [], 'Forbidden'),
		'policy',
	],
	['an admission policy, with the default reason', 'update', answer(422, policy('jasm-secrets')), 'policy'],
	['a policy of another name', 'create', answer(422, policy('owners')), 'policy'],
	[
		'a namespace that is being deleted',
		'create',
		answer(403, 'x', [{ reason: 'NamespaceTerminating', field: 'metadata.namespace' }], 'Forbidden'),
		'namespace-gone',
	],
	[
		'a namespace that is gone',
		'create',
		answer(404, 'namespaces "team" not found', [], 'NotFound', {}, 'namespaces'),
		'namespace-gone',
	],
	['a missing right', 'create', answer(403, rbac, [], 'Forbidden'), 'forbidden'],
	[
		'a used-up quota',
		'create',
		answer(403, 'secrets "db" is forbidden: exceeded quota: q', [], 'Forbidden'),
		'rejected',
	],
	[
		'a webhook',
		'create',
		answer(403, `admission webhook "w" denied the request: ${VALUE}`, [], 'Forbidden'),
		'rejected',
	],
	[
		'a webhook without a code',
		'create',
		answer(400, `admission webhook "w" denied the request: ${VALUE}`),
		'rejected',
	],
	['garbage', 'create', answer(400, `illegal base64 data ${VALUE}`, [], 'BadRequest'), 'rejected'],
	[
		'another type',
		'update',
		answer(422, `type: Invalid value: "${VALUE}"`, [
			{
				reason: 'FieldValueInvalid',
				message: `Invalid value: "${VALUE}": field is immutable`,
				field: 'type',
			},
		]),
		'immutable',
	],
	[
		'an immutable Secret',
		'update',
		answer(422, '', [
			{
				reason: 'FieldValueForbidden',
				message: 'Forbidden: field is immutable when `immutable` is set',
				field: 'data',
			},
		]),
		'immutable',
	],
	[
		'too much data',
		'create',
		answer(422, '', [{ reason: 'FieldValueTooLong', message: 'Too long', field: 'data' }]),
		'too-large',
	],
	['too large a request', 'create', answer(413, '', [], 'RequestEntityTooLarge'), 'too-large'],
	['too large for etcd', 'create', answer(500, 'etcdserver: request is too large', [], ''), 'too-large'],
	[
		'a bad key',
		'create',
		answer(422, '', [
			{ reason: 'FieldValueInvalid', message: `Invalid value: "${VALUE}"`, field: `data[${VALUE}]` },
		]),
		'rejected',
	],
	[
		'a conflict of quotas',
		'create',
		answer(409, 'Operation cannot be fulfilled on resourcequotas', [], 'Conflict'),
		'unavailable',
	],
	['refused credentials', 'create', answer(401, 'Unauthorized', [], 'Unauthorized'), 'unauthorized'],
	['overload', 'create', answer(429, '', [], 'TooManyRequests'), 'unavailable'],
	[
		'an internal error',
		'create',
		answer(500, `failed calling webhook ${VALUE}`, [], 'InternalError'),
		'unavailable',
	],
	['a redirect', 'create', { status: 302, headers: {}, body: undefined }, 'unavailable'],
	['a proxy that speaks HTML', 'create', { status: 502, headers: {}, body: undefined }, 'unavailable'],
] as const;

for (const [what, verb, given, code] of TABLE) {
	test(`${what} (${given.status}) has the code ${code} and repeats nothing that the server said`, t => {
		const attempt = { doing: 'writing secret "team/db"', verb, resource: 'secrets', namespace: 'team' };
		const error = errorOf(given, attempt, 0);
		t.is(error.code, code);
		t.regex(error.message, /^writing secret "team\/db": /);
		t.is(error.details['status'], given.status);
		const shown = JSON.stringify([error.message, error.details, error.cause]);
		t.notRegex(shown, new RegExp(`${VALUE}|denied|Invalid value|cannot`));
	});
}

test('a missing right names the verb, the resource and the namespace, and waits half a minute', t => {
	const attempt = { doing: 'listing pods', verb: 'list', resource: 'pods' };
	const error = errorOf(answer(403, 'pods is forbidden', [], 'Forbidden'), attempt, 0);
	t.is(error.message, 'listing pods: not allowed to list pods');
	t.is(error.retryAfterMs, 30_000);
	const inNamespace = errorOf(answer(403, rbac), { ...attempt, verb: 'create', namespace: 'team' }, 0);
	t.regex(inNamespace.message, /not allowed to create pods in namespace "team"/);
});

test('a missing right names the user in the details, and no user is read from the text of a webhook', t => {
	const attempt = { doing: 'x', verb: 'create', resource: 'secrets' };
	const denied = errorOf(answer(403, rbac, [], 'Forbidden'), attempt, 0);
	t.is(denied.details['user'], 'system:serviceaccount:jasm:jasm');
	t.notRegex(denied.message, /serviceaccount/);
	const webhook = `admission webhook "w" denied the request: secrets is forbidden: User "${VALUE}" cannot x`;
	t.is(errorOf(answer(403, webhook, [], 'Forbidden'), attempt, 0).details['user'], undefined);
});

test('a refusal by an admission policy names the policy', t => {
	const attempt = { doing: 'x', verb: 'create', resource: 'secrets' };
	t.deepEqual(errorOf(answer(422, policy('owners')), { ...attempt, namespace: 'team' }, 0).policy, {
		name: 'owners',
		text: VALUE,
		namespace: 'team',
	});
	t.is(errorOf(answer(422, 'invalid'), attempt, 0).policy, undefined);
});

test('the text of a response that is not about Secrets goes to the details', t => {
	const error = errorOf(
		answer(403, 'leases is forbidden'),
		{ doing: 'x', verb: 'get', resource: 'leases' },
		0,
	);
	t.is(error.details['answer'], 'leases is forbidden');
});

test('the fields that a 422 names go to the details, without keys of the payload', t => {
	const causes = [
		{ field: `data[${VALUE}]`, reason: 'FieldValueInvalid' },
		{ field: 'metadata.labels', reason: 'FieldValueInvalid' },
		{ field: VALUE, reason: 'FieldValueInvalid' },
	];
	const error = errorOf(answer(422, '', causes), { doing: 'x', verb: 'create', resource: 'secrets' }, 0);
	t.is(error.details['fields'], 'data FieldValueInvalid, metadata.labels FieldValueInvalid');
});

test('Retry-After is a floor in seconds or as a date, in the header or in the Status', t => {
	const now = Date.UTC(2030, 0, 1);
	const status: Status = { kind: 'Status', code: 429, details: { retryAfterSeconds: 7 } };
	t.is(retryAfterOf({ 'retry-after': '5' }, status, now), 5_000);
	t.is(retryAfterOf({ 'retry-after': 'Tue, 01 Jan 2030 00:00:09 GMT' }, undefined, now), 9_000);
	t.is(retryAfterOf({}, status, now), 7_000);
	t.is(retryAfterOf({ 'retry-after': '0' }, undefined, now), undefined);
	t.is(retryAfterOf({ 'retry-after': 'soon' }, undefined, now), undefined);
	t.is(retryAfterOf({ 'retry-after': '999999' }, undefined, now), 300_000);
	t.is(
		errorOf(answer(429, '', [], '', { 'retry-after': '5' }), { doing: 'x', verb: 'v', resource: 'r' }, now)
			.retryAfterMs,
		5_000,
	);
});

test('both responses of a server without WatchList are understood, and no other 422', t => {
	const before127 =
		'ListOptions.meta.k8s.io "" is invalid: [resourceVersionMatch: Forbidden: resourceVersionMatch is forbidden for watch, resourceVersionMatch: Forbidden: resourceVersionMatch is forbidden unless resourceVersion is provided]';
	const gateOff =
		'ListOptions.meta.k8s.io "" is invalid: sendInitialEvents: Forbidden: sendInitialEvents is forbidden for watch unless the WatchList feature gate is enabled';
	t.true(isWatchListUnsupported(answer(422, before127)));
	t.true(isWatchListUnsupported(answer(422, gateOff)));
	t.false(isWatchListUnsupported(answer(422, 'timeoutSeconds: Invalid value')));
	t.false(isWatchListUnsupported(answer(403, gateOff)));
});

test('a server that is behind is distinguished from one that is slow', t => {
	const behind: Status = {
		kind: 'Status',
		code: 504,
		details: { causes: [{ reason: 'ResourceVersionTooLarge' }] },
	};
	t.true(isAhead(behind, 504));
	t.true(
		isAhead(
			{ kind: 'Status', code: 504, message: 'Timeout: Too large resource version: 2, current: 1' },
			504,
		),
	);
	t.false(isAhead({ kind: 'Status', code: 504, message: 'Timeout: request did not complete' }, 504));
	t.false(isAhead(behind, 500));
});
