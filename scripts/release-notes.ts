// `node scripts/release-notes.ts vX.Y.Z` prints what the changelog says about the version of the checkout.
import { readFileSync } from 'node:fs';
import { currentVersion, ROOT } from './versions.ts';

/**
 * The lines below the heading of a version.
 *
 * @throws Error without a heading, with one that says "not released", and without a line below it
 */
export function notesOf(changelog: string, version: string): string {
	const [, ...sections] = changelog.split(/^## /m);
	const section = sections.find(text => text.split(/[\s(]/, 1)[0] === version);
	if (section === undefined) {
		throw new Error(`CHANGELOG.md has no heading "## ${version}": add it with the changes of this version`);
	}
	const [heading = '', ...lines] = section.split('\n');
	if (heading.includes('not released')) {
		throw new Error(`CHANGELOG.md says "${heading}": write the date in place of "not released"`);
	}
	const notes = lines.join('\n').trim();
	if (notes === '') throw new Error(`CHANGELOG.md has no line below "## ${version}": name what users notice`);
	return `${notes}\n`;
}

if (import.meta.main) {
	try {
		const [tag = ''] = process.argv.slice(2);
		if (tag !== `v${currentVersion()}`) {
			throw new Error(
				`the tag "${tag}" is not v${currentVersion()}: run pnpm release:version, commit, and tag that`,
			);
		}
		process.stdout.write(notesOf(readFileSync(`${ROOT}CHANGELOG.md`, 'utf8'), currentVersion()));
	} catch (error) {
		process.stderr.write(`preparing a release: ${(error as Error).message}\n`);
		process.exitCode = 1;
	}
}
