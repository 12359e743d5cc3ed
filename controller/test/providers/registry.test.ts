// The registry: exact refusal of unknown names, nothing loaded before its first use, everything closed.
import { createRequire } from 'node:module';
import test from 'ava';
import * as z from 'zod/mini';
import { JasmError } from '../../src/errors.ts';
import type { PreparedProvider, ProviderKind } from '../../src/providers/provider.ts';
import { createProviders, type ProviderConfig } from '../../src/providers/registry.ts';
import { SecretValue } from '../../src/providers/secret-value.ts';
import { VirtualClock } from '../helpers/clocks/virtual-clock.ts';
import { checked } from '../helpers/provider-config.ts';

const DEPENDENCIES = { env: {}, clock: new VirtualClock(), warn: () => {} };

type Probe = { opened: number; closed: number };

/** A kind of the test's own that counts. */
function probeKind(probe: Probe): ProviderKind {
	const prepared: PreparedProvider = {
		validatePath({ path }) {
			if (path === 'refused') {
				throw new JasmError('refused', { code: 'PROVIDER_REQUEST_INVALID' });
			}
		},
		async open() {
			probe.opened++;
			return {
				read: async ({ path }) => new SecretValue({ payload: Buffer.from(path), version: 'v' }),
				async close() {
					probe.closed++;
				},
			};
		},
	};
	return {
		schema: z.strictObject({ kind: z.literal('probe') }),
		prepare: () => prepared,
	};
}

function probed(names: readonly string[]) {
	const probe: Probe = { opened: 0, closed: 0 };
	const configs = Object.fromEntries(
		names.map(name => [name, { kind: 'probe' } as unknown as ProviderConfig]),
	);
	return {
		probe,
		registry: createProviders(configs, { ...DEPENDENCIES, kinds: [probeKind(probe)] }),
	};
}

/** Files of the SDK that this thread has loaded; outside a bundle Node takes its CommonJS build. */
const loadedSdk = () =>
	Object.keys(createRequire(import.meta.url).cache).filter(file => file.includes('client-secrets-manager'));

test.serial('nothing of a provider is loaded before its first use', async t => {
	const config = checked({ kind: 'aws-secretsmanager', region: 'eu-west-1' });
	const registry = createProviders({ aws: config }, DEPENDENCIES);
	registry.validatePath('aws', { path: 'prod/db' });
	t.deepEqual(loadedSdk(), []);
	await registry.preload();
	t.true(loadedSdk().length > 0);
	await registry.close();
});

test('a name that is not configured is refused in the words that users know, with the configured names', async t => {
	const { registry } = probed(['one', 'two']);
	for (const name of ['vault', '__proto__', 'constructor', 'toString', '']) {
		const expectation = { instanceOf: JasmError, message: `Provider '${name}' not found in registry` };
		const error = await t.throwsAsync(registry.get(name), expectation);
		t.is(error.code, 'PROVIDER_UNSUPPORTED');
		t.deepEqual(error.details, { configured: 'one, two' });
		t.throws(() => registry.validatePath(name, { path: 'x' }), expectation);
	}
});

test('a misspelt name is refused with the configured name that was meant', t => {
	const { registry } = probed(['aws-secretsmanager', 'vault-eu']);
	for (const name of ['aws-secretmanager', 'AWS_SecretsManager', 'aws-secretsmanagers']) {
		t.throws(() => registry.validatePath(name, { path: 'x' }), {
			instanceOf: JasmError,
			message: `Provider '${name}' not found in registry; did you mean 'aws-secretsmanager'?`,
		});
	}
});

test('a kind that does not exist is refused at the start, inherited names included', t => {
	for (const kind of ['gcp', 'constructor', '__proto__']) {
		const configs = { one: { kind } as unknown as ProviderConfig };
		const error = t.throws(() => createProviders(configs, DEPENDENCIES), { instanceOf: JasmError });
		t.is(error.code, 'CONFIG_INVALID');
		t.regex(error.message, /provider one/);
	}
});

test('a provider is opened once, however many ask for it at once', async t => {
	const { probe, registry } = probed(['one', 'two']);
	const [first, second] = await Promise.all([registry.get('one'), registry.get('one')]);
	t.is(first, second);
	t.is(probe.opened, 1);
	t.is((await first.read({ path: 'x' }, new AbortController().signal)).payload().toString(), 'x');
});

test('paths are judged by the rules of their own provider', t => {
	const { registry } = probed(['one']);
	t.notThrows(() => registry.validatePath('one', { path: 'fine' }));
	t.throws(() => registry.validatePath('one', { path: 'refused' }), { instanceOf: JasmError });
});

test('preloading opens all, closing closes what was opened', async t => {
	const { probe, registry } = probed(['one', 'two']);
	await registry.close();
	t.deepEqual(probe, { opened: 0, closed: 0 });
	await registry.preload();
	await registry.close();
	t.deepEqual(probe, { opened: 2, closed: 2 });
});
