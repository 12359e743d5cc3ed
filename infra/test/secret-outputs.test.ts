// Secret Outputs as arguments of the components: they stay secret on their way to Pulumi's state.
import { fileURLToPath } from 'node:url';
import test from 'ava';
import { record } from './helpers/engine.ts';

/** Marks a secret on the wire, in place of the value itself. */
const SIGNATURE = '4dabf18193072939515e22adb298388d';

/** Every secret within a value, and the value without them. */
function split(value: unknown): { secrets: unknown[]; open: unknown } {
	if (typeof value !== 'object' || value === null) return { secrets: [], open: value };
	if (SIGNATURE in value) return { secrets: [value], open: undefined };
	const parts = Object.values(value).map(split);
	return { secrets: parts.flatMap(({ secrets }) => secrets), open: parts.map(({ open }) => open) };
}

test('a secret address stays secret in every input of a resource, and no secret is without a value', async t => {
	const { exitCode, messages, resources } = await record({
		directory: fileURLToPath(new URL('..', import.meta.url)),
		program: 'test/fixtures/secret-address.ts',
		project: 'jasm',
		stack: 'minikube',
		config: {},
	});
	t.is(exitCode, 0, messages.join('\n'));
	const inputs = split(resources.map(resource => resource.inputs));
	t.notRegex(JSON.stringify(inputs.open), /hidden/);
	t.regex(JSON.stringify(inputs.secrets), /hidden/);
	// Pulumi refuses a secret without a value as malformed; on the wire it is null.
	const empty = inputs.secrets.filter(secret => ((secret as { value?: unknown }).value ?? null) === null);
	t.deepEqual(empty, []);
	t.true(resources.some(({ type }) => type === 'kubernetes:apps/v1:Deployment'));
});
