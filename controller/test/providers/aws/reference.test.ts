// Where a path may lead in AWS: names as they are, complete ARNs of listed accounts and regions, nothing else.
import test from 'ava';
import fc from 'fast-check';
import { JasmError } from '../../../src/errors.ts';
import { type AwsScope, locate } from '../../../src/providers/aws/reference.ts';

const SCOPE: AwsScope = {
	region: 'eu-west-1',
	regions: ['eu-west-1', 'us-gov-west-1', 'cn-north-1'],
	accounts: ['123456789012'],
};

const ARN = 'arn:aws:secretsmanager:eu-west-1:123456789012:secret:/prod/db-AbC1dE';

function codeOf(path: string, scope = SCOPE, version?: string): string | undefined {
	try {
		locate(version === undefined ? { path } : { path, version }, scope);
		return undefined;
	} catch (error) {
		return error instanceof JasmError ? error.code : String(error);
	}
}

test('names are read in the configured region', t => {
	for (const path of [
		'prod/db',
		'/prod/db',
		'a',
		'A-Z_0+9=.@x',
		'prod/my-secret',
		'v1.2/db',
		'x'.repeat(512),
	]) {
		t.deepEqual(locate({ path }, SCOPE), { region: 'eu-west-1', name: path, arn: false });
	}
});

test('a complete ARN is read in its own region, and messages may show its name without the account', t => {
	t.deepEqual(locate({ path: ARN }, SCOPE), { region: 'eu-west-1', name: '/prod/db', arn: true });
	t.is(
		locate({ path: ARN.replace('aws:', 'aws-us-gov:').replace('eu-west-1', 'us-gov-west-1') }, SCOPE).region,
		'us-gov-west-1',
	);
	t.is(codeOf(ARN.replace('aws:', 'aws-cn:').replace('eu-west-1', 'cn-north-1')), undefined);
});

test('without a list of accounts every ARN is refused', t => {
	t.is(codeOf(ARN, { ...SCOPE, accounts: [] }), 'POLICY_DENIED');
});

test('an ARN of another account, region or partition is refused', t => {
	t.is(codeOf(ARN.replace('123456789012', '210987654321')), 'POLICY_DENIED');
	t.is(codeOf(ARN.replace('eu-west-1', 'eu-west-2')), 'POLICY_DENIED');
	t.is(codeOf(ARN.replace('aws:', 'aws-cn:')), 'PROVIDER_REQUEST_INVALID');
	t.is(codeOf(ARN.replace('eu-west-1', 'cn-north-1')), 'PROVIDER_REQUEST_INVALID');
});

test('an ARN without its suffix is refused: the service would search by prefix', t => {
	t.is(codeOf(ARN.slice(0, -7)), 'PROVIDER_REQUEST_INVALID');
	t.is(codeOf(ARN.slice(0, -1)), 'PROVIDER_REQUEST_INVALID');
	t.is(codeOf('arn:aws:secretsmanager:eu-west-1:123456789012:secret:-AbC1dE'), 'PROVIDER_REQUEST_INVALID');
});

test('what only looks like an ARN is refused', t => {
	for (const path of [
		'arn:',
		'ARN:aws:secretsmanager:eu-west-1:123456789012:secret:/prod/db-AbC1dE',
		ARN.replace('secretsmanager', 'ssm'),
		ARN.replace('123456789012', ''),
		ARN.replace('123456789012', '*'),
		ARN.replace('eu-west-1', '*'),
		ARN.replace(':secret:', ':parameter:'),
		ARN.replace('/prod/db', '/prod/../db'),
		`${ARN}:json-key:AWSCURRENT:`,
		` ${ARN}`,
		`${ARN}\n`,
		`arn:aws:secretsmanager:eu-west-1:123456789012:secret:${'x'.repeat(2_048)}-AbC1dE`,
	]) {
		t.is(codeOf(path), 'PROVIDER_REQUEST_INVALID', path);
	}
});

test('whatever is accepted holds no control character and no segment that leads elsewhere', t => {
	const path = fc.oneof(
		fc.string({ unit: 'binary' }),
		fc.stringMatching(/^[a-z/.%\\~ -]{0,20}$/),
		fc.string({ unit: fc.constantFrom('a', '/', '.', '-', ':', '%', '\\', '\u0000', ' ', 'é') }),
	);
	fc.assert(
		fc.property(path, text => {
			if (codeOf(text) === undefined) {
				t.notRegex(text, /[\p{C}\p{Zl}\p{Zp}:]/u);
				t.false(text.split('/').some(segment => segment === '.' || segment === '..'));
			}
		}),
		{ numRuns: 1_000 },
	);
});

test('no refusal repeats the path or the version', t => {
	for (const [path, version] of [
		['canary/../canary', undefined],
		['arn:canary', undefined],
		[ARN.replace('123456789012', '999999999999'), undefined],
		['prod/db', 'canary canary'],
	] as const) {
		const error = t.throws(() => locate({ path, ...(version !== undefined && { version }) }, { ...SCOPE }), {
			instanceOf: JasmError,
		});
		t.notRegex(error.message, /canary|999999999999/);
	}
});
