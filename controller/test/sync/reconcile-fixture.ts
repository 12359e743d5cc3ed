// One reconcile in virtual time, with a provider and a writer that a test scripts.
import type { SecretManifest } from '../../src/kubernetes/types.ts';
import { createLogger } from '../../src/observability/logger.ts';
import { createMetrics } from '../../src/observability/metrics.ts';
import { OutcomeReporter } from '../../src/observability/reporter.ts';
import { compilePolicy } from '../../src/policy/policy.ts';
import { SecretValue } from '../../src/providers/secret-value.ts';
import { Requests } from '../../src/requests/requests.ts';
import { ByteBudget } from '../../src/runtime/byte-budget.ts';
import { DependencyHealth } from '../../src/sync/dependency-health.ts';
import { VALUE_MEMORY } from '../../src/sync/memory-limits.ts';
import { createReconcile } from '../../src/sync/reconcile.ts';
import { SecretReader } from '../../src/sync/secret-reader.ts';
import type { WriteHints } from '../../src/sync/secret-writer.ts';
import { SyncStates } from '../../src/sync/sync-state.ts';
import { VirtualClock } from '../helpers/clocks/virtual-clock.ts';
import { ask, podRecord } from '../requests/pod-fixtures.ts';

export const dataOf = ({ data }: SecretManifest): unknown => JSON.parse(JSON.stringify(data));

type TestEnvironment = {
	readonly paths?: readonly string[];
	/** The version of what an earlier run wrote for these requests. */
	readonly adopted?: string;
	readonly beforeWrite?: () => Promise<void>;
	/** Sources tell of changes. */
	readonly rereadMs?: number;
	/** The resourceVersion after so many writes. Default: each one changes the Secret. */
	readonly versionAfter?: (writes: number) => string;
};

export function aReconcile({
	paths = ['/prod/**'],
	adopted,
	beforeWrite = async () => {},
	rereadMs,
	versionAfter = String,
}: TestEnvironment = {}) {
	const clock = new VirtualClock();
	const metrics = createMetrics();
	const events: { pod: string; reason: string }[] = [];
	const written: SecretManifest[] = [];
	const hints: WriteHints[] = [];
	const requests = new Requests();
	const states = new SyncStates({ adopt: () => adopted, rereadMs });
	const requeued: string[] = [];
	let reads = 0;
	let answer = async (): Promise<SecretValue> =>
		new SecretValue({ payload: Buffer.from('{"a":"1"}'), version: `v${reads}` });
	const granted: string[] = [];
	const budget = new ByteBudget({ ...VALUE_MEMORY, onGrant: key => void granted.push(key) });
	const reader = new SecretReader({
		providers: {
			get: async () => ({
				read: async () => {
					reads++;
					return answer();
				},
			}),
		},
		concurrencyOf: () => 64,
		budget,
		clock,
		metrics,
		joinWindowMs: 250,
	});
	const reconcile = createReconcile({
		requests,
		states,
		policy: compilePolicy([{ namespaces: ['ns'], provider: 'aws', paths }], { ownNamespace: 'jasm' }),
		reader,
		validatePath: () => {},
		rateLimiter: () => 0,
		writer: {
			async write(secret, hint) {
				hints.push(hint);
				await beforeWrite();
				written.push(secret);
				return { verb: 'created', resourceVersion: versionAfter(written.length), changedAt: 0, createdAt: 0 };
			},
		},
		waiting: { written: () => {}, failed: () => {} },
		dependencyHealth: new DependencyHealth({ clock, requeue: key => void requeued.push(key) }),
		reporter: new OutcomeReporter({
			logger: createLogger({ level: 'silent' }),
			metrics,
			recordEvent: ({ name: pod }, { reason }) => void events.push({ pod, reason }),
		}),
		clock,
	});
	let pods = 0;
	return {
		clock,
		metrics,
		events,
		written,
		hints,
		requests,
		states,
		requeued,
		granted,
		budget,
		reads: () => reads,
		answers(next: typeof answer) {
			answer = next;
		},
		addPod(path = '/prod/a', secretName = 's') {
			const uid = `p${++pods}`;
			const after = podRecord({
				uid,
				name: uid,
				createdAt: clock.now(),
				seenAt: clock.monotonic(),
				version: pods,
				annotation: ask(path, secretName),
			});
			requests.update({ after });
			return after;
		},
		run: (signal = new AbortController().signal, key = 'ns/s') =>
			reconcile(key, { signal, attempt: 0, priority: 0 }),
	};
}
