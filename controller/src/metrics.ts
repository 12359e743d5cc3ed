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
	const histogram = <L extends string>(name: string, help: string, labelNames: readonly L[]) =>
		new Histogram<L>({ name, help, labelNames, buckets: LATENCY_BUCKETS, registers });

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
		corrections: counter('jasm_corrections_total', 'Secrets restored after somebody else changed them', []),
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
		queueDepth: gauge('jasm_workqueue_depth', 'Keys that are waiting or delayed', []),
		leader: gauge('jasm_leader', '1 while this replica writes', []),
		unguarded: gauge('jasm_unguarded', '1 where no admission policy keeps writes to owned Secrets', []),
		buildInfo: gauge('jasm_build_info', 'Always 1', ['version']),
		cpu: gauge('process_cpu_seconds_total', 'User and system CPU time', []),
		memory: gauge('process_resident_memory_bytes', 'Resident memory', []),
	};
}
