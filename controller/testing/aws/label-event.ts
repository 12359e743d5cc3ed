// The event that Secrets Manager publishes when a staging label moves, as EventBridge delivers it.
import { randomUUID } from 'node:crypto';
import type { LabelMove } from './secrets-manager-store.ts';

export type LabelEvent = Readonly<Record<string, unknown>>;

/** These labels have no event of their own. */
const SILENT = ['AWSPENDING', 'AWSPREVIOUS'];

/** Undefined for a label without an event. */
export function labelEvent({ name, arn, label, versionId }: LabelMove, now: number): LabelEvent | undefined {
	const [, , , region, account] = arn.split(':');
	return SILENT.includes(label)
		? undefined
		: {
				version: '0',
				id: randomUUID(),
				'detail-type': 'Secret Label Updated',
				source: 'aws.secretsmanager',
				account,
				time: new Date(now).toISOString().replace(/\.\d+/, ''),
				region,
				resources: [arn],
				detail: { name, labelUpdated: label, versionId },
			};
}
