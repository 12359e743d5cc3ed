// Change notices put together: the index of sources, the intake, the loops that receive, and reads without a notice.
import { ChangeIntake } from '../changes/change-intake.ts';
import { Resync } from '../changes/resync.ts';
import { SourceIndex } from '../changes/source-index.ts';
import { ChangeSources } from '../changes/sources.ts';
import type { Config } from '../config/config.ts';
import type { Logger } from '../observability/logger.ts';
import type { Metrics } from '../observability/metrics.ts';
import type { Environment } from '../providers/provider.ts';
import type { ProviderRegistry } from '../providers/registry.ts';
import type { SecretSync } from '../requests/annotation.ts';
import type { Requests } from '../requests/requests.ts';
import type { Random } from '../runtime/backoff.ts';
import type { Clock } from '../runtime/clock.ts';
import type { Outcome } from '../runtime/controller.ts';
import type { Key } from '../runtime/object-ref.ts';
import type { Workqueue } from '../runtime/queue/workqueue.ts';
import type { SyncStates } from '../sync/sync-state.ts';

export type ChangesOptions = {
	readonly config: Config;
	readonly env: Environment;
	readonly registry: Pick<ProviderRegistry, 'concerns' | 'openQueue'>;
	readonly requests: Requests;
	readonly states: SyncStates;
	/** Keys are target Secrets. */
	readonly secrets: Workqueue;
	/** Whether a provider has had no answer for a while. */
	readonly isOut: (provider: string) => boolean;
	readonly clock: Clock;
	readonly random: Random;
	readonly logger: Logger;
	readonly metrics: Metrics;
};

export type Changes = {
	/** What is to be written for a key, `undefined` where no pod asks for it any more. */
	onRequest(key: Key, sync: SecretSync | undefined): void;
	/** A run of a Secret has ended. */
	ended(outcome: Outcome): void;
	/** To be called when this replica leads and every requested Secret is queued. */
	lead(): void;
	run(signal: AbortSignal): Promise<void>;
	measure(): void;
};

/** Milliseconds between two reads of one secret because of notices; undefined where nothing tells of changes. */
export const rereadMsOf = ({ changes }: Config): number | undefined => changes && changes.minSeconds * 1_000;

/** Undefined where the configuration has no `changes`: then nothing is kept for it. */
export function createChanges(options: ChangesOptions): Changes | undefined {
	const { config, registry, isOut } = options;
	if (config.changes === undefined) {
		return undefined;
	}

	const { sources, writesPerSecond, resyncHours } = config.changes;
	const index = new SourceIndex();
	const intake = new ChangeIntake({
		...options,
		index,
		writesPerSecond,
		rereadMs: rereadMsOf(config) ?? 0,
		concerns: (provider, notice, scope) => registry.concerns(provider, notice, scope),
	});
	const loops = new ChangeSources({
		...options,
		sources,
		intake,
		isSilent: isOut,
		openQueue: (provider, url) => registry.openQueue(provider, url),
	});
	const resync = resyncHours > 0 ? new Resync({ ...options, periodMs: resyncHours * 3_600_000 }) : undefined;
	return {
		onRequest: (key, sync) => index.set(key, sync),
		ended: outcome => intake.ended(outcome),
		lead() {
			loops.lead();
			resync?.lead();
		},
		async run(signal) {
			await Promise.all([loops.run(signal), resync?.run(signal)]);
		},
		measure: () => loops.measure(),
	};
}
