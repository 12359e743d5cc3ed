// A store without versions: the time at which a Secret changed stands in for them.
import test from 'ava';
import { startRestartEnvironment } from '../helpers/environment/restart-environment.ts';
import { annotation } from '../helpers/environment/test-environment.ts';
import { prepareVault } from '../helpers/servers/vault.ts';
import { startEmbedded } from '../helpers/servers/vault-target.ts';

const MINUTE = 60_000;

test("each change of a secret of Vault's KV version 1 restarts the workload, and nothing else does", async t => {
	const vault = await prepareVault(await startEmbedded(), { kvVersion: 1 });
	t.teardown(() => vault.close());
	const stage = await startRestartEnvironment(t);
	const { environment, clock } = stage;
	const team = await stage.namespace('team');
	const file = environment.configFile() as { providers: object; policy: object[] };
	await vault.put('prod/db', '{"value":"first"}');
	await stage.start(
		[team],
		{},
		{
			config: {
				providers: { ...file.providers, vault: vault.config },
				policy: [...file.policy, { namespaces: [team], provider: 'vault', paths: ['prod/**'] }],
			},
		},
	);
	const request = { provider: 'vault', path: 'prod/db' };
	const text = annotation({ ...request, onChange: 'restart' });
	await stage.workload(team, 'web', { text });
	await stage.holds(team, 'db', 'first');
	for (const [index, value] of ['second', 'third'].entries()) {
		await clock.advance(20 * MINUTE);
		await vault.put('prod/db', JSON.stringify({ value }));
		await environment.pod(team, `reader-${index}`, annotation(request));
		await stage.holds(team, 'db', value);
		await clock.advance(20 * MINUTE);
		t.is(stage.generationOf(team, 'web'), index + 2, value);
		t.is(stage.restarts('web').length, index + 1);
	}

	// A read that finds the same value.
	await environment.pod(team, 'reader-of-the-same', annotation(request));
	await clock.advance(20 * MINUTE);
	t.is(stage.generationOf(team, 'web'), 3);
});
