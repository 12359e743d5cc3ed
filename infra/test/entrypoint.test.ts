// The real entry point under Pulumi's real runtime: type stripping, configuration, guards, exports, exit codes.
import { chmodSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import test from 'ava';
import { type Recording, record } from '../render/engine.ts';
import { violations } from '../src/invariants.ts';
import { ACCOUNT, VALUES } from './helpers/stack-config.ts';

const directory = fileURLToPath(new URL('..', import.meta.url));
const ISSUER = `https://jasm-oidc-${ACCOUNT}-minikube.s3.eu-west-1.amazonaws.com`;

/** Commands on PATH that answer like a machine in order and log how they were called. */
function machine(t: { teardown(undo: () => void): void }) {
	const bin = mkdtempSync(join(tmpdir(), 'jasm-entrypoint-'));
	t.teardown(() => rmSync(bin, { recursive: true }));
	const script = `#!/bin/sh
echo "\${0##*/} $*" >> ${bin}/log
case "\${0##*/} $*" in
"aws sts"*) echo '{"Account": "${ACCOUNT}"}';;
"minikube status"*) echo '{"APIServer": "Running", "Kubeconfig": "Configured"}';;
*"config view"*) echo '{"contexts": [{"name": "minikube"}]}';;
*openid-configuration) echo '{"issuer": "${ISSUER}", "jwks_uri": "${ISSUER}/openid/v1/jwks"}';;
*jwks) echo '{"keys": []}';;
*"version -o json") echo '{"serverVersion": {"major": "1", "minor": "37"}}';;
*kube-system*) echo '{"metadata": {"uid": "uid"}}';;
*) exit 9;;
esac
`;
	for (const command of ['aws', 'minikube', 'kubectl']) {
		writeFileSync(join(bin, command), script);
		chmodSync(join(bin, command), 0o755);
	}
	writeFileSync(join(bin, 'log'), '');
	return { path: `${bin}:${process.env['PATH']}`, log: () => readFileSync(join(bin, 'log'), 'utf8') };
}

const CLEAN = { AWS_ACCESS_KEY_ID: '', AWS_SECRET_ACCESS_KEY: '', AWS_SESSION_TOKEN: '' };

function runProgram(
	values: Record<string, string>,
	environment: Record<string, string>,
	preview = false,
): Promise<Recording> {
	const config = Object.fromEntries(Object.entries(values).map(([key, value]) => [`jasm:${key}`, value]));
	return record({
		directory,
		program: 'index.ts',
		project: 'jasm',
		stack: 'minikube',
		config: { ...config, 'pulumi:disable-default-providers': '["*"]' },
		environment: { ...CLEAN, AWS_PROFILE: 'codnod', KUBECONFIG: '/home/dev/.kube/config', ...environment },
		preview,
		computed: (type, name) => (type.startsWith('aws:') ? { arn: `arn:${name}` } : {}),
	});
}

test.serial('the program declares the whole stack and names its outputs', async t => {
	const { path } = machine(t);
	const { resources, outputs, exitCode, messages } = await runProgram(VALUES, { PATH: path });
	t.is(exitCode, 0, messages.join('\n'));
	t.deepEqual(violations(resources, 'write-only'), []);
	t.deepEqual(Object.keys(outputs).sort(), ['image', 'namespace', 'roleArn', 'tryIt']);
	t.is(outputs['namespace'], 'jasm');
	t.is(outputs['roleArn'], 'arn:jasm');
	t.true(resources.some(({ type }) => type === 'kubernetes:apps/v1:Deployment'));
	t.true(resources.some(({ type }) => type === 'aws:iam/role:Role'));
	const guarded = resources.filter(({ type }) => /^(kubernetes|aws):/.test(type));
	for (const { type, name, provider } of guarded)
		t.not(provider, '', `${type} ${name} would use a default provider`);
});

test.serial('a preview declares the same resources', async t => {
	const { path } = machine(t);
	const names = ({ resources }: Recording) => resources.map(({ urn }) => urn).sort();
	const preview = await runProgram(VALUES, { PATH: path }, true);
	t.is(preview.exitCode, 0, preview.messages.join('\n'));
	t.deepEqual(names(preview), names(await runProgram(VALUES, { PATH: path })));
});

test.serial('with another AWS profile nothing is declared and no command runs', async t => {
	const { path, log } = machine(t);
	const { resources, exitCode, messages } = await runProgram(VALUES, {
		PATH: path,
		AWS_PROFILE: 'production',
	});
	t.is(exitCode, 32);
	t.deepEqual(
		resources.filter(({ type }) => type !== 'pulumi:pulumi:Stack'),
		[],
	);
	t.regex(messages.join('\n'), /refused before anything was touched: AWS_PROFILE is "production"/);
	t.is(log(), '');
});

test.serial('a faulty configuration is told whole, as one message without a stack trace', async t => {
	const { path, log } = machine(t);
	const { exitCode, messages } = await runProgram(
		{ ...VALUES, awsAccountId: 'x', replicas: 'many' },
		{ PATH: path },
	);
	t.is(exitCode, 32);
	const text = messages.join('\n');
	t.regex(text, /jasm:awsAccountId: .*\n.*jasm:replicas: /);
	t.notRegex(text, /at loadConfig/);
	t.is(log(), '');
});

test.serial(
	"the program needs `typescript: false`: Pulumi's own loader does not take this TypeScript",
	async t => {
		const { path } = machine(t);
		const { exitCode } = await runProgram(VALUES, { PATH: path, PULUMI_NODEJS_TYPESCRIPT: 'true' });
		t.not(exitCode, 0);
	},
);
