// The start gate while the leader changes: a standby knows every waiting pod, and takes the releases of the leader for
// what they are.
import test from 'ava';
import { createStartGateUsers } from '../helpers/environment/start-gate-users.ts';
import { annotation, startGateEnvironment } from '../helpers/environment/test-environment.ts';

const ELECT = ['--leader-elect'];
const asks = (name: string) => annotation({ path: `/prod/${name}`, secretName: name });

test.serial(
	'the next leader releases the pods that still wait, and sends nothing about those that were released before',
	async t => {
		const environment = await startGateEnvironment(t);
		const { released, gateOf, patchesOf } = createStartGateUsers(environment);
		const team = await environment.namespace('team');
		environment.secretsManager.put('/prod/db', { v: '1' });
		const leader = await environment.start({ argv: ELECT });
		await leader.log.waitFor({ message: 'leading' });
		const standby = await environment.start({ argv: ELECT });
		await environment.pod(team, 'early', asks('db'), { start: 'after-sync' });
		await environment.pod(team, 'waiting', asks('late'), { start: 'after-sync' });
		await released(team, 'early');
		await environment.event(team, 'waiting', 'WaitingForSecret');

		await environment.stop(leader);
		await standby.log.waitFor({ message: 'leading' });
		t.deepEqual(await gateOf(team, 'waiting'), { gated: true, start: 'after-sync' });
		environment.secretsManager.put('/prod/late', { v: '2' });
		await released(team, 'waiting');
		t.is((await environment.secret(team, 'late')).data['v'], '2');
		await environment.barrier(team);
		t.is(patchesOf(team, 'early'), 1);
		t.is(patchesOf(team, 'waiting'), 1);
		t.regex(await standby.metrics(), /jasm_releases_total\{outcome="Fresh"\} 1\n/);
		t.notRegex(await standby.metrics(), /outcome="ByHand"/);
		t.is(await standby.metric('jasm_gated_pods'), 0);
	},
);
