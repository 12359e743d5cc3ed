// A queue of change notices for the simulated provider: notices get lost, come late, twice and in any order.
import * as z from 'zod/mini';
import { JasmError } from '../../src/errors.ts';
import { type ChangeQueue, QUEUE_BATCH, type QueueMessage } from '../../src/providers/notice.ts';
import type { ProviderKind } from '../../src/providers/provider.ts';
import type { Clock } from '../../src/runtime/clock.ts';
import type { Random } from './random.ts';
import type { Source } from './source.ts';

const ACCOUNT = '123456789012';
const HIDDEN_MS = 120_000;
const HELD_MS = 20_000;

export type SimulatedQueueOptions = {
	readonly clock: Clock;
	readonly random: Random;
	/** Chance that a call fails. */
	readonly faults: () => number;
	/** Hears of every notice that a controller receives. */
	readonly onReceived: (path: string) => void;
};

type Stored = { readonly path: string; readonly body: string; visibleAt: number };

export class SimulatedQueue {
	readonly #options: SimulatedQueueOptions;
	readonly #messages = new Map<string, Stored>();
	/** The version of which each path told last, and whether the notice was lost. */
	readonly #told = new Map<string, { readonly version: string; readonly lost: boolean }>();
	#count = 0;
	#wake: () => void = () => {};

	constructor(options: SimulatedQueueOptions) {
		this.#options = options;
	}

	/** The store says that the path has a new version. */
	tell(path: string, version: string): void {
		const { clock, random } = this.#options;
		const lost = random.chance(0.15);
		this.#told.set(path, { version, lost });
		for (let copies = lost ? 0 : random.pick([1, 1, 1, 2]); copies > 0; copies--) {
			const body = eventOf(path, random.chance(0.8) ? version : undefined, clock.now());
			clock.schedule(random.chance(0.3) ? random.between(0, 60_000) : random.between(0, 500), () => {
				this.#messages.set(`receipt-${++this.#count}`, { path, body, visibleAt: 0 });
				this.#wake();
			});
		}
	}

	/** Whether a controller heard of this version, which is the newest of the path. */
	hasTold(path: string, version: string): boolean {
		const told = this.#told.get(path);
		return told?.version === version && !told.lost;
	}

	open(): ChangeQueue {
		return {
			receive: signal => this.#receive(signal),
			delete: async (receipts, signal) => {
				await this.#call(signal);
				const kept = receipts.filter(() => this.#options.random.chance(this.#options.faults()));
				for (const receipt of receipts.filter(each => !kept.includes(each))) {
					this.#messages.delete(receipt);
				}

				return kept.length;
			},
			hide: async (receipts, seconds, signal) => {
				await this.#call(signal);
				for (const receipt of receipts) {
					const message = this.#messages.get(receipt);
					if (message !== undefined) {
						message.visibleAt = this.#options.clock.monotonic() + seconds * 1_000;
					}
				}
			},
			close: async () => {},
		};
	}

	async #receive(signal: AbortSignal): Promise<readonly QueueMessage[]> {
		const { clock, onReceived } = this.#options;
		await this.#call(signal);
		const until = clock.monotonic() + HELD_MS;
		let visible = this.#visible();
		while (visible.length === 0 && clock.monotonic() < until) {
			await this.#change(until, signal);
			visible = this.#visible();
		}

		return visible.slice(0, QUEUE_BATCH).map(([receipt, message]) => {
			message.visibleAt = clock.monotonic() + HIDDEN_MS;
			onReceived(message.path);
			return { receipt, body: message.body };
		});
	}

	#visible(): [string, Stored][] {
		const now = this.#options.clock.monotonic();
		return [...this.#messages].filter(([, { visibleAt }]) => visibleAt <= now);
	}

	/** Until a message comes or becomes visible again, at the latest at `until`. */
	async #change(until: number, signal: AbortSignal): Promise<void> {
		const { clock } = this.#options;
		const { promise, resolve } = Promise.withResolvers<void>();
		const next = Math.min(until, ...Array.from(this.#messages.values(), ({ visibleAt }) => visibleAt));
		const timer = clock.schedule(next - clock.monotonic(), resolve);
		this.#wake = resolve;
		signal.addEventListener('abort', () => resolve(), { once: true });
		await promise;
		timer.cancel();
		signal.throwIfAborted();
	}

	async #call(signal: AbortSignal): Promise<void> {
		const { clock, random, faults } = this.#options;
		await clock.sleep(random.between(1, 50), signal);
		if (random.chance(faults())) {
			throw new JasmError('calling the queue', { code: 'CHANGE_SOURCE_UNAVAILABLE' });
		}
	}
}

function eventOf(name: string, versionId: string | undefined, at: number): string {
	return JSON.stringify({
		version: '0',
		id: `event of ${name}`,
		'detail-type': 'Secret Label Updated',
		source: 'aws.secretsmanager',
		account: ACCOUNT,
		time: new Date(at).toISOString(),
		region: 'eu-west-1',
		resources: [`arn:aws:secretsmanager:eu-west-1:${ACCOUNT}:secret:${name}-AbCdEf`],
		detail: { name, labelUpdated: 'AWSCURRENT', ...(versionId !== undefined && { versionId }) },
	});
}

/** The provider as a kind of its own, which follows the notices of the queue. */
const simulatedKind = (source: Source, queue: SimulatedQueue): ProviderKind => ({
	schema: z.strictObject({ kind: z.literal('simulated') }),
	prepare: () => ({
		validatePath() {},
		open: async () => source,
		concerns: ({ path, version }) => ({
			paths: [path],
			follows: () => (version === undefined ? {} : { version }),
		}),
		openQueue: async () => queue.open(),
	}),
	queueFault: () => undefined,
});

/** What a controller gets of the provider: with a queue it is a configured one, else one of an embedding program. */
export const provisions = (source: Source, queue: SimulatedQueue | undefined) =>
	queue === undefined
		? { providers: { simulated: source }, kinds: [], configuration: '' }
		: { providers: {}, kinds: [simulatedKind(source, queue)], configuration: NOTICES_CONFIG };

const NOTICES_CONFIG = `
providers: {simulated: {kind: simulated}}
changes: {sources: [{kind: sqs, queueUrl: "https://queue.example/${ACCOUNT}/jasm", providers: [simulated]}]}
`;
