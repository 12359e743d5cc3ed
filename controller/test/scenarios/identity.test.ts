// The identity of a kubeconfig holds; tokens and authorities rotate while the controller runs, without a restart.
import { writeFileSync } from 'node:fs';
import test, { type ExecutionContext } from 'ava';
import { answers } from '../../testing/index.ts';
import { annotation, startEnvironment } from '../helpers/environment/test-environment.ts';

const USER = 'system:serviceaccount:jasm:jasm';

/** A controller whose token and authority are files, as the kubelet projects them. */
async function startRotating(t: ExecutionContext) {
	const environment = await startEnvironment(t, { virtualTime: true });
	const team = await environment.namespace('team');
	const tokenFile = environment.file(await environment.cluster.createToken());
	const authorityFile = environment.file(environment.api.ca);
	const named = { name: 'jasm' };
	const kubeconfig = JSON.stringify({
		apiVersion: 'v1',
		kind: 'Config',
		'current-context': 'jasm',
		clusters: [
			{ ...named, cluster: { server: environment.api.url, 'certificate-authority': authorityFile } },
		],
		users: [{ ...named, user: { tokenFile } }],
		contexts: [{ ...named, context: { cluster: 'jasm', user: 'jasm' } }],
	});
	const controller = await environment.start({ kubeconfig });
	await environment.ask(team, 'before');
	await environment.event(team, 'before', 'SecretSyncSuccess');
	const until = (name: string, maxMs: number) =>
		environment.clock.runUntil(() => environment.world.secret(team, name) !== undefined, { maxMs });
	return { environment, team, controller, tokenFile, authorityFile, until };
}

test.serial(
	'a rotated token is read again, also while the API server does not know the new one yet',
	async t => {
		const { environment, team, controller, tokenFile, until } = await startRotating(t);
		environment.api.faults.revokeTokens();
		writeFileSync(tokenFile, `${await environment.cluster.createToken()}\n`);
		environment.api.faults.inject(
			{ user: USER, verb: 'create', resource: 'secrets' },
			{ answer: answers.unauthorized },
			2,
		);
		await environment.ask(team, 'during');
		t.true((await until('during', 10_000)) <= 10_000);
		environment.api.requests.clear();
		environment.api.faults.endWatches();
		await environment.ask(team, 'after');
		await until('after', 5_000);
		const [watch] = environment.api.requests.filter({ verb: 'watch', resource: 'pods' });
		t.is(watch!.user, USER);
		t.is(environment.secretsManager.count('GetSecretValue', '/prod/before'), 1);
		t.true(controller.running);
	},
);

test.serial('without a valid token the controller waits and is back as soon as there is one', async t => {
	const { environment, team, controller, tokenFile, until } = await startRotating(t);
	environment.api.faults.revokeTokens();
	environment.api.faults.endWatches();
	await environment.ask(team, 'later');
	await environment.clock.advance(60_000);
	t.is(environment.world.secret(team, 'later'), undefined);
	t.is((await controller.probe('/livez')).status, 200);
	writeFileSync(tokenFile, await environment.cluster.createToken());
	await until('later', 90_000);
	t.is((await controller.probe('/readyz')).status, 200);
	t.true(controller.running);
});

test.serial('an authority that changes is trusted from the next connection on', async t => {
	const { environment, team, controller, authorityFile, until } = await startRotating(t);
	writeFileSync(authorityFile, environment.api.faults.changeCertificate());
	environment.api.faults.dropConnections();
	environment.secretsManager.put('/prod/after', { name: 'after' });
	// The public does not follow the change: the pod comes from inside.
	const annotations = {
		'jasm.codnod.io/secret-sync': annotation({ path: '/prod/after', secretName: 'after' }),
	};
	const metadata = { namespace: team, name: 'after', annotations };
	environment.api.create({ kind: 'Pod', metadata, spec: { containers: [{ name: 'app', image: 'app:1' }] } });
	t.true((await until('after', 10_000)) <= 10_000);
	t.true(controller.running);
	t.is(environment.secretsManager.count('GetSecretValue', '/prod/before'), 1);
});

test.serial('no request goes to a server whose authority is not trusted', async t => {
	const { environment, team, controller } = await startRotating(t);
	environment.api.faults.changeCertificate();
	environment.api.faults.dropConnections();
	await environment.clock.settle();
	environment.api.requests.clear();
	await environment.clock.advance(30_000);
	t.is(environment.api.requests.count({ user: USER }), 0);
	t.is(environment.world.secret(team, 'after'), undefined);
	t.true(controller.running);
});

test('an administrator who acts as another user has the rights of that user only', async t => {
	const environment = await startEnvironment(t, { embedded: true });
	const team = await environment.namespace('team');
	const config = JSON.parse(environment.api.kubeconfig());
	config.users[0].user.as = 'system:serviceaccount:default:default';
	await environment.ask(team, 'web');
	const controller = await environment.start({ kubeconfig: JSON.stringify(config), wait: false });
	t.like(await controller.ended, { code: 'KUBERNETES_FORBIDDEN' });
	t.is(environment.world.secret(team, 'web'), undefined);
});
