// Both packages from outside: packed, installed from the tarballs into an empty project, compiled and run there.
import { type ChildProcess, spawn } from 'node:child_process';
import { existsSync, mkdirSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import test from 'ava';
import { loadAll } from 'js-yaml';
import { until } from '../cluster/until.ts';
import { ROOT } from '../cluster/workspace.ts';
import { fileNames, manual } from '../users/manual.ts';
import { isInstalled, Project } from './project.ts';

const PROVIDER = 'docs/providers/custom.md';
const PROGRAM = 'docs/install.md';
const TSC = join(ROOT, 'node_modules/.bin/tsc');

const project = new Project();
const started: ChildProcess[] = [];

test.before('pack and install', async t => {
	t.timeout(600_000, 'npm writes 350 MB of SDKs');
	await project.install();
});

test.after.always('stop and remove', () => {
	for (const child of started) child.kill();
	rmSync(project.folder, { recursive: true, force: true });
});

/** The blocks of a page in a language, as a reader pastes them. */
const blocksOf = (page: string, language: string) =>
	manual().filter(block => block.page === page && block.language === language);

/** The files of the page about providers, its folder of secrets inside the project. */
function writeProvider(): void {
	const program = blocksOf(PROVIDER, 'ts');
	const names = fileNames(program);
	program.forEach(({ text }, index) => {
		project.write(names[index] ?? '', text);
	});
	const [config] = blocksOf(PROVIDER, 'yaml');
	project.write('config.yaml', (config?.text ?? '').replace('/secrets', join(project.folder, 'secrets')));
	project.write('secrets/team-a/database', '{"DB_PASSWORD": "fake"}');
}

/** Starts Node in the project and waits for a line that matches; its first group is returned. */
async function start(args: readonly string[], line: RegExp, env = {}): Promise<string> {
	const child = spawn(process.execPath, args, {
		cwd: project.folder,
		env: { ...process.env, ...env },
		stdio: ['ignore', 'pipe', 'pipe'],
	});
	started.push(child);
	let errors = '';
	child.stderr.setEncoding('utf8').on('data', (text: string) => {
		errors += text;
	});
	for await (const text of createInterface(child.stdout)) {
		const match = line.exec(text);
		if (match === null) continue;
		child.stdout.resume();
		return match[1] ?? '';
	}
	throw new Error(`node ${args.join(' ')} ended before ${line}\n${errors}`);
}

test.serial(
	'the installed manifests are those of a public package, and name only files that are there',
	t => {
		for (const name of ['@jasm/controller', '@jasm/infra']) {
			const folder = join(project.folder, 'node_modules', name);
			const text = readFileSync(join(folder, 'package.json'), 'utf8');
			t.notRegex(text, /workspace:|"private"/);
			const manifest = JSON.parse(text) as {
				exports: Record<string, Record<string, string>>;
				engines: Record<string, string>;
				repository: { url: string };
				license: string;
			};
			t.is(manifest.engines['node'], '>=24');
			t.is(manifest.license, 'Apache-2.0');
			t.regex(manifest.repository.url, /^git\+https:/);
			const files = Object.values(manifest.exports).flatMap(conditions => Object.values(conditions));
			t.true(files.length >= 2);
			for (const file of files) t.true(existsSync(join(folder, file)), file);
			for (const file of ['LICENSE', 'README.md']) t.true(existsSync(join(folder, file)), file);
		}
	},
);

test.serial(
	'the packages hold JavaScript, declarations and maps that contain their source, and no TypeScript',
	t => {
		for (const name of ['@jasm/controller', '@jasm/infra']) {
			const lib = join(project.folder, 'node_modules', name, 'lib');
			const files = readdirSync(lib, { recursive: true, encoding: 'utf8' }).filter(file =>
				/\.\w+$/.test(file),
			);
			t.deepEqual(
				files.filter(file => !/\.(?:js|js\.map|d\.ts)$/.test(file)),
				[],
			);
			const map = files.find(file => file.endsWith('index.js.map')) ?? '';
			const { sourcesContent } = JSON.parse(readFileSync(join(lib, map), 'utf8')) as {
				sourcesContent: string[];
			};
			t.regex(sourcesContent[0] ?? '', /^\/\//);
		}
	},
);

test.serial(
	'the programs of the manual compile under strict, declarations of the packages included',
	async t => {
		t.timeout(120_000, 'the compiler reads the types of two SDKs');
		writeProvider();
		blocksOf(PROGRAM, 'ts').forEach(({ text }, index) => {
			project.write(`program-${index}.ts`, text);
		});
		const compilerOptions = {
			target: 'es2024',
			lib: ['es2024', 'esnext.disposable'],
			module: 'nodenext',
			strict: true,
			noEmit: true,
			types: ['node'],
			allowImportingTsExtensions: true,
		};
		project.write('tsconfig.json', JSON.stringify({ compilerOptions, include: ['*.ts'] }));
		t.is(await project.run(TSC, ['-p', '.']), '');
	},
);

test.serial('the provider of the manual, copied word by word, fills the Secret of a pod', async t => {
	t.timeout(120_000, 'a controller has to start');
	writeProvider();
	const manifests = loadAll(readFileSync(join(ROOT, 'deploy/write-only.yaml'), 'utf8'));
	const request = JSON.stringify({ provider: 'files', path: 'team-a/database', secretName: 'database' });
	const pod = {
		kind: 'Pod',
		apiVersion: 'v1',
		metadata: {
			name: 'web',
			namespace: 'team-a',
			annotations: { 'jasm.codnod.io/secret-sync': request },
		},
		spec: { containers: [{ name: 'app', image: 'example/app:1' }] },
	};
	const team = { kind: 'Namespace', apiVersion: 'v1', metadata: { name: 'team-a' } };
	project.write('manifests.json', JSON.stringify([...manifests, team, pod]));
	const secret = start(['cluster.ts'], /^(\{.*"name":"database".*\})$/);
	await until('the kubeconfig', () => existsSync(join(project.folder, 'kubeconfig')));
	const [command] = blocksOf(PROVIDER, 'sh').filter(({ notRun }) => notRun === undefined);
	const [program = '', ...flags] = (command?.text ?? '').trim().split(' ');
	t.is(program, 'node');
	await start(flags, /"message":"(leading)"/, { KUBECONFIG: join(project.folder, 'kubeconfig') });
	const { data } = JSON.parse(await secret) as { data: Record<string, string> };
	t.is(Buffer.from(data['DB_PASSWORD'] ?? '', 'base64').toString(), 'fake');
});

test.serial(
	'the Pulumi program of the manual declares an installation from the packed components',
	async t => {
		t.timeout(120_000, 'Node loads two SDKs');
		const [program] = blocksOf(PROGRAM, 'ts');
		project.write('program-0.ts', program?.text ?? '');
		const printed = await project.run(process.execPath, ['mocked.ts', 'program-0.ts']);
		const declared = JSON.parse(printed) as { type: string; inputs: object }[];
		const types = declared.map(({ type }) => type);
		for (const type of ['jasm:infra:Jasm', 'jasm:infra:IrsaRole', 'aws:iam/role:Role']) {
			t.true(types.includes(type), type);
		}
		const deployment = declared.find(({ type }) => type === 'kubernetes:apps/v1:Deployment');
		t.true(JSON.stringify(deployment).includes('registry.example.com/jasm-controller:'));
	},
);

test.serial('the program of the manual without AWS declares an installation, and nothing in AWS', async t => {
	t.timeout(120_000, 'Node loads two SDKs');
	const [, program] = blocksOf(PROGRAM, 'ts');
	project.write('program-1.ts', program?.text ?? '');
	const printed = await project.run(process.execPath, ['mocked.ts', 'program-1.ts']);
	const types = (JSON.parse(printed) as { type: string }[]).map(({ type }) => type);
	t.true(types.includes('kubernetes:apps/v1:Deployment'));
	t.deepEqual(
		types.filter(type => type.startsWith('aws:')),
		[],
	);
});

test('the manual installs the SDKs in the versions that the package asks for', t => {
	const { peerDependencies } = JSON.parse(readFileSync(join(ROOT, 'infra/package.json'), 'utf8')) as {
		peerDependencies: Record<string, string>;
	};
	const command = blocksOf(PROGRAM, 'sh').find(({ text }) => text.includes('npm install ./jasm-'));
	for (const [name, range] of Object.entries(peerDependencies)) {
		t.true(command?.text.includes(`'${name}@${range}'`), `${name}@${range}`);
	}
});

const withPulumi = isInstalled('pulumi') ? test.serial : test.serial.skip;

/** Makes the project a Pulumi project with this program and a stack of its own; returns the environment for the CLI. */
async function pulumiProject(program: string): Promise<Record<string, string>> {
	const name = program.replace('.ts', '');
	const runtime = '{name: nodejs, options: {packagemanager: npm, typescript: false}}';
	project.write('Pulumi.yaml', `name: ${name}\nmain: ${program}\nruntime: ${runtime}\n`);
	mkdirSync(join(project.folder, 'state'), { recursive: true });
	const env = {
		// The plugin that the package brings along is found where npm links commands.
		PATH: `${join(project.folder, 'node_modules/.bin')}:${process.env['PATH']}`,
		PULUMI_HOME: join(project.folder, '.pulumi'),
		PULUMI_BACKEND_URL: `file://${project.folder}/state`,
		PULUMI_CONFIG_PASSPHRASE: 'fake',
		PULUMI_SKIP_UPDATE_CHECK: 'true',
	};
	await project.run('pulumi', ['stack', 'init', 'test', '--non-interactive'], env);
	await project.run('pulumi', ['up', '--yes', '--skip-preview', '--non-interactive'], env);
	return env;
}

/** The manifest of the Deployment in a folder that Pulumi's Kubernetes provider wrote. */
function renderedDeployment(folder: string): string {
	const manifests = join(project.folder, folder, '1-manifest');
	const file = readdirSync(manifests).find(name => name.includes('deployment')) ?? '';
	return readFileSync(join(manifests, file), 'utf8');
}

withPulumi('the real Pulumi renders the packed components (needs pulumi on PATH)', async t => {
	t.timeout(300_000, 'Pulumi starts its plugins');
	const env = await pulumiProject('rendered.ts');
	t.is((await project.run('pulumi', ['stack', 'output', 'namespace'], env)).trim(), 'jasm');
	t.regex(renderedDeployment('manifests'), /image: registry\.example\.com\/jasm-controller:test/);
	await project.run('pulumi', ['preview', '--expect-no-changes', '--non-interactive'], env);
});

withPulumi('the plugin of the package constructs the components for the real Pulumi', async t => {
	t.timeout(300_000, 'Pulumi starts its plugins');
	const env = await pulumiProject('remote.ts');
	const plugin = './node_modules/.bin/pulumi-resource-jasm';
	const schema = await project.run('pulumi', ['package', 'get-schema', plugin], env);
	t.true('jasm:infra:Jasm' in (JSON.parse(schema) as { resources: object }).resources);
	t.is((await project.run('pulumi', ['stack', 'output', 'namespace'], env)).trim(), 'elsewhere');
	t.regex(renderedDeployment('remote-manifests'), /image: registry\.example\.com\/jasm-controller:remote/);
	await project.run('pulumi', ['preview', '--expect-no-changes', '--non-interactive'], env);
});
