// `pnpm release:version X.Y.Z`: writes a version into every place that carries it.
import { readFileSync, writeFileSync } from 'node:fs';
import { ROOT, versionedFiles, withVersion } from './versions.ts';

const [version = ''] = process.argv.slice(2);
if (!/^\d+\.\d+\.\d+(?:-[0-9A-Za-z.]+)?$/.test(version)) {
	process.stderr.write(`"${version}" is not a version such as 1.2.0: run pnpm release:version X.Y.Z\n`);
	process.exit(1);
}
for (const file of versionedFiles()) {
	const before = readFileSync(ROOT + file, 'utf8');
	const after = withVersion(file, before, version);
	if (after !== before) {
		writeFileSync(ROOT + file, after);
		process.stdout.write(`wrote ${file}\n`);
	}
}
process.stdout.write(
	`Next: a heading "## ${version}" in CHANGELOG.md, \`pnpm check\`, a commit, and the tag v${version}\n`,
);
