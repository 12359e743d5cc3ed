// Events have one storage and two faces: core/v1 and events.k8s.io/v1.
import type { KubeObject } from './object.ts';

/** Fields of a core Event in the order of the real encoder. */
export const coreFields = [
	'involvedObject',
	'reason',
	'message',
	'source',
	'firstTimestamp',
	'lastTimestamp',
	'count',
	'type',
	'eventTime',
	'series',
	'action',
	'related',
	'reportingComponent',
	'reportingInstance',
];

/** Fields of an events.k8s.io Event in the order of the real encoder. */
export const eventsFields = [
	'eventTime',
	'series',
	'reportingController',
	'reportingInstance',
	'action',
	'reason',
	'regarding',
	'related',
	'note',
	'type',
	'deprecatedSource',
	'deprecatedFirstTimestamp',
	'deprecatedLastTimestamp',
	'deprecatedCount',
];

// events.k8s.io name -> core name; the rest is the same in both.
const renamed: readonly (readonly [string, string])[] = [
	['reportingController', 'reportingComponent'],
	['regarding', 'involvedObject'],
	['note', 'message'],
	['deprecatedSource', 'source'],
	['deprecatedFirstTimestamp', 'firstTimestamp'],
	['deprecatedLastTimestamp', 'lastTimestamp'],
	['deprecatedCount', 'count'],
];

const rename = (object: KubeObject, pairs: readonly (readonly [string, string])[]): KubeObject => {
	const out: KubeObject = { ...object, metadata: object.metadata };
	for (const [from] of pairs) delete out[from];
	for (const [from, to] of pairs) if (object[from] !== undefined) out[to] = object[from];
	return out;
};

/** An events.k8s.io Event as it is stored. */
export const toCoreEvent = (object: KubeObject): KubeObject => rename(object, renamed);

const emptyIsAbsent = ['reportingComponent', 'reportingInstance'];

/** A stored Event as events.k8s.io shows it. */
export const fromCoreEvent = (object: KubeObject): KubeObject => {
	const shown: KubeObject = { ...object };
	for (const field of emptyIsAbsent) if (shown[field] === '') delete shown[field];
	return rename(
		shown,
		renamed.map(([outer, inner]) => [inner, outer] as const),
	);
};

/** Fills what the real server never leaves out of a stored Event. */
export const defaultEvent = (object: KubeObject): void => {
	object['involvedObject'] ??= {};
	object['source'] ??= {};
	object['firstTimestamp'] ??= null;
	object['lastTimestamp'] ??= null;
	object['eventTime'] ??= null;
	object['reportingComponent'] ??= '';
	object['reportingInstance'] ??= '';
};
