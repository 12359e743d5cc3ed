// Change notices as CloudEvents 1.0 of JASM's own type, for senders that know how JASM names things; pure.
import { FOREIGN, MALFORMED, objectAt, ownValue, type Parsed, textAt, timeOf } from './event-fields.ts';

/** The type of an event that names a provider and a path as annotations do. */
export const CHANGED = 'io.codnod.jasm.secret.changed.v1';

/** `now` bounds the time of an event: none happened later. */
export function parseNamedEvent(event: unknown, now: number): Parsed {
	const [id, type] = [textAt(event, 'id'), textAt(event, 'type')];
	if (textAt(event, 'specversion') !== '1.0' || id === undefined || textAt(event, 'source') === undefined) {
		return MALFORMED;
	}

	if (type !== CHANGED) {
		return type === undefined ? MALFORMED : FOREIGN;
	}

	const data = objectAt(event, 'data');
	const [provider, path] = [textAt(data, 'provider'), textAt(data, 'path')];
	const version = versionAt(data);
	if (provider === undefined || path === undefined || version === undefined) {
		return MALFORMED;
	}

	const named = version === '' ? {} : { version };
	const at = timeOf(textAt(event, 'time'), now);
	return { kind: 'notices', notices: [{ origin: 'named', provider, path, ...named, id, at }] };
}

/** A store writes versions as text or as numbers. Empty: the notice names none; undefined: it names no version. */
function versionAt(data: object | undefined): string | undefined {
	const version = ownValue(data, 'version') ?? '';
	return Number.isSafeInteger(version) ? String(version) : version === '' ? '' : textAt(data, 'version');
}
