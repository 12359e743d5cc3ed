// Adds up what the test runner says of each package; pure.
import { stripVTControlCharacters } from 'node:util';

const PASSED = /^(\d+) tests? passed$/;
/** The runner's lines about what did not pass; a failed hook or an uncaught exception is no test, but fails the run. */
const FAILED =
	/^\d+ (?:tests? failed|hooks? failed|uncaught exceptions?|unhandled rejections?|tests? (?:was|were) pending)/;

export class TestTotal {
	#passed = 0;
	#packages = 0;
	readonly #failures: string[] = [];

	/** Takes a line of `pnpm -r test`: the name of the script, then the line that the runner printed. */
	add(line: string): void {
		const [, name = '', text = ''] = /^(?:(\S+) test:)?(.*)$/.exec(stripVTControlCharacters(line)) ?? [];
		const said = text.trim();
		const passed = PASSED.exec(said)?.[1];
		if (passed !== undefined) {
			this.#passed += Number(passed);
			this.#packages++;
		} else if (FAILED.test(said)) {
			// The number follows the words, because a sum over "N tests failed" has counted the runner's line already.
			const [, count, what] = /^(\d+) (.*?)\.?$/.exec(said) ?? [];
			this.#failures.push(`${name === '' ? '' : `${name}: `}${what} (${count})`);
		}
	}

	/** The closing line of a run that ended with this exit code. */
	summary(exitCode: number): string {
		const total = `${this.#passed} ${this.#passed === 1 ? 'test' : 'tests'} in ${this.#packages} ${this.#packages === 1 ? 'package' : 'packages'} passed`;
		if (exitCode === 0) {
			return total;
		}
		return `${total}; ${this.#failures.length === 0 ? `the run ended with exit code ${exitCode}` : this.#failures.join(', ')}`;
	}
}
