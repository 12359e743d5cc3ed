// A refusal that passes: the pod that met it gets its Secret later, without a change of its annotation.
import test from 'ava';
import { startStores } from '../helpers/environment/stores.ts';
import { annotation } from '../helpers/environment/test-environment.ts';

const UPGRADING =
	'Upgrading from non-versioned to versioned data. This backend will be unavailable for a brief period and ' +
	'will resume service shortly.';

for (const [what, text, code] of [
	['that its KV engine is being upgraded', UPGRADING, 'PROVIDER_UNAVAILABLE'],
	['a reason that JASM does not know', 'no such thing at this moment', 'PROVIDER_REQUEST_INVALID'],
] as const) {
	test(`Vault answers 400 with ${what}: the read is tried again until it succeeds`, async t => {
		const stores = await startStores(t, { virtualTime: true });
		const { environment, vault } = stores;
		await environment.start({ config: stores.config });
		await vault.put('prod/db', '{"a":"1"}');
		const team = await environment.namespace('team');
		const fault = vault.vault.inject({ status: 400, body: JSON.stringify({ errors: [text] }) });
		await environment.pod(team, 'web', annotation({ provider: 'vault', path: 'prod/db' }));
		t.true((await environment.event(team, 'web', 'SecretFetchFailed')).note.includes(`(${code})`));
		fault.stop();
		await environment.clock.advance(20_000);
		t.is((await environment.secret(team, 'db')).data['a'], '1');
	});
}

test('AWS calls a request invalid: the read is tried again until it succeeds', async t => {
	const environment = (await startStores(t, { virtualTime: true })).environment;
	await environment.start();
	environment.secretsManager.put('/prod/db', { a: '1' });
	const team = await environment.namespace('team');
	const fault = environment.secretsManager.inject({
		type: 'InvalidRequestException',
		message: '',
		status: 400,
	});
	await environment.pod(team, 'web', annotation({ path: '/prod/db' }));
	const { note } = await environment.event(team, 'web', 'SecretFetchFailed');
	t.true(note.includes('(PROVIDER_REQUEST_INVALID)'), note);
	fault.stop();
	await environment.clock.advance(20_000);
	t.is((await environment.secret(team, 'db')).data['a'], '1');
});

test('Key Vault calls a request invalid: the read is tried again until it succeeds', async t => {
	const stores = await startStores(t, { virtualTime: true });
	const { environment, keyVault } = stores;
	await environment.start({ config: stores.config });
	keyVault.server.put('prod-db', { a: '1' });
	const team = await environment.namespace('team');
	const fault = keyVault.server.inject({
		status: 400,
		body: '{"error":{"code":"BadParameter","message":"m"}}',
	});
	await environment.pod(team, 'web', annotation({ provider: 'keyvault', path: 'prod-db' }));
	const { note } = await environment.event(team, 'web', 'SecretFetchFailed');
	t.true(note.includes('(PROVIDER_REQUEST_INVALID)'), note);
	fault.stop();
	await environment.clock.advance(20_000);
	t.is((await environment.secret(team, 'db')).data['a'], '1');
});

test('a value that is too large is read again, as the next one may fit', async t => {
	const environment = (await startStores(t, { virtualTime: true })).environment;
	await environment.start();
	const many = Object.fromEntries(Array.from({ length: 1_025 }, (_, index) => [`k${index}`, '']));
	environment.secretsManager.put('/prod/db', many);
	const team = await environment.namespace('team');
	await environment.pod(team, 'web', annotation({ path: '/prod/db' }));
	const { note } = await environment.event(team, 'web', 'SecretSyncFailed');
	t.true(note.includes('(SECRET_TOO_LARGE)'), note);
	environment.secretsManager.put('/prod/db', { a: '1' });
	await environment.clock.advance(20_000);
	t.is((await environment.secret(team, 'db')).data['a'], '1');
});
