// `pnpm simulate --seeds N [--from M] [--workers W]`: plays many lives in worker processes, goes on after a failure,
// prints every seed that failed, and ends with 1 if there was one.
import { type ChildProcess, fork } from 'node:child_process';
import { availableParallelism } from 'node:os';
import { parseArgs } from 'node:util';
import { simulate } from './simulation.ts';

/** Seeds that a worker gets at a time. */
const CHUNK = 50;

type Task = { readonly from: number; readonly to: number };
type Failure = { readonly seed: number; readonly faults: readonly string[] };
type Played = { readonly failures: readonly Failure[]; readonly writes: number; readonly reads: number };

/** Plays the seeds from `from` up to, not including, `to`. */
async function play({ from, to }: Task): Promise<Played> {
	const failures: Failure[] = [];
	let [writes, reads] = [0, 0];
	for (let seed = from; seed < to; seed++) {
		try {
			const verdict = await simulate(seed);
			writes += verdict.writes;
			reads += verdict.reads;
			if (verdict.faults.length > 0) {
				failures.push({ seed, faults: verdict.faults });
			}
		} catch (error) {
			failures.push({ seed, faults: [`${(error as Error).stack}`] });
		}
	}

	return { failures, writes, reads };
}

function numberOf(name: string, text: string): number {
	const value = Number(text);
	if (!Number.isSafeInteger(value) || value < 1) {
		throw new Error(`--${name} ${text}: expected a whole number of at least 1`);
	}

	return value;
}

async function main(): Promise<void> {
	const { values } = parseArgs({
		options: {
			seeds: { type: 'string', default: '1000' },
			from: { type: 'string', default: '1' },
			workers: { type: 'string', default: String(availableParallelism()) },
		},
	});
	const [seeds, from, workers] = [
		numberOf('seeds', values.seeds),
		numberOf('from', values.from),
		numberOf('workers', values.workers),
	];
	const startedAt = performance.now();
	const total = { played: 0, failed: 0, writes: 0, reads: 0 };
	let next = from;
	const report = ({ from: first, to }: Task, { failures, writes, reads }: Played) => {
		for (const { seed, faults } of failures) {
			console.log(`seed ${seed}: ${faults.join('; ')}`);
		}

		const before = total.played;
		total.played += to - first;
		total.failed += failures.length;
		total.writes += writes;
		total.reads += reads;
		if (Math.floor(total.played / 10_000) > Math.floor(before / 10_000)) {
			console.log(`${total.played} lives, ${total.failed} failed`);
		}
	};

	/** Gives the worker one task after the other; resolves when there is none left. */
	const employ = (worker: ChildProcess) =>
		new Promise<void>((resolve, reject) => {
			let task: Task | undefined;
			const give = () => {
				if (next >= from + seeds) {
					worker.disconnect();
					resolve();
					return;
				}

				task = { from: next, to: Math.min(next + CHUNK, from + seeds) };
				next = task.to;
				worker.send(task);
			};
			worker.on('message', (played: Played) => {
				report(task!, played);
				give();
			});
			worker.on('exit', code => {
				if (code !== 0) {
					reject(
						new Error(`a worker ended with ${code} while it played seeds ${task?.from} to ${task!.to - 1}`),
					);
				}
			});
			give();
		});
	await Promise.all(Array.from({ length: workers }, () => employ(fork(import.meta.filename))));
	const seconds = Math.round((performance.now() - startedAt) / 1_000);
	console.log(
		`seeds ${from} to ${from + seeds - 1}: ${total.played} lives, ${total.failed} failed; ` +
			`${total.reads} reads, ${total.writes} writes, ${seconds} s`,
	);
	process.exitCode = total.failed > 0 ? 1 : 0;
}

if (process.send === undefined) {
	await main();
} else {
	process.on('message', async (task: Task) => process.send!(await play(task)));
}
