// Reads every file of the checkout for words and sentence forms that the rules of language exclude.
import { execFileSync } from 'node:child_process';
import { existsSync, readFileSync } from 'node:fs';
import { findRelapses } from './language.ts';

const CHECKED = /\.(?:ts|mjs|md|ya?ml|sh)$|(?:^|\/)(?:Dockerfile|run)$/;
/** The lockfile is not ours; the rules and their test must contain what they exclude. */
const EXEMPT = new Set(['pnpm-lock.yaml', 'scripts/language.ts', 'scripts/test/language.test.ts']);

const root = `${import.meta.dirname}/..`;
const files = execFileSync('git', ['ls-files', '-z', '--cached', '--others', '--exclude-standard'], {
	cwd: root,
	encoding: 'utf8',
})
	.split('\0')
	.filter(file => CHECKED.test(file) && !EXEMPT.has(file) && existsSync(`${root}/${file}`));

const findings = files.flatMap(file =>
	findRelapses(readFileSync(`${root}/${file}`, 'utf8')).map(
		({ line, text, advice }) => `${file}:${line}: ${advice}\n    ${text}`,
	),
);
if (findings.length > 0) {
	process.stderr.write(`${findings.join('\n')}\n${findings.length} lines in need of plain English\n`);
	process.exitCode = 1;
}
