// The columns of events: an Event of events.k8s.io has neither first nor last timestamp, but the time it is about.
import { isRecord, type KubeObject, numberAt, textAt } from '../objects/object.ts';
import { ageOf } from './ages.ts';
import { type Column, column, nameColumn, wide } from './column.ts';

const firstSeen = (event: KubeObject): unknown => event['firstTimestamp'] ?? event['eventTime'];
const lastSeen = (event: KubeObject): unknown =>
	isRecord(event['series'])
		? event['series']['lastObservedTime']
		: (event['lastTimestamp'] ?? firstSeen(event));

const countOf = (event: KubeObject): number =>
	isRecord(event['series']) ? numberAt(event, 'series', 'count') : numberAt(event, 'count') || 1;

const sourceOf = (event: KubeObject): string => {
	const component = textAt(event, 'source', 'component') || textAt(event, 'reportingComponent');
	const instance = textAt(event, 'source', 'host') || textAt(event, 'reportingInstance');
	return instance === '' ? component : `${component}, ${instance}`;
};

const objectOf = (event: KubeObject): string => {
	const kind = textAt(event, 'involvedObject', 'kind').toLowerCase();
	return kind === '' ? '' : `${kind}/${textAt(event, 'involvedObject', 'name')}`;
};

export const eventColumns: readonly Column[] = [
	column('Last Seen', (event, now) => ageOf(lastSeen(event), now)),
	column('Type', event => textAt(event, 'type')),
	column('Reason', event => textAt(event, 'reason')),
	column('Object', objectOf),
	wide('Subobject', event => textAt(event, 'involvedObject', 'fieldPath')),
	wide('Source', sourceOf),
	column('Message', event => textAt(event, 'message').trim()),
	wide('First Seen', (event, now) => ageOf(firstSeen(event), now)),
	wide('Count', countOf),
	{ ...nameColumn, priority: 1 },
];
