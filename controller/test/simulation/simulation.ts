// One simulated life of a cluster with the whole engine in it: random actions, random faults, virtual time.
//
// Read this file first, then random-actions.ts (what happens), invariants.ts (what must hold), ledger.ts (who asked
// for what and when). simulated-cluster.ts holds the objects, gate-ledger.ts and gate-invariants.ts do the same for the start gate, streams.ts and writes.ts are its two sides on the wire,
// source.ts is the provider. Only this file imports the manager; the others know its input and output only.

import type { PodEvent } from '../../src/kubernetes/event-recorder.ts';
import type { PodRef } from '../../src/kubernetes/types.ts';
import { clusterOver } from '../../src/manager/cluster.ts';
import { createSyncController } from '../../src/manager/sync-controller.ts';
import { createLogger } from '../../src/observability/logger.ts';
import { createMetrics } from '../../src/observability/metrics.ts';
import { VirtualClock } from '../helpers/clocks/virtual-clock.ts';
import { activityAtRest, type Counts } from './activity-at-rest.ts';
import { configurationOf } from './configuration.ts';
import { gateViolations } from './gate-invariants.ts';
import { GateLedger } from './gate-ledger.ts';
import { violations } from './invariants.ts';
import { Ledger } from './ledger.ts';
import { provisions, SimulatedQueue } from './notices.ts';
import { Random } from './random.ts';
import { editByHand, randomActions } from './random-actions.ts';
import { SimulatedCluster } from './simulated-cluster.ts';
import { Source } from './source.ts';
import { SimulatedTransport } from './streams.ts';
import { SimulatedPool } from './writes.ts';

const SOURCE_PATH = 'jasm.codnod.io/source-path';
const SOURCE_VERSION = 'jasm.codnod.io/source-version';

/** A read in flight may be shared for a quarter of a second. */
const SHARED_READ_MS = 250;
/**
 * A restarted self-heal adopts a Secret by times of whole seconds: one for the pod's, one for the write's, and what
 * lies between a read and its write.
 */
const ADOPTION_MS = 5_000;

export type Verdict = {
	readonly faults: readonly string[];
	readonly writes: number;
	readonly reads: number;
	readonly releases: number;
};

/** Plays the life that the seed stands for, lets everything come to rest, and checks the invariants. */
export async function simulate(seed: number): Promise<Verdict> {
	const random = new Random(seed);
	const clock = new VirtualClock();
	const cluster = new SimulatedCluster(clock);
	const source = new Source(clock, random);
	const selfHeal = random.chance(0.5);
	cluster.profile = selfHeal ? 'self-heal' : 'write-only';
	const faultless = random.chance(0.4);
	let faultRate = 0;
	const faults = () => faultRate;
	const ledger = new Ledger(cluster, clock);
	const deletionHeardAt = new Map<string, number>();
	const untrue: string[] = [];
	let interference = 0;
	let toleranceMs = SHARED_READ_MS;
	const hasWatchList = random.chance(0.7);
	// The time that watch and write need; a read takes longer and does not count. A list in pages is of the moment
	// of its first page.
	const travelMs = hasWatchList ? 250 : 10_000;
	const gateLedger: GateLedger = new GateLedger({
		cluster,
		source,
		clock,
		writes: () => pool.writes,
		staleMs: faultless ? travelMs : Number.POSITIVE_INFINITY,
	});
	const pool = new SimulatedPool({
		cluster,
		clock,
		random,
		faults,
		guarded: !selfHeal,
		onWrite({ key, meta, at, stands }, object) {
			const path = meta.annotations?.[SOURCE_PATH] ?? '';
			if (faultless && !ledger.asked(key, path, at - travelMs)) {
				untrue.push(`${key}: written from ${path} when no pod asked for that any more`);
			}

			if (stands && random.chance(interference)) {
				cluster.handled(object);
				editByHand(cluster, object);
			}
		},
		onRelease: pod => gateLedger.patched(pod),
		onStripped: key => untrue.push(`${key}: lost its finalizer while it was being deleted`),
	});
	const transport = new SimulatedTransport({
		cluster,
		clock,
		random,
		faults,
		hasWatchList,
	});

	// Of every third life the store tells of changes. A sequence of its own keeps the other lives as they were.
	const onReceived = (path: string) => ledger.told(path);
	const queueOptions = { clock, random: new Random(seed + 1), faults, onReceived };
	const notices = seed % 3 === 1 ? new SimulatedQueue(queueOptions) : undefined;
	source.onPut = (path, version) => notices?.tell(path, version);
	const provided = provisions(source, notices);
	const { providers, kinds } = provided;
	const logger = createLogger({ level: 'silent' });
	const config = configurationOf(cluster.profile, provided);
	const credentials = { tls: async () => ({}), authorization: async () => 'Bearer x', invalidate: () => {} };
	const server = { host: 'server', port: 443, basePath: '', credentials };

	/** An Event of the controller: is what it says true at this moment? */
	function heard({ namespace, name, uid }: PodRef, { reason, note }: PodEvent): void {
		const secretName = /secret '([^']+)'/.exec(note)?.[1];
		const key = `${namespace}/${secretName}`;
		if (reason === 'SecretBeingDeleted') {
			deletionHeardAt.set(key, clock.monotonic());
		}

		if (reason !== 'SecretSyncSuccess' || secretName === undefined) {
			return;
		}

		const { meta, stands } = pool.writes.findLast(write => write.key === key)!;
		const { [SOURCE_PATH]: path = '', [SOURCE_VERSION]: version } = meta.annotations ?? {};
		if (!stands) {
			untrue.push(`${namespace}/${name}: heard of a success, but ${key} was being deleted`);
		}

		if (source.version(path, version)!.until < ledger.firstAskedAt(uid, secretName, path) - SHARED_READ_MS) {
			untrue.push(`${namespace}/${name}: served with a value from before it appeared`);
		}
	}

	/** A replica that watches; it writes and releases from `lead` until `loseLease`. */
	function startController() {
		let leading = false;
		const metrics = createMetrics();
		const watched: Pick<SimulatedPool, 'request' | 'connect' | 'recycle' | 'close'> = {
			connect: () => pool.connect(),
			recycle: () => pool.recycle(),
			close: () => pool.close(),
			request(request, signal) {
				// A request that is repeated after a fault may have been sent first while the lease was held.
				if (faultless && request.method === 'PATCH' && !leading) {
					untrue.push(`${request.path}: a release was sent without the lease`);
				}

				return pool.request(request, signal);
			},
		};
		const syncController = createSyncController({
			config,
			env: {},
			cluster: clusterOver(
				{ cluster: server, transport, pool: watched },
				{
					clock,
					random: random.next,
					logger,
					metrics,
					version: 'sim',
					watchTimeoutSeconds: { min: 300, max: 600 },
					watchSilenceMs: 70_000,
				},
			),
			clock,
			random: random.next,
			logger,
			metrics,
			providers,
			kinds,
			restartsProven: false,
			recordEvent: heard,
			mayWrite: () => leading,
		});
		const stop = new AbortController();
		let running = true;
		const ended = syncController.run(stop.signal).finally(() => {
			running = false;
		});
		return {
			lead() {
				leading = true;
				syncController.lead();
			},
			loseLease() {
				leading = false;
			},
			/** Pods that wait, as the gauge shows them. */
			gauge: async () => (await metrics.gatedPods.get()).values[0]?.value ?? 0,
			/** As SIGTERM does, or as a crash: then what is under way is cut off. */
			async end({ crash }: { readonly crash: boolean }): Promise<void> {
				if (crash) {
					syncController.abort(new Error('crashed'));
				}

				stop.abort();
				while (running) {
					await clock.advance(100);
				}

				await ended;
			},
		};
	}

	const blackout = (ms: number) => (faultless ? undefined : transport.blackout(ms));
	const actions = randomActions({ cluster, source, clock, random, blackout });
	const act = () => random.pick(actions)();
	for (let i = random.between(0, 10); i > 0; i--) {
		act();
	}

	await clock.advance(random.between(0, 120_000));
	gateLedger.absences.push({ from: 0, to: clock.monotonic() });
	let controller = startController();
	controller.lead();
	const actFor = async (times: number) => {
		for (let left = times; left > 0; left--) {
			act();
			await clock.advance(random.between(0, 5_000));
		}
	};
	/** What may be written and adopted again after another run has begun. */
	const succeeded = (from: number) => {
		ledger.restarted();
		toleranceMs = selfHeal ? ADOPTION_MS : toleranceMs;
		gateLedger.absences.push({ from, to: clock.monotonic() });
	};

	async function restart(): Promise<void> {
		const from = clock.monotonic();
		await controller.end({ crash: random.chance(0.5) });
		await actFor(random.between(0, 3));
		succeeded(from);
		controller = startController();
		controller.lead();
	}

	/** Another replica has watched for a while; the old one ends when it notices that it lost the lease. */
	async function changeLeader(): Promise<void> {
		const next = startController();
		await actFor(random.between(0, 5));
		const from = clock.monotonic();
		controller.loseLease();
		await actFor(random.between(0, 2));
		succeeded(from);
		next.lead();
		await clock.advance(random.between(0, 2_000));
		await controller.end({ crash: true });
		controller = next;
	}

	faultRate = source.faults = faultless ? 0 : random.pick([0.02, 0.05, 0.2]);
	interference = 0.1;
	for (let i = random.between(10, 60); i > 0; i--) {
		await random.pick<() => Promise<void>>([
			...Array.from({ length: 48 }, () => async () => {}),
			restart,
			changeLeader,
		])();
		act();
		await clock.advance(random.chance(0.7) ? random.between(0, 400) : random.between(400, 90_000));
	}

	faultRate = source.faults = interference = 0;
	// Longer than the longest backoff with its jitter.
	await clock.advance(15 * 60_000);
	const { writes } = pool;
	const counts = (): Counts => ({
		writes: writes.length,
		reads: source.reads.length,
		releases: gateLedger.releases,
	});
	const settled = counts();
	const wasTold = (path: string, version: string) => notices?.hasTold(path, version) ?? false;
	const outcome = { cluster, source, ledger, writes, faultless, deletionHeardAt, toleranceMs, wasTold };
	const found = violations(outcome);
	const gauge = await controller.gauge();
	found.push(...gateViolations({ ...outcome, gateLedger, gauge, now: clock.now() }));
	await clock.advance(60 * 60_000);
	const restless = activityAtRest(settled, counts(), source, cluster);
	for (const pod of cluster.all('pods')) {
		cluster.remove('pods', pod);
	}

	await clock.advance(60_000);
	const left = await controller.gauge();
	if (left !== 0) {
		restless.push(`the gauge shows ${left} waiting pods after the last pod went`);
	}

	await controller.end({ crash: false });
	return { faults: [...found, ...untrue, ...restless], ...settled };
}
