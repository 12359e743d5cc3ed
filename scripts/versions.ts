// The places that carry the version of JASM. The `version` of the root's package.json is the one that counts.
import { execFileSync } from 'node:child_process';
import { existsSync, readFileSync } from 'node:fs';

export const ROOT = new URL('..', import.meta.url).pathname;

export type Place = { readonly file: string; readonly version: string };

const NUMBER = String.raw`\d+\.\d+\.\d+(?:-[0-9A-Za-z.]+)?`;

/** Text around the version, by the files that have it. */
const PATTERNS: readonly { readonly files: RegExp; readonly before: string }[] = [
	{ files: /(?:^|\/)package\.json$/, before: String.raw`^\t"version": "` },
	{ files: /^controller\/src\/version\.ts$/, before: "VERSION = '" },
	{ files: /\.(?:ts|md|ya?ml)$/, before: 'jasm-controller:' },
	{ files: /\.md$/, before: 'newTag: ' },
];

const patternOf = (before: string) => new RegExp(`(?<=${before})${NUMBER}`, 'gm');

/** The version of the root's package.json. */
export function currentVersion(): string {
	return (JSON.parse(readFileSync(`${ROOT}package.json`, 'utf8')) as { version: string }).version;
}

/** Every place of a text that carries a version. */
export function placesOf(file: string, text: string): Place[] {
	return PATTERNS.filter(({ files }) => files.test(file)).flatMap(({ before }) =>
		(text.match(patternOf(before)) ?? []).map(version => ({ file, version })),
	);
}

/** The text with another version in each place. */
export function withVersion(file: string, text: string, version: string): string {
	return PATTERNS.filter(({ files }) => files.test(file)).reduce(
		(result, { before }) => result.replaceAll(patternOf(before), version),
		text,
	);
}

/** The files of the checkout that can carry a version; the changelog keeps those of the past. */
export function versionedFiles(): string[] {
	return execFileSync('git', ['ls-files', '-z'], { cwd: ROOT, encoding: 'utf8' })
		.split('\0')
		.filter(file => /\.(?:ts|md|ya?ml|json)$/.test(file) && file !== 'pnpm-lock.yaml')
		.filter(file => !/^(?:CHANGELOG\.md|scripts\/test\/)/.test(file) && existsSync(ROOT + file));
}
