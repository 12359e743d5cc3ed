// The reference pages list what the code has: every error code with its retry, every metric with its labels.
import { readFileSync } from 'node:fs';
import { join, resolve } from 'node:path';
import test from 'ava';
import { ERROR_CODES } from '../../src/errors.ts';
import { createMetrics } from '../../src/observability/metrics.ts';

const DOCS = resolve(import.meta.dirname, '../../../docs');
const rowsOf = (page: string) =>
	readFileSync(join(DOCS, page), 'utf8')
		.split('\n')
		.filter(line => line.startsWith('| `'))
		.map(line =>
			line
				.split(/(?<!\\)\|/)
				.slice(1, -1)
				.map(cell => cell.trim()),
		);
const codesIn = (cell = '') => [...cell.matchAll(/`([^`]+)`/g)].map(match => match[1]!);

test('docs/errors.md lists every code, with the reason and the retry that the code has', t => {
	const rows = new Map(rowsOf('errors.md').map(([code, ...cells]) => [codesIn(code)[0]!, cells]));
	t.deepEqual([...rows.keys()].sort(), Object.keys(ERROR_CODES).sort());
	for (const [code, facts] of Object.entries(ERROR_CODES)) {
		const cells = rows.get(code)!;
		if (cells.length > 1) {
			const reason = 'reason' in facts ? facts.reason : undefined;
			t.deepEqual(codesIn(cells[0])[0], reason, code);
			t.is(cells[1], facts.retry, code);
		}
	}
});

test('docs/operations.md lists every metric with its labels', async t => {
	const documented = new Map(
		rowsOf('operations.md').flatMap(([names, labels]) =>
			codesIn(names)
				.filter(name => /^(jasm|process)_\w+$/.test(name))
				.map(name => [name, codesIn(labels).sort()] as const),
		),
	);
	const { registry } = createMetrics();
	const metrics = registry.getMetricsAsArray() as unknown as { name: string; labelNames: string[] }[];
	t.deepEqual([...documented.keys()].sort(), metrics.map(({ name }) => name).sort());
	for (const { name, labelNames } of metrics) {
		t.deepEqual(documented.get(name), [...labelNames].sort(), name);
	}
});
