// A thousand lives of a cluster, by seed: in the end every live annotated pod's Secret is right.
import test from 'ava';
import { simulate } from './simulation.ts';

/** `pnpm test -- --seed=N` or JASM_SIMULATION_SEED=N plays one life again; JASM_SIMULATION_SEEDS sets how many. */
const only =
	process.argv.find(argument => argument.startsWith('--seed='))?.slice(7) ??
	process.env['JASM_SIMULATION_SEED'];
const SEEDS = Number(process.env['JASM_SIMULATION_SEEDS'] ?? 500);

test('in the end every live annotated pod has its Secret, nothing else was written, and all is at rest', async t => {
	t.timeout(600_000);
	const seeds = only === undefined ? Array.from({ length: SEEDS }, (_, seed) => seed + 1) : [Number(only)];
	let [writes, reads] = [0, 0];
	for (const seed of seeds) {
		const verdict = await simulate(seed);
		t.deepEqual(verdict.faults, [], `replay with JASM_SIMULATION_SEED=${seed}`);
		writes += verdict.writes;
		reads += verdict.reads;
	}

	t.log(`${seeds.length} seeds, ${reads} reads, ${writes} writes`);
	t.true(reads >= seeds.length && writes > 0, 'the lives are not empty');
});
