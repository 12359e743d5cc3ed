// The main job on real input: an embedded cluster, three stores, annotated pods, the built controller; exits 0 if all held.
import { BROKEN, type Expected, LATE, POLICY, REPLICAS, SECRETS, STORES, WELL } from './demo/cast.ts';
import { Person } from './demo/person.ts';
import { Report } from './demo/report.ts';
import { openStage, type Stage } from './demo/stage.ts';
import { Witness } from './demo/witness.ts';

const hold = process.argv.includes('--hold');
const stage = await openStage(POLICY);
const interrupted = new Promise<'interrupted'>(resolve => {
	for (const signal of ['SIGINT', 'SIGTERM'] as const) {
		process.once(signal, () => resolve('interrupted'));
	}
});
const report = new Report();
try {
	const outcome = await Promise.race([perform(stage, report), interrupted]);
	if (hold && outcome !== 'interrupted') {
		report.hold(stage.kubeconfigPath);
		await interrupted;
	}
} finally {
	await stage.close();
}

process.exit(report.passed ? 0 : 1);

async function perform(stage: Stage, report: Report): Promise<void> {
	const { api, stores } = stage;
	const person = new Person(stage.kubeconfigPath);
	const witness = new Witness(api);
	for (const seed of SECRETS) {
		stores.put(seed);
	}

	report.step('The controller leads, with rights to create and update Secrets and to read none.');
	for (const namespace of ['shop', 'billing']) {
		await person.createNamespace(namespace);
	}

	await person.createForeignSecret('shop', 'hands-off');
	report.step('Creating annotated pods, one after the other …');
	for (const expected of [...WELL, ...BROKEN]) {
		await person.createPod(expected.namespace, expected.pod, expected.annotation);
		await witness.event(expected.namespace, expected.pod, expected.reason);
		await judge(expected);
	}

	report.step(`… and ${REPLICAS.count} replicas at once.`);
	await burst();

	report.step(`Creating the secret that pod shop/early waits for: it is looked for again by itself.`);
	stores.put(LATE);
	const latencyMs = await witness.secret('shop', 'late', performance.now());
	const keys = await person.keysOf('shop', 'late');
	report.row({
		what: 'the late secret, once it exists',
		pod: 'shop/early',
		store: LATE.store,
		secret: 'late',
		keys,
		latencyMs,
	});
	report.expect('a pod whose secret comes later gets it without being touched', `${keys}` === 'ARRIVED');
	report.events(await person.eventsOf('shop'));
	const calls = STORES.map(store => ({ store, reads: stores.reads(store), signIns: stores.signIns(store) }));
	report.expect(
		'each store is signed in to once, with the token of its audience',
		calls.every(({ signIns }) => signIns === 1),
	);
	report.usage(await stage.usage(), calls);
	report.end();

	async function judge({
		title,
		namespace,
		pod,
		secrets = {},
		reason,
		store: its,
		stores: from,
	}: Expected): Promise<void> {
		for (const [secret, expectedKeys] of Object.entries(secrets)) {
			const latencyMs = await witness.secret(namespace, secret, witness.createdAt(namespace, pod));
			const keys = await person.keysOf(namespace, secret);
			report.row({
				what: title,
				pod: `${namespace}/${pod}`,
				store: from?.[secret] ?? its ?? '-',
				secret,
				keys,
				latencyMs,
			});
			report.expect(`${namespace}/${secret} holds ${expectedKeys}`, `${keys}` === `${expectedKeys}`);
		}

		if (Object.keys(secrets).length === 0) {
			const keys = undefined;
			report.row({
				what: title,
				pod: `${namespace}/${pod}`,
				store: its ?? '-',
				secret: '-',
				keys,
				told: reason,
			});
		}

		if (reason === 'PolicyDenied') {
			report.expect(
				'a denied path is never asked for',
				['stolen', 'filched'].every(name => witness.noneWritten('shop', name)) &&
					stores.reads('AWS', '/prod/billing/api') === 1 &&
					stores.reads('Vault', 'prod/billing/api') === 0,
			);
		}

		if (reason === 'SecretNotOwned') {
			report.expect(
				'a Secret of somebody else is left alone',
				`${await person.keysOf('shop', 'hands-off')}` === 'owner',
			);
		}
	}

	async function burst(): Promise<void> {
		const { namespace, count, annotation, path, secretName, title } = REPLICAS;
		const startedAt = performance.now();
		for (let index = 0; index < count; index++) {
			// As a ReplicaSet's controller would: faster than a person's client.
			api.create({
				kind: 'Pod',
				metadata: {
					name: `replica-${index}`,
					namespace,
					annotations: { 'jasm.codnod.io/secret-sync': annotation },
				},
				spec: { containers: [{ name: 'app', image: 'example/app' }] },
			});
		}

		await Promise.all(
			Array.from({ length: count }, (_, i) => witness.event(namespace, `replica-${i}`, 'SecretSyncSuccess')),
		);
		const latencyMs = await witness.secret(namespace, secretName, startedAt);
		const keys = await person.keysOf(namespace, secretName);
		const [store, pod] = ['AWS', `${namespace}/replica-*`] as const;
		report.row({ what: title, pod, store, secret: secretName, keys, latencyMs });
		report.expect(`${count} replicas cost one read`, stores.reads(store, path) === 1);
		report.expect(`${count} replicas cost one write`, witness.writesOf(namespace, secretName) === 1);
	}
}
