// Tokens and authorities rotate while the controller runs: no pod is missed, and nothing is restarted for it.
import { writeFileSync } from 'node:fs';
import test, { type ExecutionContext } from 'ava';
import { answers } from '../../testing/index.ts';
import { annotation, startStage } from '../helpers/stage.ts';

const USER = 'system:serviceaccount:jasm:jasm';

/** A controller whose token and authority are files, as the kubelet projects them. */
async function startRotating(t: ExecutionContext) {
	const stage = await startStage(t, { virtualTime: true });
	const team = await stage.namespace('team');
	const tokenFile = stage.file(await stage.cluster.createToken());
	const authorityFile = stage.file(stage.api.ca);
	const named = { name: 'jasm' };
	const kubeconfig = JSON.stringify({
		apiVersion: 'v1',
		kind: 'Config',
		'current-context': 'jasm',
		clusters: [{ ...named, cluster: { server: stage.api.url, 'certificate-authority': authorityFile } }],
		users: [{ ...named, user: { 'auth-provider': { name: 'tokenFile', config: { tokenFile } } } }],
		contexts: [{ ...named, context: { cluster: 'jasm', user: 'jasm' } }],
	});
	const controller = await stage.start({ kubeconfig });
	await stage.ask(team, 'before');
	await stage.event(team, 'before', 'SecretSyncSuccess');
	const until = (name: string, maxMs: number) =>
		stage.clock.runUntil(() => stage.world.secret(team, name) !== undefined, { maxMs });
	return { stage, team, controller, tokenFile, authorityFile, until };
}

test.serial(
	'a token that is rotated is read anew, also where the API server does not know the new one yet',
	async t => {
		const { stage, team, controller, tokenFile, until } = await startRotating(t);
		stage.api.faults.revokeTokens();
		writeFileSync(tokenFile, `${await stage.cluster.createToken()}\n`);
		stage.api.faults.inject(
			{ user: USER, verb: 'create', resource: 'secrets' },
			{ answer: answers.unauthorized },
			2,
		);
		await stage.ask(team, 'during');
		t.true((await until('during', 10_000)) <= 10_000);
		stage.api.requests.clear();
		stage.api.faults.endWatches();
		await stage.ask(team, 'after');
		await until('after', 5_000);
		const [watch] = stage.api.requests.filter({ verb: 'watch', resource: 'pods' });
		t.is(watch!.user, USER);
		t.is(stage.secretsManager.count('GetSecretValue', '/prod/before'), 1);
		t.true(controller.running);
	},
);

test.serial('without a valid token the controller waits and is back as soon as there is one', async t => {
	const { stage, team, controller, tokenFile, until } = await startRotating(t);
	stage.api.faults.revokeTokens();
	stage.api.faults.endWatches();
	await stage.ask(team, 'later');
	await stage.clock.advance(60_000);
	t.is(stage.world.secret(team, 'later'), undefined);
	t.is((await controller.probe('/livez')).status, 200);
	writeFileSync(tokenFile, await stage.cluster.createToken());
	await until('later', 90_000);
	t.is((await controller.probe('/readyz')).status, 200);
	t.true(controller.running);
});

test.serial('an authority that changes is trusted from the next connection on', async t => {
	const { stage, team, controller, authorityFile, until } = await startRotating(t);
	writeFileSync(authorityFile, stage.api.faults.changeCertificate());
	stage.api.faults.dropConnections();
	stage.secretsManager.put('/prod/after', { name: 'after' });
	// The public does not follow the change: the pod comes from inside.
	const annotations = {
		'jasm.codnod.io/secret-sync': annotation({ path: '/prod/after', secretName: 'after' }),
	};
	const metadata = { namespace: team, name: 'after', annotations };
	stage.api.create({ kind: 'Pod', metadata, spec: { containers: [{ name: 'app', image: 'app:1' }] } });
	t.true((await until('after', 10_000)) <= 10_000);
	t.true(controller.running);
	t.is(stage.secretsManager.count('GetSecretValue', '/prod/before'), 1);
});

test.serial('an authority that nobody trusts is never talked to', async t => {
	const { stage, team, controller } = await startRotating(t);
	stage.api.faults.changeCertificate();
	stage.api.faults.dropConnections();
	await stage.clock.settle();
	stage.api.requests.clear();
	await stage.clock.advance(30_000);
	t.is(stage.api.requests.count({ user: USER }), 0);
	t.is(stage.world.secret(team, 'after'), undefined);
	t.true(controller.running);
});
