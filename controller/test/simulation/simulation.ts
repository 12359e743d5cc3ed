// One simulated life of a cluster with the whole engine in it: random deeds, random faults, virtual time.
import { clusterOver } from '../../src/cluster.ts';
import { loadConfig } from '../../src/config.ts';
import { createEngine } from '../../src/engine.ts';
import { createLogger } from '../../src/logger.ts';
import { createMetrics } from '../../src/metrics.ts';
import { VirtualClock } from '../helpers/virtual-clock.ts';
import { deedsIn, editByHand } from './deeds.ts';
import { judge } from './judge.ts';
import { Ledger, syncsOf } from './ledger.ts';
import { Random } from './random.ts';
import { Source } from './source.ts';
import { SimulatedTransport } from './streams.ts';
import { MANAGED, World } from './world.ts';
import { SimulatedSession } from './writes.ts';

const SOURCE_PATH = 'jasm.codnod.io/source-path';
const SOURCE_VERSION = 'jasm.codnod.io/source-version';

const CONFIG = (profile: string) => `
profile: ${profile}
policy:
  - {namespaces: ["team-*"], provider: simulated, paths: ["/prod/{namespace}/**", "/shared/**"]}
`;

export type Verdict = { readonly faults: readonly string[]; readonly writes: number; readonly reads: number };

/** Plays the life that the seed tells, lets everything come to rest, and judges what is there. */
export async function simulate(seed: number): Promise<Verdict> {
	const random = new Random(seed);
	const clock = new VirtualClock();
	const world = new World(clock);
	const source = new Source(clock, random);
	const selfHeal = random.chance(0.5);
	world.profile = selfHeal ? 'self-heal' : 'write-only';
	const calm = random.chance(0.4);
	let faultRate = 0;
	const faults = () => faultRate;
	const ledger = new Ledger(world, clock);
	const untrue: string[] = [];
	let meddling = 0;
	const session = new SimulatedSession({
		world,
		clock,
		random,
		faults,
		guarded: !selfHeal,
		onWrite({ key, meta, at }, object) {
			const path = meta.annotations?.[SOURCE_PATH] ?? '';
			// What the watch and the write take to travel; a read takes longer and does not count.
			if (calm && !ledger.asked(key, path, at - 250)) {
				untrue.push(`${key}: written from ${path} when nobody asked for that any more`);
			}

			if (random.chance(meddling)) {
				world.handled.add(key);
				editByHand(world, object);
			}
		},
	});
	const transport = new SimulatedTransport({
		world,
		clock,
		random,
		faults,
		hasWatchList: random.chance(0.7),
	});

	const metrics = createMetrics();
	const logger = createLogger({ level: 'silent' });
	const config = loadConfig({
		argv: ['--config=sim.yaml', '--namespace=jasm'],
		env: {},
		readFile: () => CONFIG(world.profile),
		extraProviders: ['simulated'],
	});
	const credentials = { tls: async () => ({}), authorization: async () => 'Bearer x', invalidate: () => {} };
	const cluster = clusterOver(
		{ cluster: { host: 'server', port: 443, basePath: '', credentials }, transport, session },
		{
			clock,
			random: random.next,
			logger,
			metrics,
			version: 'sim',
			watchTimeoutSeconds: { min: 300, max: 600 },
			watchSilenceMs: 70_000,
		},
	);
	const engine = createEngine({
		config,
		env: {},
		cluster,
		clock,
		random: random.next,
		logger,
		metrics,
		providers: { simulated: source },
		recordEvent({ namespace, name, uid }, { reason, note }) {
			const secretName = /^Successfully synchronized secret '([^']+)'/.exec(note)?.[1];
			if (reason !== 'SecretSyncSuccess' || secretName === undefined) {
				return;
			}

			const { meta } = session.writes.findLast(({ key }) => key === `${namespace}/${secretName}`)!;
			const { [SOURCE_PATH]: path = '', [SOURCE_VERSION]: version } = meta.annotations ?? {};
			// A read in flight may be shared for a quarter of a second.
			if (source.version(path, version)!.until < ledger.since(uid, secretName) - 250) {
				untrue.push(`${namespace}/${name}: told of a value from before it appeared`);
			}
		},
		mayWrite: () => true,
	});

	const deeds = deedsIn({ world, source, clock, random }, calm ? () => {} : ms => transport.blackout(ms));
	for (let i = random.between(0, 10); i > 0; i--) {
		random.pick(deeds)();
	}

	await clock.advance(random.between(0, 120_000));
	const stop = new AbortController();
	const running = engine.run(stop.signal);
	engine.lead();
	faultRate = source.faults = calm ? 0 : random.pick([0.02, 0.05, 0.2]);
	meddling = 0.1;
	for (let i = random.between(10, 60); i > 0; i--) {
		random.pick(deeds)();
		await clock.advance(random.chance(0.7) ? random.between(0, 400) : random.between(400, 90_000));
	}

	faultRate = source.faults = meddling = 0;
	// Longer than the longest backoff with its jitter.
	await clock.advance(15 * 60_000);
	const unsettled = { writes: session.writes.length, reads: source.reads.length };
	const found = judge({ world, source, ledger, writes: session.writes, calm });
	await clock.advance(60 * 60_000);
	const restless = restlessness(
		unsettled,
		{ writes: session.writes.length, reads: source.reads.length },
		source,
		world,
	);
	stop.abort();
	await clock.advance(20_000);
	await running;
	return { faults: [...found, ...untrue, ...restless], ...unsettled };
}

/** With nothing wrong and nothing new, nobody is asked and nothing is written. */
function restlessness(
	before: { writes: number; reads: number },
	after: { writes: number; reads: number },
	source: Source,
	world: World,
): string[] {
	const failing = world.livePods.some(({ meta }) =>
		syncsOf(meta).some(sync => {
			const target = world.get('secrets', { namespace: meta.namespace, name: sync.secretName });
			return source.current(sync.path) === undefined || (target && target.meta.labels?.[MANAGED] !== 'jasm');
		}),
	);
	return [
		...(!failing && after.reads > before.reads ? [`${after.reads - before.reads} reads at rest`] : []),
		...(!failing && after.writes > before.writes ? [`${after.writes - before.writes} writes at rest`] : []),
	];
}
