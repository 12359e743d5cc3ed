// Restarts put together: the workloads that ask for them, their queue, and what a restart may cost the cluster.
import type { Config } from '../config/config.ts';
import type { KubernetesClient } from '../kubernetes/client.ts';
import type { Logger } from '../observability/logger.ts';
import type { Metrics } from '../observability/metrics.ts';
import { RestartReporter, type RestartReporterOptions } from '../observability/restart-reporter.ts';
import type { PodChange, Requests } from '../requests/requests.ts';
import { createRestart } from '../restarts/restart.ts';
import { Workloads } from '../restarts/workloads.ts';
import type { Random } from '../runtime/backoff.ts';
import type { Clock } from '../runtime/clock.ts';
import { Controller, type Outcome } from '../runtime/controller.ts';
import { TokenBucket } from '../runtime/limiter.ts';
import { Workqueue } from '../runtime/queue/workqueue.ts';
import type { ReconcileDependencies } from '../sync/reconcile.ts';
import type { Hours } from '../util/week-hours.ts';

export type RestartsOptions = {
	readonly config: Pick<Config, 'restarts'>;
	/** The admission policy holds JASM to restarts: without the proof nothing is restarted. */
	readonly proven: boolean;
	readonly client: Pick<KubernetesClient, 'annotateTemplate'>;
	readonly requests: Pick<Requests, 'restartsFor'>;
	readonly clock: Clock;
	readonly random: Random;
	readonly logger: Logger;
	readonly metrics: Metrics;
	readonly recordEvent: RestartReporterOptions['recordEvent'];
	readonly mayWrite: () => boolean;
	readonly onOutcome: (outcome: Outcome) => void;
};

export type Restarts = NonNullable<ReconcileDependencies['restarts']> & {
	/** `news`: the pod appeared or changed while this replica leads. */
	onPod(change: PodChange, news: boolean): void;
	/** To be called when this replica leads. */
	lead(): void;
	/** Absent where nothing is restarted. */
	readonly controller: Controller | undefined;
	readonly queued: number;
};

/** Restarts that may come at once, before the rate limits them. */
const BURST = 5;
/** Requests at a time. */
const CONCURRENCY = 4;

export function createRestarts(options: RestartsOptions): Restarts {
	const { proven, requests, clock, random } = options;
	const settings = proven ? options.config.restarts : undefined;
	const namespaces = new Set(settings?.namespaces);
	const reporter = new RestartReporter(options);
	const queue = new Workqueue({ clock });
	let leading = false;
	const workloads = new Workloads({
		requests,
		serves: namespace => namespaces.has(namespace),
		due(key) {
			if (leading) {
				queue.add(key);
			}
		},
		onUnserved(pod, why) {
			const off = options.config.restarts === undefined ? 'off' : 'unproven';
			reporter.unsupported(pod, settings === undefined ? off : why);
		},
	});
	const controller =
		settings &&
		new Controller({
			queue,
			reconcile: createRestart({
				...options,
				workloads,
				reporter,
				settings: {
					windowMs: settings.windowSeconds * 1_000,
					minMs: settings.minMinutes * 60_000,
					inProgress: settings.inProgress,
					dryRun: settings.dryRun,
					...(settings.hours && { hours: hoursOf(settings.hours) }),
				},
				rate: new TokenBucket({
					clock,
					capacity: Math.min(BURST, settings.perMinute),
					refillPerSecond: settings.perMinute / 60,
				}),
			}),
			clock,
			random,
			concurrency: CONCURRENCY,
			onOutcome: options.onOutcome,
		});
	return {
		onPod: (change, news) => workloads.podChanged(change, news),
		written: (key, secret, served) => workloads.written(key, secret, served),
		failed: key => workloads.failed(key),
		lead() {
			leading = true;
			for (const key of workloads.keys()) {
				queue.add(key);
			}
		},
		controller,
		get queued() {
			return queue.size;
		},
	};
}

function hoursOf({ days, from, to, timeZone }: NonNullable<NonNullable<Config['restarts']>['hours']>): Hours {
	const minutesOf = (time: string) => Number(time.slice(0, 2)) * 60 + Number(time.slice(3));
	return { days, from: minutesOf(from), to: minutesOf(to), timeZone };
}
