// Measures the built controller against its budgets and prints the table; the README has the figures.
import { parseArgs } from 'node:util';
import { startSecretsManager } from '../testing/index.ts';
import { Bench, PROVIDER_MS, type Scenario } from './bench.ts';
import { type Cluster, pause } from './cluster.ts';
import { startEmbeddedCluster } from './embedded-cluster.ts';
import { type Figure, statisticsOf } from './figure.ts';
import { describe, thisMachine } from './machine.ts';
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
import { singlePod } from './scenarios/single-pod.ts';
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
const EMBEDDED_ONLY: Readonly<Record<string, Scenario>> = { listFallback, deadConnection, informer, bundle };

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
async function run(cluster: Cluster, scenarios: readonly (readonly [string, Scenario])[]): Promise<Figure[]> {
	const provider = await startSecretsManager({ latencyMs: PROVIDER_MS });
	const bench = new Bench({ stage: { cluster, provider }, short });
	for (const [name, scenario] of scenarios) {
		const from = performance.now();
		const before = bench.figures.length;
		process.stderr.write(`${cluster.title}: ${name} …`);
		await scenario(bench).catch((error: unknown) => broke(`${cluster.title}: ${name}`, error));
		process.stderr.write(` ${((performance.now() - from) / 1_000).toFixed(0)} s\n`);
		if (!json) {
			process.stderr.write(`${table(bench.figures.slice(before))}\n`);
		}

		await pause(200);
	}

	await provider.close();
	return bench.figures;
}

const clusters = [
	...(realOnly
		? []
		: [{ start: startEmbeddedCluster, scenarios: [...chosen(SCENARIOS), ...chosen(EMBEDDED_ONLY)] }]),
	...(kubeconfig === undefined
		? []
		: [{ start: () => connectRealCluster(kubeconfig), scenarios: chosen(SCENARIOS) }]),
];

const figures: Figure[] = [];
for (const { start, scenarios } of clusters) {
	const cluster = await start();
	// A cluster of somebody's gets back what it was, whatever ends the run.
	const interrupted = () => void cluster.close().finally(() => process.exit(1));
	process.once('SIGINT', interrupted).once('SIGTERM', interrupted);
	try {
		figures.push(...(await run(cluster, scenarios)));
	} finally {
		process.off('SIGINT', interrupted).off('SIGTERM', interrupted);
		await cluster.close().catch((error: unknown) => broke('leaving the cluster as it was', error));
	}
}

const machine = thisMachine();
if (json) {
	const all = figures.map(figure => ({
		...figure,
		...(figure.samples.length > 0 && statisticsOf(figure.samples)),
		met: isMet(figure),
	}));
	process.stdout.write(`${JSON.stringify({ machine, short, figures: all }, null, 2)}\n`);
} else {
	const missed = misses(figures);
	const judged = figures.filter(figure => isMet(figure) !== undefined).length;
	const verdict = `${judged - missed.length} of ${judged} budgets hold.${missed.map(line => `\n- missed: ${line}`).join('')}`;
	process.stdout.write(`\n${describe(machine)}\n\n${table(figures)}\n\n${notes(figures)}\n\n${verdict}\n`);
}

process.exit(broken ? 1 : 0);
