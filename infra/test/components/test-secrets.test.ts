// The test secrets: fake, write-only, tagged.
import test from 'ava';
import { TEST_SECRETS, TestSecrets } from '../../src/components/test-secrets.ts';
import { declare } from '../helpers/declare.ts';
import type { Declared } from '../helpers/invariants.ts';

// biome-ignore lint/suspicious/noExplicitAny: inputs of every kind, read by path
const inputs = (resource: Declared): any => resource.inputs;

test.serial('test secrets are fake, write-only, and their names are free again at once', async t => {
	const { resources } = await declare(() => void new TestSecrets('test', { tags: { team: 'x' } }));
	const secrets = resources.filter(({ type }) => type.endsWith(':Secret')).map(inputs);
	t.deepEqual(secrets.map(({ name }) => name).sort(), Object.keys(TEST_SECRETS).sort());
	for (const secret of secrets) t.like(secret, { recoveryWindowInDays: 0, tags: { team: 'x' } });
	for (const version of resources.filter(({ type }) => type.endsWith(':SecretVersion')).map(inputs)) {
		t.is(version.secretStringWoVersion, 1);
		t.is(version.secretString, undefined);
		t.truthy(version.secretStringWo['4dabf18193072939515e22adb298388d']);
	}
	for (const value of Object.values(TEST_SECRETS)) t.regex(value, /fake/);
});
