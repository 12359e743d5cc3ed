// How large the bundle is and how long a process of it takes to be there.
import { execFileSync } from 'node:child_process';
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { Metafile } from 'esbuild';
import type { Bench } from '../bench.ts';
import type { Quantity } from '../measurement.ts';
import { DIST, NODE_FLAGS } from '../process-under-test.ts';

const SIZE: Quantity = {
	what: 'bundle that is loaded in a cluster with AWS Secrets Manager',
	unit: 'kB',
	budget: 600,
	judged: 'median',
};
const TOTAL: Quantity = {
	what: '… every file of it',
	unit: 'kB',
	judged: 'median',
};
const START: Quantity = {
	what: 'process start → version printed, everything but providers loaded',
	unit: 'ms',
	budget: 150,
	judged: 'median',
};
const EMPTY: Quantity = { ...START, what: START.what };

export async function bundle(bench: Bench): Promise<void> {
	const outputs = await outputsOf();
	const all = Object.values(outputs).reduce((sum, { bytes }) => sum + bytes, 0);
	bench.report(SIZE, 'controller', [loadedBytes(outputs) / 1024]);
	bench.report(TOTAL, 'controller', [all / 1024]);
	const times = (args: readonly string[]) =>
		Array.from({ length: bench.short ? 5 : 20 }, () => {
			const startedAt = performance.now();
			execFileSync(process.execPath, [...NODE_FLAGS, ...args]);
			return performance.now() - startedAt;
		});
	bench.report(START, 'controller', times([join(DIST, 'controller.js'), '--version']));
	bench.report(EMPTY, 'floor', times(['--eval', '0']), 'an empty script');
}

type Outputs = Metafile['outputs'];

async function outputsOf(): Promise<Outputs> {
	const text = await readFile(join(DIST, 'metafile.json'), 'utf8');
	return (JSON.parse(text) as Metafile).outputs;
}

/** What the entry point imports, what the provider imports, and what these import in turn. */
function loadedBytes(outputs: Outputs): number {
	const entries = Object.keys(outputs).filter(file =>
		/\/(controller|aws-secrets-manager-\w+)\.js$/.test(file),
	);
	const loaded = new Set(entries);
	for (const file of loaded) {
		for (const { path, kind, external } of outputs[file]?.imports ?? []) {
			if (kind === 'import-statement' && external !== true) {
				loaded.add(path);
			}
		}
	}

	return [...loaded].reduce((sum, file) => sum + outputs[file]!.bytes, 0);
}
