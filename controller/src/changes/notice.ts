// Reads the body of one message as change notices; never throws, whatever the body is.
//
// This folder hears from stores that a secret changed, and makes the Secrets due that live pods ask for from it.
// Read this file first (what is heard), then change-intake.ts (which Secrets it concerns, and when the message is
// done), then receive-loop.ts (messages of a queue), webhook/ (what senders post) and sources.ts (from the
// configuration to running loops).
// It may import sync/ and everything below; it imports no kind of provider.
import { parseAwsEvent } from './aws-notice.ts';
import { parseAzureEvents } from './azure-notice.ts';
import { type Parsed, textAt } from './event-fields.ts';

export type { Parsed } from './event-fields.ts';

/** The largest message of SQS, and of the webhook. */
export const MAX_BODY_BYTES = 262_144;
/** No event that is understood here is deeper. */
const MAX_DEPTH = 16;

export function parseNotices(body: string, now: number): Parsed {
	if (body.length > MAX_BODY_BYTES) {
		return { kind: 'malformed' };
	}

	try {
		const event: unknown = JSON.parse(body);
		return isTooDeep(event) ? { kind: 'malformed' } : parseEvents(event, now);
	} catch {
		// The error is dropped: its message quotes the body.
		return { kind: 'malformed' };
	}
}

/** By its shape: only events of Azure come in lists, or have one of these fields. */
const parseEvents = (body: unknown, now: number): Parsed =>
	Array.isArray(body) || textAt(body, 'specversion') !== undefined || textAt(body, 'eventType') !== undefined
		? parseAzureEvents(body, now)
		: parseAwsEvent(body, now);

export const isTooDeep = (node: unknown): boolean => isDeep(node, MAX_DEPTH);

const isDeep = (node: unknown, left: number): boolean =>
	typeof node === 'object' &&
	node !== null &&
	(left === 0 || Object.values(node).some(value => isDeep(value, left - 1)));
