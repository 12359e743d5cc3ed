// Reads the body of one request as events: CloudEvents in their three forms, and what AWS and Azure send as it is; pure.
import type { IncomingHttpHeaders } from 'node:http';
import { parseAwsEvent } from '../aws-notice.ts';
import { parseAzureEvent } from '../azure-notice.ts';
import { parseNamedEvent } from '../cloud-event.ts';
import { MALFORMED, objectAt, type Parsed, textAt } from '../event-fields.ts';
import { isTooDeep } from '../notice.ts';

export type Body =
	/** Each event with what it says; none is malformed. */
	| { readonly kind: 'events'; readonly events: readonly Exclude<Parsed, { kind: 'malformed' }>[] }
	/** Event Grid asks whether this is the right place; the code is the answer. */
	| { readonly kind: 'validation'; readonly code: string }
	| { readonly kind: 'refused'; readonly status: 400 | 413 | 415 };

export const MAX_EVENTS = 100;
const VALIDATION = 'Microsoft.EventGrid.SubscriptionValidationEvent';
const UTF8 = new TextDecoder('utf-8', { fatal: true });

/** Never throws, whatever the body is. */
export function readEvents(headers: IncomingHttpHeaders, body: Uint8Array, now: number): Body {
	const form = formOf(headers);
	if (form === undefined) {
		return { kind: 'refused', status: 415 };
	}

	const content = jsonIn(body);
	if (content === undefined) {
		return { kind: 'refused', status: 400 };
	}

	const events = form === 'binary' ? [{ ...attributesIn(headers), data: content }] : listIn(content, form);
	if (events === undefined || events.length > MAX_EVENTS) {
		return { kind: 'refused', status: events === undefined ? 400 : 413 };
	}

	const code = events.length === 1 ? validationCodeIn(events[0]) : undefined;
	if (code !== undefined) {
		return { kind: 'validation', code };
	}

	const parsed = events.map(event => parseEvent(event, now));
	const understood = parsed.filter(each => each.kind !== 'malformed');
	return understood.length === parsed.length
		? { kind: 'events', events: understood }
		: { kind: 'refused', status: 400 };
}

/** By its shape: no two kinds of events have the same fields. */
function parseEvent(event: unknown, now: number): Parsed {
	if (textAt(event, 'detail-type') !== undefined) {
		return parseAwsEvent(event, now);
	}

	if (textAt(event, 'specversion') !== undefined) {
		const ofAzure = textAt(event, 'type')?.startsWith('Microsoft.') ?? false;
		return ofAzure ? parseAzureEvent(event, now) : parseNamedEvent(event, now);
	}

	return textAt(event, 'eventType') === undefined ? MALFORMED : parseAzureEvent(event, now);
}

type Form = 'one' | 'list' | 'either' | 'binary';

function formOf(headers: IncomingHttpHeaders): Form | undefined {
	const type = (headers['content-type'] ?? '').split(';', 1)[0]!.trim().toLowerCase();
	switch (type) {
		case 'application/cloudevents+json':
			return 'one';
		case 'application/cloudevents-batch+json':
			return 'list';
		case 'application/json':
			return headers['ce-specversion'] === undefined ? 'either' : 'binary';
		default:
			return undefined;
	}
}

/** Undefined where the body is no JSON in UTF-8, or too deep. */
function jsonIn(body: Uint8Array): unknown {
	try {
		const content: unknown = JSON.parse(UTF8.decode(body));
		return isTooDeep(content) ? undefined : content;
	} catch {
		// The error is dropped: its message quotes the body.
		return undefined;
	}
}

function listIn(content: unknown, form: Form): readonly unknown[] | undefined {
	const isList = Array.isArray(content);
	return (form === 'one' && isList) || (form === 'list' && !isList)
		? undefined
		: isList
			? content
			: [content];
}

/** The attributes of a CloudEvent in binary form, as they would be fields of one in structured form. */
function attributesIn(headers: IncomingHttpHeaders): Record<string, string> {
	const found = Object.entries(headers).filter(([name]) => /^ce-[a-z0-9]+$/.test(name));
	return Object.fromEntries(found.map(([name, value]) => [name.slice(3), decoded([value].flat().join(','))]));
}

function decoded(text: string): string {
	try {
		return decodeURIComponent(text);
	} catch {
		return text;
	}
}

/** Only ever sent back; the address beside it is never opened. */
function validationCodeIn(event: unknown): string | undefined {
	const code = textAt(event, 'eventType') === VALIDATION && textAt(objectAt(event, 'data'), 'validationCode');
	return code && /^[\x21-\x7e]{1,512}$/.test(code) ? code : undefined;
}
