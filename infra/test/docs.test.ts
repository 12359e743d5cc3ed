// The Pulumi programs of docs/install.md run as they stand, and declare a whole installation.
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join, relative } from 'node:path';
import { fileURLToPath } from 'node:url';
import test from 'ava';
import { record } from './helpers/engine.ts';
import { violations } from './helpers/invariants.ts';

const directory = fileURLToPath(new URL('..', import.meta.url));
const root = fileURLToPath(new URL('../..', import.meta.url));
const page = readFileSync(join(root, 'docs/install.md'), 'utf8');
const blocks = (language: string) =>
	[...page.matchAll(new RegExp(`^\`\`\`${language}\\n(.*?)^\`\`\``, 'gms'))].map(([, text = '']) => text);

test.serial('every program of the manual declares an installation without a violation', async t => {
	const programs = blocks('ts');
	t.true(programs.length > 0);
	mkdirSync(join(directory, 'dist'), { recursive: true });
	// Inside the package, so that its own name resolves.
	const folder = mkdtempSync(join(directory, 'dist/docs-'));
	t.teardown(() => rmSync(folder, { recursive: true }));
	programs.forEach((text, index) => {
		writeFileSync(join(folder, `program-${index}.ts`), text);
	});
	for (const index of programs.keys()) {
		const { exitCode, messages, resources } = await record({
			directory,
			program: `${relative(directory, folder)}/program-${index}.ts`,
			project: 'mine',
			stack: 'test',
			config: { 'mine:kubeconfig': '/k', 'pulumi:disable-default-providers': '["*"]' },
			computed: (type, name) =>
				type.startsWith('aws:iam') ? { arn: `arn:aws:iam::111122223333:role/${name}` } : {},
			invoke: token =>
				token.includes('getCluster')
					? { identities: [{ oidcs: [{ issuer: 'https://oidc.eks.eu-west-1.amazonaws.com/id/A' }] }] }
					: { accountId: '111122223333' },
		});
		t.is(exitCode, 0, messages.join('\n'));
		t.deepEqual(violations(resources, 'write-only'), []);
		t.true(resources.some(({ type }) => type === 'kubernetes:apps/v1:Deployment'));
	}
});
