// The main job on real input: an embedded cluster, three stores, annotated pods, the built controller; exits 0 if all held.
import { parseArgs } from 'node:util';
import { openEnvironment, type TestEnvironment } from './demo/environment.ts';
import {
	BROKEN,
	type Expected,
	LATE,
	POLICY,
	REPLICAS,
	RESTARTED,
	ROTATED,
	SECRETS,
	STORES,
	WELL,
} from './demo/fixtures.ts';
import { Observer } from './demo/observer.ts';
import { Report } from './demo/report.ts';
import { User } from './demo/user.ts';

const hold = holds(process.argv.slice(2));
const environment = await openEnvironment(POLICY).catch((error: Error) => end(error.message));
const interrupted = new Promise<'interrupted'>(resolve => {
	for (const signal of ['SIGINT', 'SIGTERM'] as const) {
		process.once(signal, () => resolve('interrupted'));
	}
});
const report = new Report();
try {
	const outcome = await Promise.race([perform(environment, report), interrupted]);
	if (hold && outcome !== 'interrupted') {
		report.hold(environment);
		await interrupted;
	}
} finally {
	await environment.close({ keepLog: !report.passed });
	report.closed(environment);
}

process.exit(report.passed ? 0 : 1);

function holds(args: string[]): boolean {
	try {
		return parseArgs({ args, options: { hold: { type: 'boolean', default: false } } }).values.hold;
	} catch (error) {
		return end(`${(error as Error).message}\nusage: pnpm demo [--hold]`);
	}
}

function end(message: string): never {
	process.stderr.write(`${message}\n`);
	process.exit(1);
}

async function perform(environment: TestEnvironment, report: Report): Promise<void> {
	const { api, stores } = environment;
	const user = new User(environment.kubeconfigPath);
	const observer = new Observer(api);
	for (const seed of SECRETS) {
		stores.put(seed);
	}

	report.step('The controller leads, with rights to create and update Secrets and to read none.');
	await user.createNamespace('billing');

	await user.createForeignSecret('shop', 'hands-off');
	report.step('Creating annotated pods, one after the other …');
	for (const expected of [...WELL, ...BROKEN]) {
		const { namespace, pod, annotation, secrets = {}, reads } = expected;
		await user.createPod(namespace, pod, annotation, reads === undefined ? Object.keys(secrets) : [reads]);
		await observer.event(expected.namespace, expected.pod, expected.reason);
		await check(expected);
	}

	report.step(`… and a Deployment of ${REPLICAS.count} replicas.`);
	await burst();
	await containers();
	await rotation();

	report.step('Rotating a secret, and creating a pod that asks to start after its secrets …');
	await gate();
	await restart();

	report.step(
		'Creating the secret that pod shop/early waits for: JASM looks for it again without a change to the pod.',
	);
	stores.put(LATE);
	const latencyMs = await observer.secret('shop', 'late', performance.now());
	const keys = await user.keysOf('shop', 'late');
	report.row({
		what: 'the late secret, once it exists',
		pod: 'shop/early',
		store: LATE.store,
		secret: 'late',
		keys,
		latencyMs,
	});
	report.expect('a pod whose secret comes later gets it without being touched', `${keys}` === 'ARRIVED');
	report.events(await user.eventsOf('shop'));
	const calls = STORES.map(store => ({ store, reads: stores.reads(store), signIns: stores.signIns(store) }));
	report.expect(
		'each store is signed in to once, AWS once more for its queue, with the token of its audience',
		calls.every(({ store, signIns }) => signIns === (store === 'AWS' ? 2 : 1)),
	);
	report.usage(await environment.usage(), calls);
	report.end();

	async function check({
		title,
		namespace,
		pod,
		secrets = {},
		reason,
		store,
		stores: storeOf,
	}: Expected): Promise<void> {
		for (const [secret, expectedKeys] of Object.entries(secrets)) {
			const latencyMs = await observer.secret(namespace, secret, observer.createdAt(namespace, pod));
			const keys = await user.keysOf(namespace, secret);
			report.row({
				what: title,
				pod: `${namespace}/${pod}`,
				store: storeOf?.[secret] ?? store ?? '-',
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
				store: store ?? '-',
				secret: '-',
				keys,
				reason,
			});
		}

		if (reason === 'PolicyDenied') {
			report.expect(
				'a denied path is never asked for',
				['stolen', 'filched'].every(name => observer.noneWritten('shop', name)) &&
					stores.reads('AWS', '/prod/billing/api') === 1 &&
					stores.reads('Vault', 'prod/billing/api') === 0,
			);
		}

		if (reason === 'SecretNotOwned') {
			report.expect(
				'a Secret that JASM does not own stays as it is',
				`${await user.keysOf('shop', 'hands-off')}` === 'owner',
			);
		}
	}

	/** The kubelet would take the Secret of before at once: only the gate makes it wait. */
	async function gate(): Promise<void> {
		const { namespace, before, after, secretName, key, annotation, title, old, fresh } = ROTATED;
		stores.put(old);
		await user.createPod(namespace, before, annotation, [secretName]);
		await observer.secret(namespace, secretName, performance.now());
		stores.put(fresh);
		const start = observer.ungated(namespace, after, secretName);
		await user.createPod(namespace, after, annotation, [secretName], 'after-sync');
		const { at, data } = await start;
		await observer.running(namespace, after, 1);
		report.row({
			what: title,
			pod: `${namespace}/${after}`,
			store: fresh.store,
			secret: secretName,
			keys: await user.keysOf(namespace, secretName),
			latencyMs: at - observer.createdAt(namespace, after),
		});
		report.expect(
			'a pod behind the start gate starts with the value of after the rotation',
			data[key] === btoa(fresh.value[key]),
		);
	}

	/** The environment of a container never changes: JASM restarts the workload that asked for it. */
	async function restart(): Promise<void> {
		const { namespace, name, count, secretName, key, annotation, title, fresh } = RESTARTED;
		const starts = observer.startsOf(namespace, `${name}-`, [secretName, key]);
		await user.createDeployment(namespace, name, {
			annotation,
			secret: secretName,
			replicas: count,
			start: 'after-sync',
		});
		await observer.running(namespace, `${name}-`, count);
		const before = observer.runningPods(namespace).filter(pod => pod.startsWith(`${name}-`));
		report.step('Changing the secret of a Deployment that asks to be restarted for it …');
		stores.put(fresh);
		const since = performance.now();
		const after = await observer.replaced(namespace, `${name}-`, before);
		report.row({
			what: title,
			pod: `${namespace}/${name}-*`,
			store: fresh.store,
			secret: secretName,
			keys: await user.keysOf(namespace, secretName),
			latencyMs: performance.now() - since,
		});
		report.expect(
			'a restarted Deployment runs with the new value, and only with it',
			after.every(pod => starts.get(pod) === fresh.value[key]),
		);
		report.expect('… after one rollout', (await user.revisionOf(namespace, name)) === '2');
	}

	async function burst(): Promise<void> {
		const { namespace, name, count, annotation, path, secretName, title } = REPLICAS;
		const startedAt = performance.now();
		await user.createDeployment(namespace, name, { annotation, secret: secretName, replicas: count });
		const latencyMs = await observer.secret(namespace, secretName, startedAt);
		await observer.running(namespace, `${name}-`, count);
		const keys = await user.keysOf(namespace, secretName);
		const [store, pod] = ['AWS', `${namespace}/${name}-*`] as const;
		report.row({ what: title, pod, store, secret: secretName, keys, latencyMs });
		// One read serves the pods that appear within a moment; a busy machine spreads them over several.
		const [reads, writes] = [stores.reads(store, path), observer.writesOf(namespace, secretName)];
		report.note(`${count} replicas cost ${reads} read(s) of the store and ${writes} write(s) of the Secret.`);
		report.expect(`${count} replicas do not cost a read each`, reads <= count / 10);
		report.expect(`${count} replicas do not cost a write each`, writes <= count / 10);
	}

	/** The AWS store tells of the change by its queue. JASM reads a secret again after five seconds at the earliest. */
	async function rotation(): Promise<void> {
		const { namespace, name, path, secretName } = REPLICAS;
		const pods = () => observer.runningPods(namespace).filter(pod => pod.startsWith(`${name}-`));
		const before = { pods: `${pods()}`, writes: observer.writesOf(namespace, secretName) };
		report.step('Changing the secret of the Deployment at AWS: no pod is created, restarted or touched.');
		stores.put({ store: 'AWS', path, value: { TOKEN: 'rotated' } });
		const since = performance.now();
		const latencyMs = await observer.value(namespace, secretName, ['TOKEN', 'rotated'], since);
		const keys = await user.keysOf(namespace, secretName);
		const pod = `${namespace}/${name}-*`;
		report.row({
			what: 'a secret that changed at AWS',
			pod,
			store: 'AWS',
			secret: secretName,
			keys,
			latencyMs,
		});
		report.expect('a changed secret reaches its Secret without a new pod', `${pods()}` === before.pods);
		report.expect('… with one write', observer.writesOf(namespace, secretName) === before.writes + 1);
	}

	/** The node looks half a second after a pod appears; where the Secret is late, it tries again after ten seconds. */
	async function containers(): Promise<void> {
		for (const { namespace, pod } of WELL) {
			await observer.running(namespace, pod, 1);
		}

		const refused = new Set(['shop', 'billing'].flatMap(namespace => observer.refused(namespace)));
		const running = [...observer.runningPods('shop'), ...observer.runningPods('billing')];
		report.containers(running.length, running.filter(pod => refused.has(pod)).length);
		const without = BROKEN.filter(({ reason }) => reason !== 'SecretNotOwned').map(({ pod }) => pod);
		report.expect(
			'pods with their Secrets run, and pods without a Secret do not',
			without.every(pod => !running.includes(pod)),
		);
	}
}
