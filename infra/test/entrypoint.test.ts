// The real entry point under Pulumi's real runtime: type stripping, configuration, guards, exports, exit codes.
import { chmodSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import test from 'ava';
import { load } from 'js-yaml';
import { type Recording, record } from './helpers/engine.ts';
import { violations } from './helpers/invariants.ts';
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
*"image ls") [ -f ${bin}/built ] && echo "docker.io/library/$(cat ${bin}/built)"; exit 0;;
*"image build"*) echo "$6" > ${bin}/built;;
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

/** The keys of the committed stack file, as the CLI hands them to the program. */
const COMMITTED: Record<string, string> = Object.fromEntries(
	Object.entries(
		(
			load(readFileSync(new URL('../../Pulumi.minikube.yaml', import.meta.url), 'utf8')) as {
				config: Record<string, unknown>;
			}
		).config,
	).map(([key, value]) => [key, typeof value === 'object' ? JSON.stringify(value) : String(value)]),
);

const CLEAN = { AWS_ACCESS_KEY_ID: '', AWS_SECRET_ACCESS_KEY: '', AWS_SESSION_TOKEN: '' };

function runProgram(
	values: Record<string, string>,
	environment: Record<string, string>,
	preview = false,
	secretKeys: readonly string[] = [],
): Promise<Recording> {
	const config = Object.fromEntries(Object.entries(values).map(([key, value]) => [`jasm:${key}`, value]));
	return record({
		directory,
		program: 'index.ts',
		project: 'jasm',
		stack: 'minikube',
		// The other way would bundle and assemble a real image.
		config: { ...COMMITTED, 'jasm:imageBuild': 'minikube', ...config },
		environment: { ...CLEAN, AWS_PROFILE: 'codnod', KUBECONFIG: '/home/dev/.kube/config', ...environment },
		preview,
		secretKeys,
		computed: (type, name) => (type.startsWith('aws:') ? { arn: `arn:${name}` } : {}),
	});
}

test.serial(
	'the committed stack file comes up once the account is set, and builds the image first',
	async t => {
		const { path, log } = machine(t);
		t.is(COMMITTED['pulumi:disable-default-providers'], '["*"]');
		const { exitCode, messages, outputs } = await runProgram({ awsAccountId: ACCOUNT }, { PATH: path });
		t.is(exitCode, 0, messages.join('\n'));
		t.regex(log(), /minikube -p minikube image build -t jasm-controller:[0-9a-f]{12} /);
		t.regex(String(outputs['image']), /^jasm-controller:[0-9a-f]{12}$/);
	},
);

for (const [what, expected] of [
	['resource', /Default provider for 'aws' disabled\. '.*Bucket::ambient' must use an explicit provider/],
	['call', /Default provider for 'aws' disabled/],
] as const) {
	test.serial(
		`the engine of these tests refuses a ${what} without an explicit provider, as Pulumi does`,
		async t => {
			const run = (disabled: string) =>
				record({
					directory,
					program: 'test/fixtures/no-provider.ts',
					project: 'jasm',
					stack: 'minikube',
					config: { 'test:what': what, 'pulumi:disable-default-providers': disabled },
				});
			const refused = await run('["*"]');
			t.not(refused.exitCode, 0);
			t.regex(refused.messages.join('\n'), expected);
			t.is((await run('["gcp"]')).exitCode, 0);
		},
	);
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
});

test.serial('a preview declares the same resources', async t => {
	const { path } = machine(t);
	const names = ({ resources }: Recording) => resources.map(({ urn }) => urn).sort();
	const preview = await runProgram(VALUES, { PATH: path }, true);
	t.is(preview.exitCode, 0, preview.messages.join('\n'));
	t.deepEqual(names(preview), names(await runProgram(VALUES, { PATH: path })));
});

test.serial('a preview warns of a provider that can never sign in, and only of that', async t => {
	const { path } = machine(t);
	const warning = /providers\.aws-secretsmanager: no role is known for credentials web-identity/;
	const none = { ...VALUES, identity: 'none', testSecrets: 'false' };
	const warned = await runProgram(none, { PATH: path }, true);
	t.is(warned.exitCode, 0, warned.messages.join('\n'));
	t.regex(warned.messages.join('\n'), warning);
	t.notRegex((await runProgram(VALUES, { PATH: path }, true)).messages.join('\n'), warning);
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

test.serial('a key that was set with --secret is refused, and its value is in no message', async t => {
	const { path, log } = machine(t);
	const values = { ...VALUES, providers: JSON.stringify({ hunter2: { kind: 'aws-secretsmanager' } }) };
	const run = await runProgram(values, { PATH: path }, false, ['jasm:providers']);
	t.is(run.exitCode, 32);
	t.regex(run.messages.join('\n'), /jasm:providers: is marked as secret.*--plaintext/);
	t.notRegex(run.messages.join('\n'), /hunter2/);
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
	t.regex(text, /jasm:replicas: .*\n.*jasm:awsAccountId: /);
	t.notRegex(text, /at loadConfig/);
	t.is(log(), '');
});
