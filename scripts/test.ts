// Runs the tests of every package, one package after the other, and ends with the total.
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { createInterface } from 'node:readline';
import { TestTotal } from './test-total.ts';

const total = new TestTotal();
const tests = spawn('pnpm', ['-r', '--workspace-concurrency=1', '--no-bail', 'test'], {
	stdio: ['inherit', 'pipe', 'inherit'],
});
createInterface(tests.stdout).on('line', line => {
	process.stdout.write(`${line}\n`);
	total.add(line);
});
const [code, signal] = (await once(tests, 'close')) as [number | null, NodeJS.Signals | null];
const exitCode = code ?? 1;
process.stdout.write(`\n${total.summary(exitCode)}${signal === null ? '' : ` (${signal})`}\n`);
process.exitCode = exitCode;
