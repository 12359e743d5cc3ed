// Links between the pages of the repository: each leads to a file that exists, and to a heading of it.
import { execFileSync } from 'node:child_process';
import { existsSync, readFileSync } from 'node:fs';
import { dirname, join, normalize } from 'node:path';
import test from 'ava';
import { ROOT } from '../cluster/workspace.ts';

/** A page without its fenced blocks, in which `#` is no heading and brackets are no link. */
const proseOf = (page: string) =>
	readFileSync(join(ROOT, page), 'utf8').replaceAll(/^ *```.*?^ *```$/gms, '');

/** The fragments by which GitHub makes the headings of a page reachable. */
function fragments(page: string): Set<string> {
	const headings = [...proseOf(page).matchAll(/^#+ +(.*\S)\s*$/gm)].map(([, heading = '']) => heading);
	return new Set(
		headings.map(heading =>
			heading
				.replaceAll(/\[([^\]]*)\]\([^)]*\)/g, '$1')
				.toLowerCase()
				.replaceAll(/[^\w\- ]/g, '')
				.replaceAll(' ', '-'),
		),
	);
}

/** Links of a page that lead nowhere. */
function deadLinks(page: string): string[] {
	const links = [...proseOf(page).matchAll(/\]\(([^)\s]+)\)/g)].map(([, link = '']) => link);
	return links.filter(link => {
		if (/^(https?|mailto):/.test(link)) return false;
		const [path = '', fragment] = link.split('#');
		const target = path === '' ? page : normalize(join(dirname(page), path));
		if (!existsSync(join(ROOT, target))) return true;
		return fragment !== undefined && target.endsWith('.md') && !fragments(target).has(fragment);
	});
}

test('every link of every page leads to a file that exists, and to a heading of it', t => {
	const list = ['ls-files', '--cached', '--others', '--exclude-standard', '*.md'];
	const pages = execFileSync('git', list, { cwd: ROOT, encoding: 'utf8' }).trim().split('\n');
	t.true(pages.includes('README.md') && pages.includes('docs/install.md'));
	const dead = pages
		.filter(page => existsSync(join(ROOT, page)))
		.flatMap(page => deadLinks(page).map(link => `${page}: ${link}`));
	t.deepEqual(dead, []);
});
