// Turns answers of the API server into JASM's error codes; the only file that reads their messages.
import { JasmError } from '../errors.ts';
import type { Status } from './types.ts';

/** An answer of the API server, its body parsed where it was JSON. */
export type Answer = {
	readonly status: number;
	readonly headers: Readonly<Record<string, string>>;
	readonly body: unknown;
};

/** What was attempted, for the error's text. */
export type Attempt = {
	/** "writing secret "team/db"": begins the message. */
	readonly doing: string;
	/** Verb and resource as RBAC names them. */
	readonly verb: string;
	readonly resource: string;
	readonly namespace?: string;
};

/** Names of the installation's policies; a refusal by any other policy says nothing about ownership. */
const OWN_POLICY = /^jasm(?![a-z0-9])/;

const FORBIDDEN_RETRY_MS = 30_000;
const MAX_RETRY_AFTER_MS = 300_000;
const POLICY_REFUSAL = /ValidatingAdmissionPolicy '([^']*)' with binding '[^']*' denied request/;

export function statusOf(body: unknown): Status | undefined {
	const status = body as Status | null | undefined;
	return typeof status === 'object' && status?.kind === 'Status' ? status : undefined;
}

/** Whether the API server itself says that there is no such object; a proxy's 404 proves nothing. */
export function isAbsent({ status, body }: Answer, resource: string): boolean {
	const { reason, details } = statusOf(body) ?? {};
	return status === 404 && reason === 'NotFound' && details?.kind === resource;
}

/** Whether a server that answers this has no WatchList: list and watch instead. */
export function isWatchListUnsupported({ status, body }: Answer): boolean {
	const message = statusOf(body)?.message ?? '';
	return (
		status === 422 &&
		(message.includes('sendInitialEvents is forbidden for watch') ||
			message.includes('resourceVersionMatch is forbidden for watch'))
	);
}

/** Whether the server has not come as far as the resourceVersion that was asked for. */
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
	const header = headers['retry-after']?.trim();
	const seconds = header ? Number(header) : status?.details?.retryAfterSeconds;
	const ms =
		seconds !== undefined && Number.isNaN(seconds) ? Date.parse(header!) - nowMs : (seconds ?? 0) * 1000;
	return ms > 0 ? Math.min(ms, MAX_RETRY_AFTER_MS) : undefined;
}

/**
 * The error for an answer that is not a success. Neither its message nor its details repeat what the server
 * says about a Secret: a 422 quotes values.
 */
export function errorOf(answer: Answer, attempt: Attempt, nowMs: number): JasmError {
	const status = statusOf(answer.body);
	const retryAfterMs = retryAfterOf(answer.headers, status, nowMs);
	const { code, why, retryMs } = classify(answer.status, status, attempt);
	const floor = retryAfterMs ?? retryMs;
	return new JasmError(`${attempt.doing}: ${why}`, {
		code,
		...(floor !== undefined && { retryAfterMs: floor }),
		details: detailsOf(answer.status, status, attempt),
	});
}

type Class = { readonly code: JasmError['code']; readonly why: string; readonly retryMs?: number };

function classify(code: number, status: Status | undefined, attempt: Attempt): Class {
	const message = status?.message ?? '';
	const causes = status?.details?.causes ?? [];
	if (code === 403 || code === 422) {
		const policy = POLICY_REFUSAL.exec(message)?.[1];
		if (policy !== undefined && OWN_POLICY.test(policy)) {
			return { code: 'SECRET_NOT_OWNED', why: 'the admission policy refuses it: JASM does not own it' };
		}
		if (policy !== undefined) return rejected('an admission policy of the cluster refuses it');
	}
	switch (code) {
		case 400:
			return rejected(isWebhook(message) ? 'an admission webhook refuses it' : 'the API server refuses it');
		case 401:
			return { code: 'KUBERNETES_UNAVAILABLE', why: 'the API server does not accept the credentials' };
		case 403:
			if (causes.some(({ reason }) => reason === 'NamespaceTerminating')) return GONE;
			if (message.includes('exceeded quota')) return rejected('a quota of the namespace is used up');
			if (isWebhook(message)) return rejected('an admission webhook refuses it');
			return { code: 'KUBERNETES_FORBIDDEN', why: forbidden(attempt), retryMs: FORBIDDEN_RETRY_MS };
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
				return { code: 'SECRET_IMMUTABLE', why: 'the existing one is immutable or of another type' };
			}
			return rejected('the API server finds it invalid');
		default:
			if (code === 405 || code === 406 || code === 415)
				return rejected('the API server does not understand it');
			if (message.includes('request is too large')) return TOO_LARGE;
			return unavailable(`the API server answered ${code}`);
	}
}

const GONE: Class = { code: 'NAMESPACE_GONE', why: 'the namespace is gone or being deleted' };
const TOO_LARGE: Class = { code: 'SECRET_TOO_LARGE', why: 'it is larger than the API server accepts' };
const rejected = (why: string): Class => ({ code: 'SECRET_REJECTED', why });
const unavailable = (why: string): Class => ({ code: 'KUBERNETES_UNAVAILABLE', why });
const isWebhook = (message: string) => message.includes('admission webhook');

const forbidden = ({ verb, resource, namespace }: Attempt) =>
	`JASM is not allowed to ${verb} ${resource}${namespace === undefined ? '' : ` in namespace "${namespace}"`}`;

/** The API server's own words: an admission webhook puts there what it likes, values included. */
const REASON =
	/^(Unauthorized|Forbidden|NotFound|AlreadyExists|Conflict|Gone|Invalid|ServerTimeout|Timeout|TooManyRequests|BadRequest|MethodNotAllowed|NotAcceptable|RequestEntityTooLarge|UnsupportedMediaType|InternalError|Expired|ServiceUnavailable)$/;
const CAUSE = /^(FieldValue[A-Z][A-Za-z]{4,20}|NamespaceTerminating|ResourceVersionTooLarge)$/;

type Details = Record<string, string | number>;

function detailsOf(code: number, status: Status | undefined, { resource }: Attempt): Details {
	const details: Details = { status: code };
	if (REASON.test(status?.reason ?? '')) details['reason'] = status!.reason!;
	const causes = status?.details?.causes ?? [];
	const fields = causes.flatMap(({ field, reason = '' }) => {
		// Without the index: a key in brackets comes from the payload.
		const path = field?.split('[')[0] ?? '';
		return /^[a-zA-Z.]+$/.test(path) ? [`${path} ${CAUSE.test(reason) ? reason : ''}`.trim()] : [];
	});
	if (fields.length > 0) details['fields'] = [...new Set(fields)].join(', ');
	const policy = POLICY_REFUSAL.exec(status?.message ?? '')?.[1];
	if (policy !== undefined) details['policy'] = policy;
	if (resource !== 'secrets' && status?.message !== undefined)
		details['answer'] = status.message.slice(0, 500);
	return details;
}
