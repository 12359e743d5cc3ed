// The write side of the simulated API server: Secrets written, pods released and Events recorded; refused and lost at random.
import {
	ConnectionLostError,
	type WireRequest,
	type WireResponse,
} from '../../src/kubernetes/http/connection.ts';
import type { Clock } from '../../src/runtime/clock.ts';
import type { Random } from './random.ts';
import { MANAGED, type Meta, type SimulatedCluster, type StoredObject } from './simulated-cluster.ts';
import { statusBody } from './wire-text.ts';

/** One Secret as it was written by the controller, at the moment it was. */
export type Write = {
	readonly key: string;
	readonly meta: Meta;
	readonly data: Readonly<Record<string, string>>;
	readonly at: number;
	/** The Secret exists after this write and is not being deleted. */
	readonly stands: boolean;
};

export type WritesOptions = {
	readonly cluster: SimulatedCluster;
	readonly clock: Clock;
	readonly random: Random;
	readonly faults: () => number;
	/** The admission policy of profile write-only. */
	readonly guarded: boolean;
	/** Called when a Secret was written, before the answer is on its way. */
	readonly onWrite: (write: Write, object: StoredObject) => void;
	/** Called when a release of a pod arrives, before it is acted on. */
	readonly onRelease: (pod: StoredObject) => void;
	/** Called when a write takes the finalizers off a Secret that is being deleted. */
	readonly onStripped: (key: string) => void;
};

type Body = { metadata: Meta; type?: string; data?: Record<string, string> };
/** The strategic merge patch that releases a pod. */
type Release = {
	readonly metadata: { readonly uid: string; readonly annotations: Readonly<Record<string, null>> };
	readonly spec: {
		readonly schedulingGates: readonly { readonly $patch: 'delete'; readonly name: string }[];
	};
};
type Answer = { status: number; body: object; headers?: Record<string, string> };

const status = (
	code: number,
	reason: string,
	message = reason,
	details: object = { kind: 'secrets' },
): Answer => ({
	status: code,
	body: statusBody(code, reason, message, details),
});

const REFUSED = status(
	422,
	'Invalid',
	"secrets is forbidden: ValidatingAdmissionPolicy 'jasm-secrets' with binding 'jasm-secrets' denied request: not owned",
);

export class SimulatedPool {
	readonly writes: Write[] = [];
	readonly #options: WritesOptions;

	constructor(options: WritesOptions) {
		this.#options = options;
	}

	async connect(): Promise<void> {}
	recycle(): void {}
	close(): void {}

	async request(request: WireRequest, signal: AbortSignal): Promise<WireResponse> {
		const { clock, random, faults } = this.#options;
		await clock.sleep(random.between(1, 30), signal);
		if (random.chance(faults())) {
			throw new ConnectionLostError('lost on the way there');
		}

		const answer = random.chance(faults()) ? this.#fault() : this.#answer(request);
		await clock.sleep(random.between(1, 30), signal);
		if (random.chance(faults())) {
			throw new ConnectionLostError('lost on the way back');
		}

		return {
			status: answer.status,
			headers: answer.headers ?? {},
			body: Buffer.from(JSON.stringify(answer.body)),
		};
	}

	#fault(): Answer {
		const answer = this.#options.random.pick([
			status(429, 'TooManyRequests'),
			status(500, 'InternalError'),
			status(401, 'Unauthorized'),
		]);
		return { ...answer, headers: { 'retry-after': '1' } };
	}

	#answer({ method, path, body }: WireRequest): Answer {
		const [, namespace = '', resource = '', name] =
			/\/namespaces\/([^/]+)\/([^/?]+)(?:\/([^/?]+))?/.exec(path) ?? [];
		if (method === 'PATCH' && resource === 'pods') {
			return this.#release({ namespace, name: name! }, JSON.parse(textOf(body!)) as Release);
		}

		if (resource !== 'secrets') {
			return { status: 201, body: {} };
		}

		const { cluster } = this.#options;
		const sent = body === undefined ? undefined : (JSON.parse(textOf(body)) as Body);
		const current = cluster.get('secrets', { namespace, name: name ?? sent!.metadata.name });
		if (method === 'GET') {
			return current ? { status: 200, body: { metadata: current.meta } } : status(404, 'NotFound');
		}

		const dryRun = path.includes('dryRun=All');
		return method === 'POST' ? this.#create(sent!, current) : this.#replace(sent!, current, dryRun);
	}

	#release(ref: { namespace: string; name: string }, { metadata, spec }: Release): Answer {
		const { cluster, onRelease } = this.#options;
		const pod = cluster.get('pods', ref);
		if (!pod) {
			return status(404, 'NotFound', 'pods not found', { kind: 'pods' });
		}

		if (pod.meta.uid !== metadata.uid) {
			const causes = [{ reason: 'FieldValueInvalid', message: 'field is immutable', field: 'metadata.uid' }];
			return status(422, 'Invalid', 'the pod is invalid', { kind: 'pods', causes });
		}

		onRelease(pod);
		cluster.update('pods', pod, changed => {
			for (const [key, value] of Object.entries(metadata.annotations)) {
				if (value === null && changed.meta.annotations) {
					delete changed.meta.annotations[key];
				}
			}

			const removed = spec.schedulingGates.map(gate => gate.name);
			changed.gates = changed.gates?.filter(gate => !removed.includes(gate)) ?? [];
		});
		return { status: 200, body: { kind: 'PartialObjectMetadata', metadata: pod.meta } };
	}

	#create(sent: Body, current: StoredObject | undefined): Answer {
		if (current) {
			return status(409, 'AlreadyExists');
		}

		const { name, namespace, labels = {}, annotations = {} } = sent.metadata;
		const created = this.#options.cluster.create(
			'secrets',
			{ name, namespace, labels, annotations },
			{ ...(sent.data && { data: sent.data }) },
		);
		this.#options.cluster.update('secrets', created, () => {}, 'jasm');
		return this.#written(201, created);
	}

	#replace(sent: Body, current: StoredObject | undefined, dryRun: boolean): Answer {
		const { cluster, guarded, onStripped } = this.#options;
		if (!current) {
			return status(404, 'NotFound');
		}

		if (sent.metadata.resourceVersion && sent.metadata.resourceVersion !== current.meta.resourceVersion) {
			return status(409, 'Conflict');
		}

		if (guarded && current.meta.labels?.[MANAGED] !== 'jasm') {
			return REFUSED;
		}

		const { labels = {}, annotations = {}, finalizers } = sent.metadata;
		if (dryRun) {
			const { finalizers: _, ...meta } = current.meta;
			return {
				status: 200,
				body: { kind: 'PartialObjectMetadata', metadata: { ...meta, labels, annotations } },
			};
		}

		const { deletionTimestamp, finalizers: before = [] } = current.meta;
		if (deletionTimestamp !== undefined && before.length > (finalizers?.length ?? 0)) {
			onStripped(`${current.meta.namespace}/${current.meta.name}`);
		}

		cluster.update(
			'secrets',
			current,
			({ meta }) => {
				meta.labels = { ...labels };
				meta.annotations = { ...annotations };
				delete meta.finalizers;
				if (finalizers?.length) {
					meta.finalizers = [...finalizers];
				}

				current.data = { ...sent.data };
			},
			'jasm',
		);
		if (deletionTimestamp !== undefined && !finalizers?.length) {
			cluster.remove('secrets', current);
		}

		return this.#written(200, current);
	}

	#written(code: number, object: StoredObject): Answer {
		const { clock, onWrite } = this.#options;
		const meta = structuredClone(object.meta);
		const key = `${meta.namespace}/${meta.name}`;
		const stands = meta.deletionTimestamp === undefined;
		const write = { key, meta, data: { ...object.data }, at: clock.monotonic(), stands };
		this.writes.push(write);
		onWrite(write, object);
		return { status: code, body: { kind: 'PartialObjectMetadata', metadata: meta } };
	}
}

const textOf = (body: string | readonly Buffer[]) =>
	typeof body === 'string' ? body : Buffer.concat(body).toString();
