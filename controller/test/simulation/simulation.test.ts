// Lives of a cluster by seed, the same ones every time and some that were never played: in the end every live
// annotated pod has its Secret. `pnpm simulate` plays many.
import test, { type ExecutionContext } from 'ava';
import { simulate } from './simulation.ts';

/** JASM_SIMULATION_SEED=N plays one life again. */
const ONLY = process.env['JASM_SIMULATION_SEED'];
const FIXED = 400;
const FRESH = 100;

/** Lives that once showed a fault; each fault has a test of its own beside the file that was mended. */
const FOUND = [
	['a standby that begins to lead sends no release for pods that the leader before it released', 8],
	['a pod that begins to wait right after its Secret was written gets a reading of its own', 698],
	['a write for the annotation before an edit releases no pod', 1_053],
	['a new leader reads again what the leader before it was told of and was denied to read', 112_561],
	['a pod that a person makes wait again while its release is under way is not forgotten', 125_704],
] as const;

async function play(t: ExecutionContext, from: number, count: number): Promise<void> {
	t.timeout(600_000);
	let [writes, reads] = [0, 0];
	for (let seed = from; seed < from + count; seed++) {
		const verdict = await simulate(seed);
		t.deepEqual(verdict.faults, [], `replay with JASM_SIMULATION_SEED=${seed}`);
		writes += verdict.writes;
		reads += verdict.reads;
	}

	t.log(`seeds ${from} to ${from + count - 1}: ${reads} reads, ${writes} writes`);
	t.true(reads > 0 || count < 10, 'the lives are not empty');
}

if (ONLY !== undefined) {
	test('in the life of this seed every invariant holds', t => play(t, Number(ONLY), 1));
} else {
	test('in the end every live annotated pod has its Secret, nothing else was written, and all is at rest', t =>
		play(t, 1, FIXED));

	for (const [title, seed] of FOUND) {
		test(title, t => play(t, seed, 1));
	}

	test('the same holds in lives that were never played before', t =>
		play(t, 1_000_000 + Math.floor(Math.random() * 1_000_000_000), FRESH));
}
