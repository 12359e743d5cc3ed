// The sources of change notices that the configuration names, from its fields to loops that run while this replica leads.
import type { Logger } from '../observability/logger.ts';
import type { Metrics } from '../observability/metrics.ts';
import type { ChangeQueue, NoticeScope } from '../providers/notice.ts';
import type { Environment } from '../providers/provider.ts';
import type { Random } from '../runtime/backoff.ts';
import type { Clock } from '../runtime/clock.ts';
import type { ChangeIntake } from './change-intake.ts';
import { ReceiveLoop } from './receive-loop.ts';
import type { Webhook, WebhookConfig } from './webhook/webhook.ts';

/** One source as the configuration names it. */
export type SourceConfig =
	| {
			readonly kind: 'sqs';
			readonly queueUrl: string;
			readonly providers: readonly string[];
			readonly regions?: readonly string[] | undefined;
	  }
	| { readonly kind: 'service-bus'; readonly queueUrl: string; readonly providers: readonly string[] }
	| (WebhookConfig & { readonly regions?: readonly string[] | undefined });

type Options = {
	readonly openQueue: (provider: string, url: string) => Promise<ChangeQueue>;
	readonly intake: Pick<ChangeIntake, 'take'>;
	readonly isSilent: (provider: string) => boolean;
	readonly env: Environment;
	readonly clock: Clock;
	readonly random: Random;
	readonly logger: Logger;
	readonly metrics: Metrics;
};

export type ChangeSourcesOptions = Options & { readonly sources: readonly SourceConfig[] };

/** One source while it runs. */
type Source = {
	/** The label of metrics. */
	readonly source: string;
	readonly up: boolean;
	readonly inHand: number;
	run(signal: AbortSignal, leading: Leading): Promise<void>;
};

/** Whether this replica takes notices. Before that every requested secret is to be read anyway. */
type Leading = { readonly began: Promise<void>; readonly now: () => boolean };

export class ChangeSources {
	readonly #sources: readonly Source[];
	readonly #metrics: Metrics;
	readonly #began = Promise.withResolvers<void>();
	#leading = false;

	constructor({ sources, ...options }: ChangeSourcesOptions) {
		this.#metrics = options.metrics;
		this.#sources = sources.map(config =>
			config.kind === 'webhook' ? webhookSource(config, options) : queueSource(config, options),
		);
	}

	/** Starts taking notices. */
	lead(): void {
		this.#leading = true;
		this.#began.resolve();
	}

	/** Until the signal aborts; takes notices once this replica leads. */
	async run(signal: AbortSignal): Promise<void> {
		const leading: Leading = {
			began: this.#began.promise,
			now: () => this.#leading && !signal.aborted,
		};
		await Promise.all(this.#sources.map(source => source.run(signal, leading)));
	}

	/** Writes what only a look tells into the metrics. */
	measure(): void {
		for (const { source, up, inHand } of this.#sources) {
			this.#metrics.changeSourceUp.set({ source }, up ? 1 : 0);
			this.#metrics.changeMessages.set({ source }, inHand);
		}
	}
}

function queueSource(
	config: Exclude<SourceConfig, { kind: 'webhook' }>,
	{ openQueue, isSilent, ...options }: Options,
): Source {
	const { kind, queueUrl, providers } = config;
	const [account, name] = queueUrl.split('/').slice(-2) as [string, string];
	const scope: NoticeScope =
		config.kind === 'sqs' ? { account, ...(config.regions && { regions: config.regions }) } : {};
	const loop = new ReceiveLoop({
		...options,
		origin: { source: `${kind}/${name}`, providers, scope },
		open: () => openQueue(providers[0]!, queueUrl),
		isSilent: () => providers.some(isSilent),
	});
	return {
		source: loop.source,
		get up() {
			return loop.up;
		},
		get inHand() {
			return loop.inHand;
		},
		async run(signal, { began }) {
			const { promise: stopped, resolve } = Promise.withResolvers<void>();
			signal.addEventListener('abort', () => resolve(), { once: true });
			await Promise.race([began, stopped]);
			if (!signal.aborted) {
				await loop.run(signal);
			}
		},
	};
}

/** Its code is loaded only where one is configured. */
function webhookSource(
	config: WebhookConfig & { regions?: readonly string[] | undefined },
	options: Options,
): Source {
	const { kind, address, providers, regions } = config;
	const source = `${kind}/${address.slice(address.lastIndexOf(':') + 1)}`;
	let webhook: Webhook | undefined;
	return {
		source,
		get up() {
			return webhook?.up ?? false;
		},
		get inHand() {
			return webhook?.inHand ?? 0;
		},
		async run(signal, { now: isLeading }) {
			const { Webhook } = await import('./webhook/webhook.ts');
			const origin = { source, providers, scope: regions ? { regions } : {} };
			webhook = new Webhook({ ...options, config, origin, isLeading });
			await webhook.run(signal);
		},
	};
}
