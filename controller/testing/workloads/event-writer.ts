// Events of the cluster's own controllers, one object per cause with a count, as `kubectl describe` shows them.
import type { KubeObject } from '../api-server/objects/object.ts';
import type { ApiServer } from '../api-server/server.ts';
import { timestamp } from '../api-server/storage/writer.ts';

export type Report = {
	readonly component: string;
	readonly type: 'Normal' | 'Warning';
	readonly reason: string;
	readonly message: string;
};

export class EventWriter {
	readonly #server: ApiServer;
	readonly #names = new Map<string, string>();

	constructor(server: ApiServer) {
		this.#server = server;
	}

	/** Reports on an object; a repetition counts up the Event that is there. */
	report(about: KubeObject, { component, type, reason, message }: Report): void {
		const { kind, apiVersion } = about;
		const { namespace = 'default', name = '', uid = '', resourceVersion } = about.metadata;
		const now = timestamp(this.#server.now());
		const key = [uid, type, reason, message].join('\0');
		const known = this.#names.get(key);
		if (known !== undefined && this.#server.find('Event', namespace, known)) {
			this.#server.update('Event', namespace, known, event => {
				event['count'] = Number(event['count']) + 1;
				event['lastTimestamp'] = now;
			});
			return;
		}
		const created = this.#server.create({
			kind: 'Event',
			metadata: { generateName: `${name}.`, namespace },
			involvedObject: { kind, namespace, name, uid, apiVersion, resourceVersion },
			type,
			reason,
			message,
			source: { component },
			firstTimestamp: now,
			lastTimestamp: now,
			count: 1,
			reportingComponent: component,
		});
		this.#names.set(key, created.metadata.name ?? '');
	}
}
