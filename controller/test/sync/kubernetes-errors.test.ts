// A failed call to Kubernetes gets the product's code; only the product's own policy proves that a Secret is not JASM's.
import test from 'ava';
import { JasmError } from '../../src/errors.ts';
import { KubernetesError, type KubernetesErrorCode } from '../../src/kubernetes/errors.ts';
import { coded, SYSTEM_NAMESPACE_REFUSED } from '../../src/sync/kubernetes-errors.ts';
import { answers } from '../../testing/index.ts';
import { apiServer, wired } from '../helpers/watches/wired.ts';

const codes: readonly (readonly [KubernetesErrorCode, string])[] = [
	['configuration', 'KUBERNETES_CONFIG_INVALID'],
	['unauthorized', 'KUBERNETES_UNAUTHORIZED'],
	['forbidden', 'KUBERNETES_FORBIDDEN'],
	['rejected', 'SECRET_REJECTED'],
	['immutable', 'SECRET_IMMUTABLE'],
	['too-large', 'SECRET_TOO_LARGE'],
	['namespace-gone', 'NAMESPACE_GONE'],
	['unavailable', 'KUBERNETES_UNAVAILABLE'],
	['lease-lost', 'LEASE_LOST'],
	['aborted', 'ABORTED'],
];

const failed = (code: KubernetesErrorCode, policy?: string, text = 'no', namespace = 'team') =>
	coded(
		new KubernetesError({
			code,
			doing: 'writing',
			why: 'not allowed to create secrets',
			...(policy !== undefined && { policy: { name: policy, text, namespace } }),
			retryAfterMs: 7,
			details: { status: 403 },
		}),
	) as JasmError;

for (const [from, code] of codes) {
	test(`an error with code ${from} has the code ${code}, with its delay and its details`, t => {
		t.like(failed(from), { code, retryAfterMs: 7, details: { status: 403 } });
	});
}

test('a policy of the installation proves that the Secret is not owned, a policy of another name does not', t => {
	t.like(failed('policy', 'jasm'), { code: 'SECRET_NOT_OWNED' });
	t.like(failed('policy', 'jasm-secrets'), {
		code: 'SECRET_NOT_OWNED',
		message: 'writing: the admission policy refuses it: JASM does not own it',
	});
	t.like(failed('policy', 'jasmine'), { code: 'SECRET_REJECTED' });
	t.like(failed('policy', 'not-jasm'), { code: 'SECRET_REJECTED' });
});

test("a system namespace that JASM's own policy does not open is no matter of ownership", t => {
	const text = SYSTEM_NAMESPACE_REFUSED;
	t.like(failed('policy', 'jasm-secrets', text, 'kube-logging'), {
		code: 'SECRET_REJECTED',
		message: "writing: JASM's own admission policy does not open this namespace",
	});
	// The proof at start writes into JASM's own namespace.
	t.like(failed('policy', 'jasm-secrets', text, 'jasm'), { code: 'SECRET_NOT_OWNED' });
	t.like(failed('policy', 'jasm-secrets', 'no label', 'kube-logging'), { code: 'SECRET_NOT_OWNED' });
	t.like(failed('policy', 'other', text, 'kube-logging'), { code: 'SECRET_REJECTED' });
});

test('the text of a policy is not repeated', t => {
	const { message, details } = failed('policy', 'other', 'a-value');
	t.notRegex(JSON.stringify([message, details]), /a-value/);
});

test('a missing right says that it is JASM who lacks it', t => {
	t.is(failed('forbidden').message, 'writing: JASM is not allowed to create secrets');
});

test('an error that is not of Kubernetes stays as it is', t => {
	const error = new TypeError('x');
	t.is(coded(error), error);
});

test('every call of the client rejects with a JasmError', async t => {
	const server = await apiServer(t);
	const { client } = wired(t, server);
	const ref = { namespace: 'default', name: 'x' };
	for (const call of [() => client.getLease(ref), () => client.getSecretMetadata(ref)]) {
		server.faults.inject({}, { answer: answers.tooManyRequests(3) });
		const expected = { instanceOf: JasmError, code: 'KUBERNETES_UNAVAILABLE' } as const;
		t.is((await t.throwsAsync<JasmError>(call(), expected)).retryAfterMs, 3_000);
	}
});
