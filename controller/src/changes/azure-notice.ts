// Change notices from events of Azure Key Vault, in Event Grid's own schema and as CloudEvents; pure.
import { FOREIGN, MALFORMED, NOTHING, objectAt, type Parsed, textAt, timeOf } from './event-fields.ts';

/** Events after which a read can return another value. A certificate is read as the secret of its name. */
const NEW_VERSION = /^Microsoft\.KeyVault\.(Secret|Certificate)NewVersionCreated$/i;
const OF_KEY_VAULT = /^Microsoft\.KeyVault\./i;

/** The path of `data.Id`. Only this field names the object reliably. */
const OBJECT = /^\/(secrets|certificates)\/(?<name>[0-9a-zA-Z-]{1,127})(\/(?<version>[0-9a-fA-F]{32}))?\/?$/;

/**
 * One event or a list of them. A list is as good as its worst event: it is malformed if one of them is, and foreign
 * only if all of them are. `now` bounds the time of an event: none happened later.
 */
export function parseAzureEvents(body: unknown, now: number): Parsed {
	if (!Array.isArray(body)) {
		return parseAzureEvent(body, now);
	}

	const all = body.map(event => parseAzureEvent(event, now));
	if (all.length === 0 || all.some(({ kind }) => kind === 'malformed')) {
		return MALFORMED;
	}

	return all.every(({ kind }) => kind === 'foreign')
		? FOREIGN
		: { kind: 'notices', notices: all.flatMap(each => (each.kind === 'notices' ? each.notices : [])) };
}

/** One event in either schema. */
export function parseAzureEvent(event: unknown, now: number): Parsed {
	const cloud = textAt(event, 'specversion') !== undefined;
	const type = textAt(event, cloud ? 'type' : 'eventType');
	if (type === undefined || textAt(event, 'id') === undefined) {
		return MALFORMED;
	}

	if (!OF_KEY_VAULT.test(type)) {
		return FOREIGN;
	}

	if (!NEW_VERSION.test(type)) {
		return NOTHING;
	}

	// Samples of the service have keys with a space at the end, and its libraries write them in another case.
	const url = URL.parse(looseText(objectAt(event, 'data'), 'id') ?? '');
	const { name: path, version } = OBJECT.exec(url?.pathname ?? '')?.groups ?? {};
	if (url === null || url.protocol !== 'https:' || path === undefined) {
		return MALFORMED;
	}

	const at = timeOf(textAt(event, cloud ? 'time' : 'eventTime'), now);
	const known = version === undefined ? {} : { version: version.toLowerCase() };
	const id = textAt(event, 'id') ?? '';
	return { kind: 'notices', notices: [{ origin: 'azure', host: url.host, path, ...known, id, at }] };
}

/** The text under a key that is compared without space around it, and without case. */
function looseText(node: object | undefined, name: string): string | undefined {
	const key = Object.keys(node ?? {}).find(each => each.trim().toLowerCase() === name);
	return key === undefined ? undefined : textAt(node, key)?.trim();
}
