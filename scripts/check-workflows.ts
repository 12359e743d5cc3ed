// Checks the workflows of .github against their schema and the rules of this repository. `.ci/run` adds actionlint.
import { readdirSync, readFileSync } from 'node:fs';
import { ROOT } from './versions.ts';
import { workflowFaults } from './workflows.ts';

const folder = '.github/workflows';
const faults = readdirSync(ROOT + folder).flatMap(file =>
	workflowFaults(readFileSync(`${ROOT}${folder}/${file}`, 'utf8')).map(
		fault => `${folder}/${file}: ${fault}`,
	),
);
if (faults.length > 0) {
	process.stderr.write(`${faults.join('\n')}\n`);
	process.exitCode = 1;
}
