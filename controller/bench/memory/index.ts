// `pnpm memory`: holds the built controller to a container's limit of memory, while tenants ask for the largest values.
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { parseArgs } from 'node:util';
import { startEmbeddedCluster } from '../embedded-cluster.ts';
import { describe, thisMachine } from '../machine.ts';
import { statisticsOf } from '../measurement.ts';
import { DIST } from '../process-under-test.ts';
import { connectRealCluster } from '../real-cluster.ts';
import { startStores } from '../stores/stores.ts';
import { STORES, type Store } from '../stores/values.ts';
import { BURSTS, burstOf, coldStart, type Laboratory, LIMIT_BYTES, type Seen } from './run.ts';

const USAGE = `pnpm memory [--cpus N] [--kubeconfig FILE] [--dist FOLDER] [--only STORE]...

  --cpus N           cores that the controller may use, for instance 0.1; default 1, as in the manifests
  --kubeconfig FILE  works on this cluster instead of the embedded API server; it gets JASM's installation and
                     namespaces bench-*, and loses them again: not one that is in use
  --dist FOLDER      another build of the controller
  --only STORE       ${STORES.join(', ')}

Needs root on Linux, as it makes control groups.
`;

const { values } = parseArgs({
	options: {
		cpus: { type: 'string', default: '1' },
		kubeconfig: { type: 'string' },
		dist: { type: 'string' },
		only: { type: 'string', multiple: true },
		help: { type: 'boolean', default: false },
	},
});
if (values.help) {
	process.stdout.write(USAGE);
	process.exit(0);
}

const MIB = 1_048_576;
const BUDGET_MIB = 85;
/** Of the medians: bursts in turns share two cores with the servers, and with whatever else the machine does. */
const MOST_TIMES_SLOWER = 4;
/** What the store adds to every read, in milliseconds. */
const LATENCY_MS = 20;

const say = (line: string) => process.stdout.write(`${line}\n`);
const mib = (bytes: number) => (bytes / MIB).toFixed(1);
let passed = 0;
let failed = 0;

function expect(promise: string, holds: boolean, seen: string): void {
	say(`${holds ? 'ok' : 'FAILED'}: ${promise}: ${seen}`);
	if (holds) {
		passed++;
	} else {
		failed++;
	}
}

function judge(title: string, { pods, written, seconds, usage }: Seen, { peak = true } = {}): void {
	expect(`${title}, all are written`, written === pods, `${written} of ${pods} in ${seconds.toFixed(1)} s`);
	const facts = `${mib(usage.peak)} MiB (at the end ${mib(usage.anonymous)} anonymous, ${mib(usage.file)} of files); RSS at most ${mib(usage.rssPeak)} MiB; CPU ${usage.cpuSeconds.toFixed(1)} s`;
	const within = usage.kills === 0 && (!peak || usage.peak <= BUDGET_MIB * MIB);
	expect(
		`${title}, ${peak ? `at most ${BUDGET_MIB} MiB in the group` : 'within the limit'}, no kill`,
		within,
		facts,
	);
}

async function play(laboratory: Laboratory, store: Store): Promise<void> {
	const { pods, bytes } = BURSTS[store];
	const title = `${pods} values of ${bytes / 1_000} kB from ${store}`;
	const { burst, restart } = await burstOf(laboratory, store);
	judge(title, burst);
	const [alone, beside] = [statisticsOf(burst.alone), statisticsOf(burst.beside)];
	const times = (of: typeof alone) => `p50 ${of.median.toFixed(0)} ms, p99 ${of.p99.toFixed(0)} ms`;
	const ratio = beside.median / alone.median;
	expect(
		`${title}, 100 small ones beside them take at most ${MOST_TIMES_SLOWER} times as long as alone`,
		ratio <= MOST_TIMES_SLOWER,
		`${ratio.toFixed(1)} times; alone ${times(alone)} (n ${alone.n}); beside ${times(beside)} (n ${beside.n})`,
	);
	judge(`${title}, as the initial list of a restart`, restart);
}

const folder = mkdtempSync(join(tmpdir(), 'jasm-memory-'));
const stores = await startStores(folder, LATENCY_MS);
const cluster =
	values.kubeconfig === undefined
		? await startEmbeddedCluster()
		: await connectRealCluster(values.kubeconfig);
const laboratory: Laboratory = {
	cluster,
	stores,
	dist: values.dist === undefined ? DIST : resolve(values.dist),
	cpus: Number(values.cpus),
};
say(`${describe(thisMachine())}\n- ${cluster.title}, limit ${mib(LIMIT_BYTES)} MiB, ${values.cpus} cores\n`);
const chosen = STORES.filter(store => values.only === undefined || values.only.includes(store));
const attempt = (what: string, work: Promise<void>) =>
	work.catch((error: unknown) => expect(what, false, error instanceof Error ? error.message : String(error)));
try {
	for (const store of chosen) {
		await attempt(`the burst of ${store}`, play(laboratory, store));
	}

	if (chosen.includes('vault')) {
		const title = 'the same from vault, in a container whose image was never read before';
		await attempt(
			title,
			coldStart(laboratory, 'vault').then(seen => judge(title, seen, { peak: false })),
		);
	}
} finally {
	stores.close();
	await cluster.close();
	rmSync(folder, { recursive: true });
}

say(`\n${passed} passed, ${failed} failed`);
process.exit(failed === 0 ? 0 : 1);
