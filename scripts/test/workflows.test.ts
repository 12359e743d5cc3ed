// The faults of workflows that `pnpm check` finds.
import test from 'ava';
import { workflowFaults } from '../workflows.ts';

const GOOD = `on: push
permissions:
  contents: read
jobs:
  build:
    runs-on: ubuntu-24.04
    timeout-minutes: 5
    steps:
      - uses: actions/checkout@v5
      - run: make
`;

test('a workflow in order has no fault', t => {
	t.deepEqual(workflowFaults(GOOD), []);
});

const faults: Record<string, [from: string, to: string, fault: RegExp]> = {
	'a misspelt field of a job': ['timeout-minutes', 'timeout-minuts', /timeout-minuts.*not allowed/],
	'a misspelt field of a step': ['- run:', '- runn:', /runn.*not allowed/],
	'a job that needs an unknown one': [
		'    timeout',
		'    needs: [verify]\n    timeout',
		/unresolved job verify/,
	],
	'a workflow with the default rights': ['permissions:\n  contents: read\n', '', /must name the least/],
	'a job without an end': ['    timeout-minutes: 5\n', '', /build: must have timeout-minutes/],
	'an action without a version': ['checkout@v5', 'checkout@main', /actions\/checkout@main has no version/],
};

for (const [what, [from, to, fault]] of Object.entries(faults)) {
	test(`${what} is a fault`, t => {
		t.true(GOOD.includes(from));
		t.regex(workflowFaults(GOOD.replace(from, to)).join('\n'), fault);
	});
}
