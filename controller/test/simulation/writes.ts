// The other side of the simulated API server: Secrets written and Events recorded, refused and lost at random.
import { ConnectionLostError, type WireRequest, type WireResponse } from '../../src/kubernetes/connection.ts';
import type { Clock } from '../../src/runtime/clock.ts';
import type { Random } from './random.ts';
import { MANAGED, type Meta, type StoredObject, type World } from './world.ts';

/** One Secret as it was written by the controller, at the moment it was. */
export type Write = {
	readonly key: string;
	readonly meta: Meta;
	readonly data: Readonly<Record<string, string>>;
	readonly at: number;
};

export type WritesOptions = {
	readonly world: World;
	readonly clock: Clock;
	readonly random: Random;
	readonly faults: () => number;
	/** The admission policy of profile write-only. */
	readonly guarded: boolean;
	/** Called when a Secret was written, before the answer is on its way. */
	readonly onWrite: (write: Write, object: StoredObject) => void;
};

type Body = { metadata: Meta; type?: string; data?: Record<string, string> };
type Answer = { status: number; body: object; headers?: Record<string, string> };

const status = (code: number, reason: string, message = reason): Answer => ({
	status: code,
	body: {
		kind: 'Status',
		apiVersion: 'v1',
		status: 'Failure',
		code,
		reason,
		message,
		details: { kind: 'secrets' },
	},
});

const REFUSED = status(
	422,
	'Invalid',
	"secrets is forbidden: ValidatingAdmissionPolicy 'jasm-secrets' with binding 'jasm-secrets' denied request: not owned",
);

export class SimulatedSession {
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
		if (resource !== 'secrets') {
			return { status: 201, body: {} };
		}

		const { world } = this.#options;
		const sent = body === undefined ? undefined : (JSON.parse(body) as Body);
		const current = world.get('secrets', { namespace, name: name ?? sent!.metadata.name });
		if (method === 'GET') {
			return current ? { status: 200, body: { metadata: current.meta } } : status(404, 'NotFound');
		}

		return method === 'POST' ? this.#create(sent!, current) : this.#replace(sent!, current);
	}

	#create(sent: Body, current: StoredObject | undefined): Answer {
		if (current) {
			return status(409, 'AlreadyExists');
		}

		const { name, namespace, labels = {}, annotations = {} } = sent.metadata;
		const created = this.#options.world.create(
			'secrets',
			{ name, namespace, labels, annotations },
			sent.data,
		);
		this.#options.world.update('secrets', created, () => {}, 'jasm');
		return this.#written(201, created);
	}

	#replace(sent: Body, current: StoredObject | undefined): Answer {
		const { world, guarded } = this.#options;
		if (!current) {
			return status(404, 'NotFound');
		}

		if (sent.metadata.resourceVersion && sent.metadata.resourceVersion !== current.meta.resourceVersion) {
			return status(409, 'Conflict');
		}

		if (guarded && current.meta.labels?.[MANAGED] !== 'jasm') {
			return REFUSED;
		}

		world.update(
			'secrets',
			current,
			({ meta }) => {
				meta.labels = { ...sent.metadata.labels };
				meta.annotations = { ...sent.metadata.annotations };
				current.data = { ...sent.data };
			},
			'jasm',
		);
		return this.#written(200, current);
	}

	#written(code: number, object: StoredObject): Answer {
		const { clock, onWrite } = this.#options;
		const meta = structuredClone(object.meta);
		const key = `${meta.namespace}/${meta.name}`;
		const write = { key, meta, data: { ...object.data }, at: clock.monotonic() };
		this.writes.push(write);
		onWrite(write, object);
		return { status: code, body: { kind: 'PartialObjectMetadata', metadata: meta } };
	}
}
