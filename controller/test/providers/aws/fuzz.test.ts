// Whatever Secrets Manager, STS, an agent of the node or a file gives, the report has a code, a retry and no value.
import test, { type ExecutionContext } from 'ava';
import fc from 'fast-check';
import { readFailure } from '../../../src/providers/aws/errors.ts';
import { signInFailure } from '../../../src/providers/aws/sign-in-errors.ts';
import { createProviders } from '../../../src/providers/registry.ts';
import { toJasmError } from '../../../src/providers/shared/failure.ts';
import { systemClock } from '../../../src/runtime/clock.ts';
import { checked, type Written } from '../../helpers/provider-config.ts';
import { CLAIMS, folder, jwt } from '../../helpers/servers/aws.ts';
import { startFuzzed } from '../../helpers/servers/fuzzed-server.ts';
import {
	answers,
	BAD_FILES,
	CANARY,
	checkReads,
	checkReport,
	fileWith,
	madeUp,
	thrown,
} from '../shared/fuzz.ts';

const KEYS = { AWS_ACCESS_KEY_ID: 'AKIATEST', AWS_SECRET_ACCESS_KEY: 'test' };

async function opened(t: ExecutionContext, fields: Written, env: Record<string, string> = {}) {
	const registry = createProviders(
		{ aws: checked({ kind: 'aws-secretsmanager', region: 'eu-west-1', timeoutMs: 20_000, ...fields }, env) },
		{ env, clock: systemClock, warn: () => {} },
	);
	t.teardown(() => registry.close());
	const provider = await registry.get('aws');
	return (path: string) => provider.read({ path }, new AbortController().signal);
}

const indexIn = (text: string) => Number(/case-(\d+)/.exec(text)?.[1] ?? 0);

test('an answer of any status, headers and bytes ends in a coded report', async t => {
	const cases = madeUp(t, answers, 300);
	const { url } = await startFuzzed(t, ({ body }) => cases[indexIn(body)]!);
	const read = await opened(t, { endpoint: url, credentials: 'environment' }, KEYS);
	await checkReads(t, cases, index => read(`case-${index}`));
});

test('web-identity: any answer of STS ends in a coded report', async t => {
	const cases = madeUp(t, answers, 100);
	const { url } = await startFuzzed(t, ({ body }) => cases[indexIn(body)]!);
	const tokenFile = fileWith(t, jwt(CLAIMS));
	await checkReads(t, cases, async index => {
		const roleArn = `arn:aws:iam::123456789012:role/case-${index}`;
		return (await opened(t, { endpoint: url, stsEndpoint: url, roleArn, tokenFile }))('db');
	});
});

test('container: any answer of the agent ends in a coded report', async t => {
	const bare = ['null', '1', '""', '[]', 'true'].map(body => ({ status: 400, headers: {}, body }));
	const cases = [...bare, ...madeUp(t, answers, 30)];
	const { url } = await startFuzzed(t, request => cases[indexIn(request.url)]!);
	await checkReads(t, cases, async index => {
		const env = { AWS_CONTAINER_CREDENTIALS_FULL_URI: `${url}/case-${index}` };
		return (await opened(t, { endpoint: url, credentials: 'container' }, env))('db');
	});
});

test.serial('instance: any answer of the metadata service ends in a coded report', async t => {
	const cases = madeUp(t, answers, 20);
	for (const [index, answer] of cases.entries()) {
		let asked = 0;
		// The session, the role and its keys are asked for in turn; each is made up once.
		const { url } = await startFuzzed(t, () =>
			asked++ === index % 3 ? answer : { status: 200, headers: {}, body: 'text' },
		);
		process.env['AWS_EC2_METADATA_SERVICE_ENDPOINT'] = url;
		await checkReads(t, [answer], async () =>
			(await opened(t, { endpoint: url, credentials: 'instance' }))('db'),
		);
	}
});

for (const credentials of ['web-identity', 'container', 'instance', 'profile', 'environment'] as const) {
	test(`${credentials}: any error of the SDK or of Node ends in a coded report`, t => {
		fc.assert(
			fc.property(thrown, error => {
				checkReport(t, toJasmError('reading', readFailure(error)), error);
				checkReport(t, toJasmError('reading', signInFailure(credentials, error)), error);
			}),
			{ numRuns: 500 },
		);
	});
}

for (const [what, content] of Object.entries(BAD_FILES)) {
	test(`a file that is ${what}, in any field or variable, ends in a coded report that keeps its bytes`, async t => {
		const path = content === undefined ? '/nowhere/file' : fileWith(t, content);
		const { url, ca } = await startFuzzed(t, () => ({ status: 400, headers: {}, body: '{}' }), { tls: true });
		const good = {
			endpoint: url,
			stsEndpoint: url,
			caFile: fileWith(t, ca),
			roleArn: 'arn:aws:iam::123456789012:role/jasm',
			tokenFile: fileWith(t, jwt(CLAIMS)),
		};
		const own = { endpoint: url, caFile: good.caFile };
		const cases: (readonly [Written, Record<string, string>])[] = [
			[{ ...good, caFile: path }, {}],
			[{ ...good, tokenFile: path }, {}],
			[{ ...good, tokenFile: folder(t) }, {}],
			[{ ...good, proxy: 'http://127.0.0.1:1', proxyCredentialsFile: path }, {}],
			[
				{ ...own, credentials: 'profile' },
				{ AWS_CONFIG_FILE: path, AWS_SHARED_CREDENTIALS_FILE: path },
			],
			[
				{ ...own, credentials: 'container' },
				{ AWS_CONTAINER_CREDENTIALS_FULL_URI: url, AWS_CONTAINER_AUTHORIZATION_TOKEN_FILE: path },
			],
		];
		await checkReads(t, cases, async index => (await opened(t, ...cases[index]!))('db'));
	});
}

test('a profile of any content ends in a coded report', async t => {
	const cases = [
		'[profile codnod]\nrole_arn=x\nsource_profile=codnod\n',
		'[profile codnod]\nrole_arn=arn:aws:iam::1:role/x\ncredential_source=Environment\n',
		`[profile codnod]\ncredential_process=printf '${CANARY}'\n`,
		`[profile codnod]\ncredential_process=false\n`,
		'[profile codnod]\nsso_session=none\nsso_account_id=1\nsso_role_name=x\n',
		'[profile codnod]\nsso_start_url=https://x\nsso_region=y\nsso_account_id=1\nsso_role_name=x\n',
		'[profile codnod]\nweb_identity_token_file=/nowhere\nrole_arn=x\n',
		`[profile codnod\n${CANARY}`,
	];
	await checkReads(t, cases, async index => {
		const file = fileWith(t, cases[index]!);
		const env = { AWS_CONFIG_FILE: file, AWS_SHARED_CREDENTIALS_FILE: '/nowhere' };
		return (await opened(t, { endpoint: 'http://127.0.0.1:1', credentials: 'profile' }, env))('db');
	});
});
