// `pnpm soak`: churn, rotations and faults for a long time; fails if memory, handles or latency keep growing.
import { existsSync, mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { monitorEventLoopDelay } from 'node:perf_hooks';
import { parseArgs } from 'node:util';
import { pause, until } from '../cluster.ts';
import { startEmbeddedCluster } from '../embedded-cluster.ts';
import { gaugesOf } from '../endpoints.ts';
import { describe, thisMachine } from '../machine.ts';
import { statisticsOf } from '../measurement.ts';
import { cpuSecondsOf, memoryOf } from '../process-facts.ts';
import { type Running, start } from '../process-under-test.ts';
import { startStores } from '../stores/stores.ts';
import { Churn } from './churn.ts';
import { faultsOf } from './faults.ts';
import { trendOf } from './slope.ts';

const USAGE = `pnpm soak [--minutes N]

  --minutes N   default 20, at least 8; of them the first fifth warms up and is not judged

Prints a line each minute. Runs on the embedded API server and the embedded stores.
`;
const { values } = parseArgs({
	options: { minutes: { type: 'string', default: '20' }, help: { type: 'boolean', default: false } },
});
if (values.help) {
	process.stdout.write(USAGE);
	process.exit(0);
}

const minutes = Number(values.minutes);
if (!Number.isInteger(minutes) || minutes < 8) {
	throw new Error(`--minutes ${values.minutes}: expected a whole number, at least 8`);
}

const TICK_MS = 250;
const TICKS_PER_MINUTE = 60_000 / TICK_MS;
const TICKS_PER_FAULT = 40;
const LATENCY_MS = 20;
/** Ends watches within a minute, so that renewals are part of the run. */
const WATCH = { minSeconds: 20, maxSeconds: 40 };

type Minute = {
	readonly anonymous: number;
	readonly handles: number;
	readonly p50: number;
};

/** The most that a figure may gain over the judged minutes, if it gains steadily. */
const MOST_GROWTH = {
	anonymous: { unit: 'MiB of anonymous memory', most: 3 },
	handles: { unit: 'open handles', most: 4 },
	p50: { unit: 'ms of latency, p50', most: 50 },
} as const satisfies Record<keyof Minute, { unit: string; most: number }>;

const say = (line: string) => process.stdout.write(`${line}\n`);
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

/** Of this process: a delay of seconds here is the machine's, and every latency of that minute has a part of it. */
const delay = monitorEventLoopDelay({ resolution: 20 });
delay.enable();

const handlesOf = ({ pid }: Running): number => readdirSync(`/proc/${pid}/fd`).length;

/** One minute of churn; its line is printed, its figures are returned. */
async function minute(
	number: number,
	churn: Churn,
	running: Running,
	fault: () => Promise<void>,
): Promise<Minute> {
	const began = performance.now();
	const cpuSeconds = cpuSecondsOf(running.pid);
	delay.reset();
	for (let tick = 0; tick < TICKS_PER_MINUTE; tick++) {
		await churn.tick();
		if (!existsSync(`/proc/${running.pid}`)) {
			throw new Error(`the controller ended in minute ${number}`);
		}

		if (tick % TICKS_PER_FAULT === TICKS_PER_FAULT / 2) {
			await fault();
		}

		await pause(Math.max(0, began + (tick + 1) * TICK_MS - performance.now()));
	}

	const seconds = (performance.now() - began) / 1_000;
	const cpu = ((cpuSecondsOf(running.pid) - cpuSeconds) / seconds) * 100;
	const { rss, anon } = memoryOf(running.pid);
	const handles = handlesOf(running);
	const { pods, latencies, missed, wrong } = churn.take();
	const { median, p99 } =
		latencies.length === 0 ? { median: Number.NaN, p99: Number.NaN } : statisticsOf(latencies);
	ended.missed.push(...missed);
	ended.wrong.push(...wrong);
	ended.pods += pods;
	say(
		`minute ${number}: ${pods} pods ended, ${missed.length} without a Secret, ${wrong.length} with a wrong one; ` +
			`latency p50 ${median.toFixed(0)} ms, p99 ${p99.toFixed(0)} ms; RSS ${rss.toFixed(1)} MiB, ` +
			`${anon.toFixed(1)} anonymous; ${handles} handles; CPU ${cpu.toFixed(1)} %; own delay ${(delay.max / 1e6).toFixed(0)} ms`,
	);
	return { anonymous: anon, handles, p50: median };
}

const ended = { pods: 0, missed: [] as string[], wrong: [] as string[] };
const folder = mkdtempSync(join(tmpdir(), 'jasm-soak-'));
const cluster = await startEmbeddedCluster();
const stores = await startStores(folder, LATENCY_MS);
const running = await start(
	'controller',
	{ cluster, provider: stores.aws },
	{
		// A machine with more to do than time would end the run by a lost lease, which says nothing about JASM.
		leaderElect: false,
		config: { ...stores.config, watch: WATCH },
		front: { url: stores.aws.url, ca: readFileSync(stores.awsAuthority, 'utf8') },
	},
);
say(`${describe(thisMachine())}\n- ${minutes} minutes\n`);
try {
	const churn = await Churn.start(cluster, stores);
	const faults = faultsOf(cluster.embedded!, stores);
	const seen: Minute[] = [];
	for (let number = 1; number <= minutes; number++) {
		seen.push(await minute(number, churn, running, async () => faults.next().value()));
	}

	const list = (keys: readonly string[]) =>
		`${keys.length} of ${ended.pods} did not ${keys.slice(0, 5).join(', ')}`.trim();
	expect('each pod has its Secret in its lifetime', ended.missed.length === 0, list(ended.missed));
	expect(
		'each Secret holds a value that the store had since its pod appeared',
		ended.wrong.length === 0,
		list(ended.wrong),
	);
	const judged = seen.slice(Math.ceil(minutes / 5));
	for (const [name, { unit, most }] of Object.entries(MOST_GROWTH)) {
		const { growth, isSteady } = trendOf(judged.map(figures => figures[name as keyof Minute]));
		expect(
			`no steady growth of more than ${most} ${unit} in ${judged.length} minutes`,
			!isSteady || growth <= most,
			`${growth.toFixed(1)}${isSteady ? '' : ', within the noise'}`,
		);
	}

	await churn.end();
	const left = async () => {
		const gauges = await gaugesOf(running);
		return [
			'jasm_tracked_pods',
			'jasm_requested_secrets',
			'jasm_value_bytes_in_flight',
			'jasm_workqueue_depth',
		].map(name => [name, gauges.get(name) ?? Number.NaN] as const);
	};
	let counts: Awaited<ReturnType<typeof left>> = [];
	await until('the end of every pod', async () => {
		counts = await left();
		return counts.every(([, count]) => count === 0);
	}).catch(() => {});
	expect(
		'without pods, nothing is left',
		counts.every(([, count]) => count === 0),
		counts.map(([name, count]) => `${name} ${count}`).join(', '),
	);
} finally {
	await running.stop();
	stores.close();
	await cluster.close();
	rmSync(folder, { recursive: true });
}

say(`\n${passed} passed, ${failed} failed`);
process.exit(failed === 0 ? 0 : 1);
