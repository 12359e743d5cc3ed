// The generated documentation of both packages: complete, without a warning, and with examples that compile.
import { execFile } from 'node:child_process';
import { mkdirSync, mkdtempSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { promisify } from 'node:util';
import test from 'ava';
import {
	Application,
	type DeclarationReflection,
	LogLevel,
	type ProjectReflection,
	ReflectionKind,
} from 'typedoc';
import { ROOT } from '../versions.ts';

/** What a program of a reader has installed, and the workspace's folder that has it. */
const PACKAGES: Readonly<Record<string, string>> = {
	'@jasm/controller': 'controller',
	'@jasm/infra': 'infra',
	'@pulumi/kubernetes': 'infra/node_modules/@pulumi/kubernetes',
	'@pulumi/pulumi': 'infra/node_modules/@pulumi/pulumi',
	'@types/node': 'node_modules/@types/node',
};

let application: Application;
let project: ProjectReflection;

test.before('read the public API', async t => {
	t.timeout(300_000, 'typedoc reads the types of the SDKs');
	application = await Application.bootstrap({
		options: `${ROOT}scripts/typedoc.json`,
		logLevel: LogLevel.Error,
	});
	const converted = await application.convert();
	if (converted === undefined) throw new Error('typedoc could not read the entry points');
	project = converted;
});

/** Exported functions and classes of every entry point. */
const exported = (): DeclarationReflection[] =>
	(project.children ?? [])
		.flatMap(module => module.children ?? [])
		.filter(reflection => reflection.kindOf([ReflectionKind.Function, ReflectionKind.Class]));

/** The code of the examples of a function or a class, without their fences. */
function examplesOf(reflection: DeclarationReflection): string[] {
	const comments = [reflection.comment, ...(reflection.signatures ?? []).map(({ comment }) => comment)];
	return comments
		.flatMap(comment => comment?.getTags('@example') ?? [])
		.map(({ content }) => content.map(({ text }) => text).join(''))
		.map(text => /^```ts\n(.*)\n```$/s.exec(text.trim())?.[1] ?? '');
}

test.serial('every export is documented, and no comment links to nothing', t => {
	application.validate(project);
	t.is(
		application.logger.warningCount + application.logger.errorCount,
		0,
		'pnpm docs:api prints the warnings',
	);
});

/** Made by the servers themselves, or by a certificate of a test. */
const WITHOUT_EXAMPLE = ['StatusError', 'makeServerCertificate'];

test.serial('every exported function and class has an example, a whole program', t => {
	t.true(exported().length > 12);
	const missing = exported()
		.filter(({ name }) => !WITHOUT_EXAMPLE.includes(name))
		.filter(reflection => !examplesOf(reflection).some(code => code.includes(`import { `)))
		.map(({ name }) => name);
	t.deepEqual(missing, []);
});

test.serial('every example compiles as it stands under strict', async t => {
	t.timeout(240_000, 'the compiler reads the types of two SDKs');
	const folder = mkdtempSync(join(tmpdir(), 'jasm-examples-'));
	t.teardown(() => rmSync(folder, { recursive: true }));
	for (const [name, source] of Object.entries(PACKAGES)) {
		const link = join(folder, 'node_modules', name);
		mkdirSync(dirname(link), { recursive: true });
		symlinkSync(join(ROOT, source), link);
	}
	for (const reflection of exported()) {
		examplesOf(reflection).forEach((code, index) => {
			writeFileSync(join(folder, `${reflection.name}-${index}.ts`), `${code}\n`);
		});
	}
	writeFileSync(join(folder, 'package.json'), '{ "type": "module" }');
	const tsconfig = { extends: join(ROOT, 'tsconfig.base.json'), include: ['*.ts'] };
	writeFileSync(join(folder, 'tsconfig.json'), JSON.stringify(tsconfig));
	const tsc = join(ROOT, 'node_modules/.bin/tsc');
	const { stdout } = await promisify(execFile)(tsc, ['-p', folder]).catch(
		error => error as { stdout: string },
	);
	t.is(stdout, '');
});
