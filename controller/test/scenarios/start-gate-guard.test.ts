// The release of pods runs only under the policy that holds it, and says what is missing.
import test from 'ava';
import { createStartGateUsers } from '../helpers/environment/start-gate-users.ts';
import {
	annotation,
	startEnvironment,
	startGateEnvironment,
} from '../helpers/environment/test-environment.ts';

test('the controller does not start to release pods while no policy holds it, and says what to install', async t => {
	const environment = await startGateEnvironment(t, { embedded: true });
	environment.api.delete('ValidatingAdmissionPolicyBinding', '', 'jasm-pods');
	const controller = await environment.start({ wait: false });
	const error = (await controller.ended) as { code: string; message: string; remedy: string };
	t.is(error.code, 'GUARD_MISSING');
	t.regex(error.message, /no ValidatingAdmissionPolicy keeps JASM from changing a pod/);
	t.regex(error.remedy, /install the ValidatingAdmissionPolicy/);
});

test('a controller that does not know its own pod cannot prove the policy, and does not start', async t => {
	const environment = await startGateEnvironment(t, { embedded: true });
	const controller = await environment.start({ wait: false, env: { POD_NAME: '' } });
	t.like(await controller.ended, { code: 'GUARD_MISSING' });
	const other = await environment.start({ wait: false, env: { POD_NAME: 'no-such-pod' } });
	t.regex(String(((await other.ended) as Error).message), /does not exist, so nothing can be proven/);
});

test('self-heal proves the policy for pods as well', async t => {
	const environment = await startGateEnvironment(t, { embedded: true, profile: 'self-heal' });
	environment.api.delete('ValidatingAdmissionPolicyBinding', '', 'jasm-pods');
	const controller = await environment.start({ wait: false });
	t.like(await controller.ended, { code: 'GUARD_MISSING' });
});

test('without the right to patch pods a pod stays held and hears it once, and its Secret is written all the same', async t => {
	const environment = await startGateEnvironment(t, { embedded: true });
	const { gateOf } = createStartGateUsers(environment);
	const team = await environment.namespace('team');
	environment.secretsManager.put('/prod/db', { v: '1' });
	const replica = await environment.start();
	const role = environment.api.get('ClusterRole', '', 'jasm')!;
	const rules = (role['rules'] as { resources: string[]; verbs: string[] }[]).map(rule =>
		rule.resources.includes('pods') ? { ...rule, verbs: ['list', 'watch'] } : rule,
	);
	environment.api.apply([{ ...role, rules }]);
	await environment.pod(team, 'web', annotation({ path: '/prod/db', secretName: 'db' }), {
		start: 'after-sync',
	});
	const { note, type } = await environment.event(team, 'web', 'ReleaseRefused');
	t.is(type, 'Warning');
	t.regex(note, /RELEASE_REFUSED/);
	t.is((await environment.secret(team, 'db')).data['v'], '1');
	t.deepEqual(await gateOf(team, 'web'), { gated: true, start: 'after-sync' });
	t.regex(await replica.metrics(), /jasm_releases_total\{outcome="Refused"\} 1\n/);
});

test('where releases are off the annotation holds no pod record back, and the log says so once', async t => {
	const environment = await startEnvironment(t, { embedded: true });
	const team = await environment.namespace('team');
	const replica = await environment.start();
	for (const name of ['a', 'b']) {
		environment.secretsManager.put(`/prod/${name}`, { v: name });
		await environment.pod(team, name, annotation({ path: `/prod/${name}`, secretName: name }), {
			start: 'after-sync',
		});
		await environment.event(team, name, 'SecretSyncSuccess');
	}

	t.is(replica.log.lines.filter(({ message }) => /start.release is false/.test(String(message))).length, 1);
	t.deepEqual(
		environment.api.requests.all.filter(({ verb, resource }) => verb === 'patch' && resource === 'pods'),
		[],
	);
});
