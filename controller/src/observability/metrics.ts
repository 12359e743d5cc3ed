// Every metric's name, labels and meaning in one place.
import { Counter, Gauge, Histogram, Registry } from 'prom-client';

/** Seconds; the budgets (5 ms, 25 ms, 100 ms, 5 s) are bounds of buckets. */
const LATENCY_BUCKETS = [0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30];

export type Metrics = ReturnType<typeof createMetrics>;

/** Creates the metrics in a registry of their own: two controllers in one process do not share counters. */
export function createMetrics(registry = new Registry()) {
	const registers = [registry];
	const counter = <L extends string>(name: string, help: string, labelNames: readonly L[]) =>
		new Counter<L>({ name, help, labelNames, registers });
	const gauge = <L extends string>(name: string, help: string, labelNames: readonly L[]) =>
		new Gauge<L>({ name, help, labelNames, registers });
	const histogram = <L extends string>(
		name: string,
		help: string,
		labelNames: readonly L[],
		buckets: number[] = LATENCY_BUCKETS,
	) => new Histogram<L>({ name, help, labelNames, buckets, registers });

	return {
		registry,
		syncs: counter('jasm_syncs_total', 'Outcomes of syncs: "Success" or an error code', [
			'provider',
			'outcome',
		]),
		syncDuration: histogram(
			'jasm_sync_duration_seconds',
			'From a pod being seen to its Secret being written',
			['provider'],
		),
		conflicts: counter('jasm_conflicts_total', 'Syncs in which live pods disagreed about one Secret', []),
		corrections: counter('jasm_corrections_total', 'Secrets restored after another client changed them', []),
		invalidAnnotations: counter('jasm_invalid_annotations_total', 'Pods whose annotation was refused', []),
		providerReads: counter('jasm_provider_reads_total', 'Reads from a provider, by result code', [
			'provider',
			'outcome',
		]),
		providerDuration: histogram('jasm_provider_read_duration_seconds', 'Duration of one provider read', [
			'provider',
		]),
		kubernetesRequests: counter('jasm_kubernetes_requests_total', 'Unary requests to the API server', [
			'verb',
			'resource',
			'status',
		]),
		kubernetesDuration: histogram(
			'jasm_kubernetes_request_duration_seconds',
			'Duration of one request to the API server',
			['verb', 'resource'],
		),
		events: counter('jasm_events_total', 'Kubernetes Events: sent, failed or dropped', ['outcome']),
		watchTransitions: counter('jasm_watch_transitions_total', 'Changes of state of a watch', [
			'resource',
			'state',
		]),
		trackedPods: gauge('jasm_tracked_pods', 'Live annotated pods', []),
		requestedSecrets: gauge('jasm_requested_secrets', 'Secrets that live pods ask for', []),
		gatedPods: gauge('jasm_gated_pods', 'Pods that wait for their Secrets before they start', []),
		gateWait: histogram(
			'jasm_gate_wait_seconds',
			'From the creation of a waiting pod to its release',
			[],
			[...LATENCY_BUCKETS, 60, 300, 600],
		),
		releases: counter(
			'jasm_releases_total',
			'Waiting pods by what became of them: Fresh, Deadline, ByHand, Gone, Refused or Failed',
			['outcome'],
		),
		lateChanges: counter(
			'jasm_late_changes_total',
			'Syncs that changed an existing Secret for a new pod that did not wait',
			[],
		),
		valueBytes: gauge(
			'jasm_value_bytes_in_flight',
			'Memory reserved for values between their store and the API server',
			[],
		),
		waitingReads: gauge('jasm_reads_waiting_for_memory', 'Keys whose value waits for memory', []),
		changeNotices: counter('jasm_change_notices_total', 'Change notices by what became of them', [
			'source',
			'outcome',
		]),
		changeLag: histogram(
			'jasm_change_lag_seconds',
			'From a change at its store to the last Secret written for it',
			['source'],
			[0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60, 120, 300, 600],
		),
		changeSourceUp: gauge('jasm_change_source_up', '1 while the source of change notices answers', [
			'source',
		]),
		changeMessages: gauge(
			'jasm_change_messages_in_hand',
			'Messages with change notices that were received and are not done',
			['source'],
		),
		restarts: counter(
			'jasm_restarts_total',
			'Restarts of workloads by what became of them: restarted, planned, refused, unsupported, missing or failed',
			['kind', 'outcome'],
		),
		restartsWaiting: gauge(
			'jasm_restarts_waiting',
			'Workloads that are to be restarted and were not yet',
			[],
		),
		restartsInProgress: gauge('jasm_restarts_in_progress', 'Workloads whose restart is under way', []),
		restartsOff: gauge(
			'jasm_restarts_off',
			'1 if restarts are configured and the admission policy for workloads was not proven at start',
			[],
		),
		resyncDifferences: counter(
			'jasm_resync_differences_total',
			'Changes at a store that a read without a notice found',
			['provider'],
		),
		queueDepth: gauge('jasm_workqueue_depth', 'Keys that are waiting or delayed', []),
		leader: gauge('jasm_leader', '1 while this replica writes', []),
		unguarded: gauge('jasm_unguarded', '0 if the admission policy was proven at start, otherwise 1', []),
		buildInfo: gauge('jasm_build_info', 'Always 1', ['version']),
		cpu: gauge('process_cpu_seconds_total', 'User and system CPU time', []),
		memory: gauge('process_resident_memory_bytes', 'Resident memory', []),
	};
}
