// Measures the built controller against its budgets and prints the table; docs/performance.md has the figures.
import { parseArgs } from 'node:util';
import { startSecretsManager } from '../testing/index.ts';
import { Bench, PROVIDER_MS, type Scenario } from './bench.ts';
import { type Cluster, pause } from './cluster.ts';
import { startEmbeddedCluster } from './embedded-cluster.ts';
import { describe, thisMachine } from './machine.ts';
import { type Measurement, statisticsOf } from './measurement.ts';
import { connectRealCluster } from './real-cluster.ts';
import { allAnnotated } from './scenarios/all-annotated.ts';
import { bundle } from './scenarios/bundle.ts';
import { burst } from './scenarios/burst.ts';
import { deadConnection } from './scenarios/dead-connection.ts';
import { informer } from './scenarios/informer.ts';
import { listFallback } from './scenarios/list-fallback.ts';
import { population } from './scenarios/population.ts';
import { recovery } from './scenarios/recovery.ts';
import { replicas } from './scenarios/replicas.ts';
import { rotation } from './scenarios/rotation.ts';
import { singlePod } from './scenarios/single-pod.ts';
import { startGate } from './scenarios/start-gate.ts';
import { isMet, misses, notes, table } from './table.ts';

const SCENARIOS: Readonly<Record<string, Scenario>> = {
	singlePod,
	burst,
	replicas,
	population,
	allAnnotated,
	recovery,
};
/** They bring a server of their own, or need none. */
const EMBEDDED_ONLY: Readonly<Record<string, Scenario>> = {
	startGate,
	rotation,
	listFallback,
	deadConnection,
	informer,
	bundle,
};

const USAGE = `pnpm bench [--short] [--json] [--kubeconfig FILE [--real-only]] [--only NAME]...

  --short            fewer and shorter runs, in a minute
  --json             figures with every sample as JSON instead of the table
  --kubeconfig FILE  measures on this cluster too; it gets JASM's installation and namespaces bench-*, and
                     loses them again: not one that is in use
  --real-only        leaves the embedded API server out
  --only NAME        ${[...Object.keys(SCENARIOS), ...Object.keys(EMBEDDED_ONLY)].join(', ')}
`;

const { values } = parseArgs({
	options: {
		short: { type: 'boolean', default: false },
		json: { type: 'boolean', default: false },
		kubeconfig: { type: 'string' },
		'real-only': { type: 'boolean', default: false },
		only: { type: 'string', multiple: true },
		help: { type: 'boolean', default: false },
	},
});
const { short, json, kubeconfig, 'real-only': realOnly, only, help } = values;
if (help) {
	process.stdout.write(USAGE);
	process.exit(0);
}

const chosen = (scenarios: Readonly<Record<string, Scenario>>) =>
	Object.entries(scenarios).filter(([name]) => only === undefined || only.includes(name));

let broken = false;

function broke(what: string, error: unknown): void {
	broken = true;
	process.stderr.write(`\n${what} broke: ${error instanceof Error ? error.stack : error}\n`);
}

/** Runs scenarios one after the other; one that fails is told and leaves the rest to go on. */
async function run(
	cluster: Cluster,
	scenarios: readonly (readonly [string, Scenario])[],
): Promise<Measurement[]> {
	const provider = await startSecretsManager({ latencyMs: PROVIDER_MS });
	const bench = new Bench({ environment: { cluster, provider }, short });
	for (const [name, scenario] of scenarios) {
		const from = performance.now();
		const before = bench.measurements.length;
		process.stderr.write(`${cluster.title}: ${name} …`);
		await scenario(bench).catch((error: unknown) => broke(`${cluster.title}: ${name}`, error));
		process.stderr.write(` ${((performance.now() - from) / 1_000).toFixed(0)} s\n`);
		if (!json) {
			process.stderr.write(`${table(bench.measurements.slice(before))}\n`);
		}

		await pause(200);
	}

	await provider.close();
	return bench.measurements;
}

const clusters = [
	...(realOnly
		? []
		: [{ start: startEmbeddedCluster, scenarios: [...chosen(SCENARIOS), ...chosen(EMBEDDED_ONLY)] }]),
	...(kubeconfig === undefined
		? []
		: [{ start: () => connectRealCluster(kubeconfig), scenarios: chosen(SCENARIOS) }]),
];

const measurements: Measurement[] = [];
for (const { start, scenarios } of clusters) {
	const cluster = await start();
	// A cluster that existed before the run is restored, however the run ends.
	const interrupted = () => void cluster.close().finally(() => process.exit(1));
	process.once('SIGINT', interrupted).once('SIGTERM', interrupted);
	try {
		measurements.push(...(await run(cluster, scenarios)));
	} finally {
		process.off('SIGINT', interrupted).off('SIGTERM', interrupted);
		await cluster.close().catch((error: unknown) => broke('leaving the cluster as it was', error));
	}
}

const machine = thisMachine();
if (json) {
	const all = measurements.map(measurement => ({
		...measurement,
		...(measurement.samples.length > 0 && statisticsOf(measurement.samples)),
		met: isMet(measurement),
	}));
	process.stdout.write(`${JSON.stringify({ machine, short, measurements: all }, null, 2)}\n`);
} else {
	const missed = misses(measurements);
	const judged = measurements.filter(measurement => isMet(measurement) !== undefined).length;
	const verdict = `${judged - missed.length} of ${judged} budgets hold.${missed.map(line => `\n- missed: ${line}`).join('')}`;
	process.stdout.write(
		`\n${describe(machine)}\n\n${table(measurements)}\n\n${notes(measurements)}\n\n${verdict}\n`,
	);
}

process.exit(broken ? 1 : 0);
