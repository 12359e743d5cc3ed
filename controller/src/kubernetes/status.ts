// Classifies the API server's responses as failures; the only file that reads the messages in them.
import { parseRetryAfter } from '../runtime/backoff.ts';
import { KubernetesError, type KubernetesErrorCode, type PolicyRefusal } from './errors.ts';
import type { Status } from './types.ts';

/** A response of the API server; the body is parsed if it is JSON. */
export type Answer = {
	readonly status: number;
	readonly headers: Readonly<Record<string, string>>;
	readonly body: unknown;
};

/** What was attempted, for the error's text. */
export type Attempt = {
	/** Begins the message, such as `writing secret "team/db"`. */
	readonly doing: string;
	/** Verb and resource as RBAC names them. */
	readonly verb: string;
	readonly resource: string;
	readonly namespace?: string;
};

const FORBIDDEN_RETRY_MS = 30_000;
const POLICY_REFUSAL = /ValidatingAdmissionPolicy '([^']*)' with binding '[^']*' denied request(?:: (.*))?/s;

export function statusOf(body: unknown): Status | undefined {
	const status = body as Status | null | undefined;
	return typeof status === 'object' && status?.kind === 'Status' ? status : undefined;
}

/** Whether the API server itself says that the object does not exist; the 404 of a proxy proves nothing. */
export function isAbsent({ status, body }: Answer, resource: string): boolean {
	const { reason, details } = statusOf(body) ?? {};
	return status === 404 && reason === 'NotFound' && details?.kind === resource;
}

/** Whether this response means that the server has no WatchList, so the caller has to list and watch. */
export function isWatchListUnsupported({ status, body }: Answer): boolean {
	const message = statusOf(body)?.message ?? '';
	return (
		status === 422 &&
		(message.includes('sendInitialEvents is forbidden for watch') ||
			message.includes('resourceVersionMatch is forbidden for watch'))
	);
}

/** Whether the server has not yet reached the requested resourceVersion. */
export function isAhead(status: Status | undefined, code: number): boolean {
	return (
		code === 504 &&
		((status?.details?.causes ?? []).some(({ reason }) => reason === 'ResourceVersionTooLarge') ||
			(status?.message ?? '').includes('Too large resource version'))
	);
}

/** Milliseconds from Retry-After (seconds or a date) or from the Status; `nowMs` is wall-clock time. */
export function retryAfterOf(
	headers: Readonly<Record<string, string>>,
	status: Status | undefined,
	nowMs: number,
): number | undefined {
	const said = status?.details?.retryAfterSeconds;
	return parseRetryAfter(headers['retry-after'] ?? (said === undefined ? undefined : String(said)), nowMs);
}

/**
 * The error for a response that is not a success. Neither the message nor the details repeat what the server
 * says about a Secret or about a patch, because a 422 quotes values of the object.
 */
export function errorOf(answer: Answer, attempt: Attempt, nowMs: number): KubernetesError {
	const status = statusOf(answer.body);
	const { code, why, retryMs } = classify(answer.status, status, attempt);
	return new KubernetesError({
		code,
		doing: attempt.doing,
		why,
		retryAfterMs: retryAfterOf(answer.headers, status, nowMs) ?? retryMs,
		...(code === 'policy' && { policy: refusalOf(status, attempt) }),
		details: detailsOf(answer.status, status, attempt),
	});
}

type Class = { readonly code: KubernetesErrorCode; readonly why: string; readonly retryMs?: number };

/** The ValidatingAdmissionPolicy that refused the request, if one did. */
const policyOf = (status: Status | undefined) => POLICY_REFUSAL.exec(status?.message ?? '')?.[1];

function refusalOf(status: Status | undefined, { namespace }: Attempt): PolicyRefusal {
	const [, name = '', text = ''] = POLICY_REFUSAL.exec(status?.message ?? '') ?? [];
	return { name, text, namespace };
}

function classify(code: number, status: Status | undefined, attempt: Attempt): Class {
	const message = status?.message ?? '';
	const causes = status?.details?.causes ?? [];
	if ((code === 403 || code === 422) && policyOf(status) !== undefined) {
		return { code: 'policy', why: 'an admission policy of the cluster refuses it' };
	}
	switch (code) {
		case 400:
			return rejected(isWebhook(message) ? 'an admission webhook refuses it' : 'the API server refuses it');
		case 401:
			return { code: 'unauthorized', why: 'the API server does not accept the credentials' };
		case 403:
			if (causes.some(({ reason }) => reason === 'NamespaceTerminating')) return GONE;
			if (message.includes('exceeded quota')) return rejected('a quota of the namespace is used up');
			if (isWebhook(message)) return rejected('an admission webhook refuses it');
			return { code: 'forbidden', why: forbidden(attempt), retryMs: FORBIDDEN_RETRY_MS };
		case 404:
			return status?.details?.kind === 'namespaces' ? GONE : unavailable('it does not exist any more');
		case 409:
			return unavailable('it was changed at the same time');
		case 413:
			return TOO_LARGE;
		case 422:
			if (causes.some(({ reason, field }) => reason === 'FieldValueTooLong' && field === 'data'))
				return TOO_LARGE;
			if (causes.some(({ message = '' }) => message.includes('field is immutable'))) {
				return { code: 'immutable', why: 'the existing one is immutable or of another type' };
			}
			return rejected('the API server finds it invalid');
		default:
			if (code === 405 || code === 406 || code === 415)
				return rejected('the API server does not understand it');
			if (message.includes('request is too large')) return TOO_LARGE;
			return unavailable(`the API server answered ${code}`);
	}
}

const GONE: Class = { code: 'namespace-gone', why: 'the namespace is gone or being deleted' };
const TOO_LARGE: Class = { code: 'too-large', why: 'it is larger than the API server accepts' };
const rejected = (why: string): Class => ({ code: 'rejected', why });
const unavailable = (why: string): Class => ({ code: 'unavailable', why });
const isWebhook = (message: string) => message.includes('admission webhook');

const forbidden = ({ verb, resource, namespace }: Attempt) =>
	`not allowed to ${verb} ${resource}${namespace === undefined ? '' : ` in namespace "${namespace}"`}`;

/** The API server's own words. An admission webhook can put any text there, values included. */
const REASON =
	/^(Unauthorized|Forbidden|NotFound|AlreadyExists|Conflict|Gone|Invalid|ServerTimeout|Timeout|TooManyRequests|BadRequest|MethodNotAllowed|NotAcceptable|RequestEntityTooLarge|UnsupportedMediaType|InternalError|Expired|ServiceUnavailable)$/;
const CAUSE = /^(FieldValue[A-Z][A-Za-z]{4,20}|NamespaceTerminating|ResourceVersionTooLarge)$/;

/** The authorizer's own text, which names the user and then the verb. */
const DENIED_USER = /^[a-z.]+ (?:"[^"]*" )?is forbidden: User "([^"]{1,300})" cannot /;

type Details = Record<string, string | number>;

function detailsOf(code: number, status: Status | undefined, { verb, resource }: Attempt): Details {
	const details: Details = { status: code };
	if (REASON.test(status?.reason ?? '')) details['reason'] = status!.reason!;
	const causes = status?.details?.causes ?? [];
	const fields = causes.flatMap(({ field, reason = '' }) => {
		// The index is cut off: a key in brackets comes from the payload.
		const path = field?.split('[')[0] ?? '';
		return /^[a-zA-Z.]+$/.test(path) ? [`${path} ${CAUSE.test(reason) ? reason : ''}`.trim()] : [];
	});
	if (fields.length > 0) details['fields'] = [...new Set(fields)].join(', ');
	const policy = policyOf(status);
	if (policy !== undefined) details['policy'] = policy;
	const user = DENIED_USER.exec(status?.message ?? '')?.[1];
	if (code === 403 && user !== undefined) details['user'] = user;
	if (resource !== 'secrets' && verb !== 'patch' && status?.message !== undefined)
		details['answer'] = status.message.slice(0, 500);
	return details;
}
