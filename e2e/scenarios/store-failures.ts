// Failures of one store: its pods get an Event and are served after it; pods of the other stores are not affected.

import { setUpVault, vaultPolicy, writePolicy } from '../cloud/vault-setup.ts';
import { JASM } from '../cluster/controller.ts';
import { until } from '../cluster/until.ts';
import { expect, expectSame } from './scenario-context.ts';
import { type Asked, type Shop, served, servedFrom, stock } from './store-pods.ts';

/** Failures are tried again slowly; within this time of the cure the pod has to run. */
const CURE_MS = 60_000;
/** While one store is broken, a pod of another gets its Secret within this time, much less than a read's deadline. */
const UNDISTURBED_MS = 1000;

export async function storeFailures(shop: Shop): Promise<void> {
	const { report } = shop.context;
	const { vault, keyVault } = shop.stores;

	await report.scenario(
		'Vault: denied',
		'Event says what to do; recovers when the policy allows',
		async () => {
			const asked = await stock(shop, 'Vault KV 2', 'denied');
			await writePolicy(vault, vaultPolicy(asked.request.path));
			return recovers(shop, asked, {
				says: [/PROVIDER_DENIED/, /check both/],
				cure: () => writePolicy(vault, vaultPolicy()),
			});
		},
	);
	await report.scenario('Key Vault: disabled', 'Event says so; recovers when it is enabled', async () => {
		const asked = await stock(shop, 'Key Vault', 'disabled');
		const { path } = asked.request;
		await keyVault.order({ enable: path, enabled: false });
		return recovers(shop, asked, {
			says: [/SECRET_DISABLED/, /enable the secret/],
			cure: () => keyVault.order({ enable: path, enabled: true }),
		});
	});
	await report.scenario('Vault token outlived', 'signs in again, the next pod is served', async () => {
		await servedFrom(shop, 'Vault KV 2', 'in-time');
		const before = await vault.sessions(JASM);
		expect(before.length > 0, 'the controller has no session in Vault');
		const began = Date.now();
		await until('the tokens of Vault to end', async () => {
			const now = await vault.sessions(JASM);
			return before.every(session => !now.includes(session));
		});
		const waited = Math.round((Date.now() - began) / 1000);
		const ms = await servedFrom(shop, 'Vault KV 2', 'outlived');
		const renewed = (await vault.sessions(JASM)).filter(session => !before.includes(session));
		expect(renewed.length > 0, 'Vault saw no new sign-in');
		return `${before.length} ended within ${waited} s, ${renewed.length} new; Secret ${ms} ms after the pod`;
	});
	await sealed(shop);
}

async function sealed(shop: Shop): Promise<void> {
	const { context, tenant } = shop;
	const { vault } = shop.stores;
	const { report, environment, controller } = context;
	/** One pod of each store that is not Vault, at once, with secrets that no pod asked for before. */
	const others = (when: string) =>
		Promise.all([servedFrom(shop, 'AWS', `${when}-aws`), servedFrom(shop, 'Key Vault', `${when}-azure`)]);
	let waiting: Asked | undefined;
	await report.scenario(
		'Vault sealed',
		'Event says so, nothing lost; AWS and Azure as fast as before',
		async () => {
			const kept = await stock(shop, 'Vault KV 2', 'kept');
			await served(shop, 'kept', kept.request, kept.values);
			const asked = await stock(shop, 'Vault KV 2', 'sealed');
			const usual = await others('before');
			const restarts = controller.restarts(await controller.pod());
			await vault.seal();
			await tenant.pod('sealed', { request: asked.request });
			// Its Secret exists: a Secret that JASM cannot refresh stays as it is.
			await tenant.pod('kept-too', { request: kept.request });
			const note = await tenant.event('sealed', 'SecretFetchFailed', /Vault is sealed/);
			waiting = asked;
			const meanwhile = await others('meanwhile');
			expectSame('the pod of an earlier Secret', (await tenant.printed('kept-too')).env, kept.values);
			await context.holds(tenant, 'kept', kept.values);
			expect((await tenant.liveSecret('sealed')) === undefined, 'a Secret was written without a source');
			expect(/PROVIDER_UNAVAILABLE/.test(note), `the Event has no code: ${note}`);
			expect(controller.restarts(await controller.pod()) === restarts, 'the controller restarted');
			const seen = `${note} | AWS and Azure: ${meanwhile.join(' and ')} ms, before ${usual.join(' and ')} ms`;
			return { seen, overBudget: Math.max(...meanwhile) > UNDISTURBED_MS };
		},
	);
	await report.scenario(
		'Vault restarted',
		'empty, set up again: the waiting pod runs by itself',
		async () => {
			expect(waiting !== undefined, 'no pod waits for it');
			await vault.restart();
			await setUpVault(vault, environment.cluster);
			await stock(shop, 'Vault KV 2', 'sealed');
			const back = Date.now();
			await vault.tcpProxy.open();
			const took = await runsAfter(shop, waiting, back);
			const ms = await servedFrom(shop, 'Vault KV 1', 'after');
			return `${took} it was back; the next pod's Secret after ${ms} ms`;
		},
	);
}

type Failure = {
	/** Must be in the Event: the code, what to do. */
	readonly says: readonly RegExp[];
	/** Takes the cause away. */
	readonly cure: () => Promise<unknown>;
};

async function recovers(shop: Shop, asked: Asked, failure: Failure): Promise<string> {
	const { tenant } = shop;
	const { request } = asked;
	const pod = request.secretName;
	await tenant.pod(pod, { request });
	const note = await tenant.event(pod, 'SecretFetchFailed');
	expect((await tenant.liveSecret(pod)) === undefined, 'a Secret was written all the same');
	for (const part of failure.says) expect(part.test(note), `the Event does not say ${part}: ${note}`);
	expect(!/fake/.test(note), 'the Event holds a value');
	const cured = Date.now();
	await failure.cure();
	const took = await runsAfter(shop, asked, cured);
	return `${note} | ${took} the cure`;
}

/** Separates JASM's part from the kubelet's, which retries a pod without its Secret every few seconds. */
async function runsAfter(
	{ tenant, context }: Shop,
	{ request, values }: Asked,
	since: number,
): Promise<string> {
	const pod = request.secretName;
	const { env, started } = await tenant.printed(pod, CURE_MS);
	expectSame(`the environment of ${pod}`, env, values);
	expect(context.timeline.pods.get(tenant.key(pod))?.restarts === 0, `${pod} restarted`);
	const seconds = (at = Number.NaN) => ((at - since) / 1000).toFixed(1);
	return `Secret ${seconds(context.timeline.firstSeen(tenant.key(pod)))} s, pod ${seconds(started)} s after`;
}
