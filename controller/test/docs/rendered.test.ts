// The tables and the JSON Schema in docs/ are those that the code renders.
import { readFileSync } from 'node:fs';
import test from 'ava';
import { documents, rendered, TABLES } from '../../scripts/render-docs.ts';

const pageOf = (name: string) => readFileSync(new URL(`../../../docs/${name}`, import.meta.url), 'utf8');
const REMEDY = 'run pnpm docs:render';

for (const page of ['configuration.md', 'network.md']) {
	test(`the tables of docs/${page} say what the code says`, t => {
		t.is(pageOf(page), documents().get(page) ?? '', REMEDY);
	});
}

test('docs/config.schema.json is the schema', t => {
	t.deepEqual(
		JSON.parse(pageOf('config.schema.json')),
		JSON.parse(documents().get('config.schema.json') ?? ''),
		REMEDY,
	);
});

test('every table stands on a page, so that a new kind cannot be forgotten', t => {
	const page = pageOf('configuration.md') + pageOf('network.md');
	for (const name of TABLES) {
		t.true(page.includes(`<!-- rendered: ${name} -->`), name);
	}
});

test('a drift is noticed, and a table that nothing renders is an error', t => {
	const drifted = pageOf('configuration.md').replace('| `AWS_REGION` |', '| `REGION` |');
	t.not(drifted, rendered(drifted));
	t.throws(() => rendered('<!-- rendered: fields of gcp -->\n<!-- end -->'), { message: /fields of gcp/ });
});
