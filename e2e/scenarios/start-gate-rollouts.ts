// The start gate against the race that it ends: rollouts after a rotation, and bursts at a slow store, with the gate and
// without. What counts is the value that the container runs with, as the container itself prints it.
import { type Figure, percentiles } from '../report/report.ts';
import type { Tenant } from '../users/tenant.ts';
import { misses } from './scale.ts';
import { expect, PROVIDER, type ScenarioContext } from './scenario-context.ts';

/** Of each call to the store, in milliseconds. */
const LATENCIES = [20, 100, 300, 1_000] as const;

type Load = {
	readonly name: string;
	readonly deployments: number;
	readonly replicas: number;
	readonly rounds: number;
};

/** A quiet node, on which most pods are faster than a slow store; and one that the rollout itself keeps busy. */
const LOADS: readonly Load[] = [
	{ name: '1 x 1', deployments: 1, replicas: 1, rounds: 3 },
	{ name: '15 x 2', deployments: 15, replicas: 2, rounds: 1 },
];

/** `old`: containers that run with the value from before the rotation. `took`: creation to Running, milliseconds. */
type Seen = { readonly pods: number; readonly old: number; readonly took: readonly number[] };

export async function rollouts(context: ScenarioContext): Promise<void> {
	const { report, environment } = context;
	let oldWithout = 0;
	for (const load of LOADS) {
		const gated = new Rollouts(context, load, 'after-sync');
		const free = new Rollouts(context, load, undefined);
		try {
			await gated.create();
			await free.create();
			for (const latencyMs of LATENCIES) {
				await report.scenario(
					`rollout ${load.name}, store ${latencyMs} ms`,
					'with gates: 0 containers with the old value',
					async () => {
						await environment.gate.slow(latencyMs);
						const without = await free.rotate();
						const withGates = await gated.rotate();
						oldWithout += without.old;
						const seen = `with ${figureOf(withGates)}; without ${figureOf(without)}`;
						expect(withGates.old === 0, seen);
						return seen;
					},
				);
			}
		} finally {
			await environment.gate.slow(0);
			await gated.delete();
			await free.delete();
		}
	}

	await report.scenario('rollouts without gates', 'show the fault that the gate ends', async () => ({
		seen: `${oldWithout} containers with the old value${oldWithout === 0 ? ': here the zeros above prove little' : ''}`,
		overBudget: oldWithout === 0,
	}));
}

const figureOf = ({ pods, old, took }: Seen) => `${old} of ${pods} old, Running ${percentiles(took).text}`;

/** Deployments whose secrets rotate, all at once, followed by a restart as `kubectl rollout restart` makes it. */
class Rollouts {
	readonly #context: ScenarioContext;
	readonly #load: Load;
	readonly #start: string | undefined;
	readonly #name: string;
	#tenant: Tenant | undefined;
	#value = 0;

	constructor(context: ScenarioContext, load: Load, start: string | undefined) {
		this.#context = context;
		this.#load = load;
		this.#start = start;
		this.#name = `${start === undefined ? 'free' : 'gated'}-${load.deployments}`;
	}

	async create(): Promise<void> {
		const tenant = await this.#context.tenant(this.#name);
		this.#tenant = tenant;
		await this.#store();
		for (const index of this.#indices()) {
			const request = { provider: PROVIDER, path: this.#path(index), secretName: `s${index}` };
			await tenant.deployment(`d${index}`, this.#load.replicas, { request, start: this.#start });
		}

		await this.#available();
	}

	/** Rotates, restarts, and reads the value out of each new container. */
	async rotate(): Promise<Seen> {
		const seen = { pods: 0, old: 0, took: [] as number[] };
		for (let round = 0; round < this.#load.rounds; round++) {
			const tenant = this.#tenant!;
			const before = new Set((await tenant.pods()).map(({ metadata }) => metadata?.name));
			await this.#store();
			await tenant.restart(this.#indices().map(index => `d${index}`));
			await this.#available();
			const names = (await tenant.pods()).map(({ metadata }) => metadata?.name ?? '');
			for (const name of names.filter(pod => !before.has(pod))) {
				const { env } = await tenant.printed(name);
				const { added, running } = this.#context.timeline.pods.get(tenant.key(name)) ?? {};
				seen.pods++;
				seen.old += env['VALUE'] === this.#current() ? 0 : 1;
				seen.took.push((running ?? Number.NaN) - (added ?? Number.NaN));
			}
		}

		expect(
			seen.pods === this.#load.deployments * this.#load.replicas * this.#load.rounds,
			`${seen.pods} new pods`,
		);
		return seen;
	}

	async delete(): Promise<void> {
		await this.#tenant?.delete();
	}

	async #store(): Promise<void> {
		this.#value++;
		await Promise.all(
			this.#indices().map(index => this.#context.store(this.#path(index), { VALUE: this.#current() })),
		);
	}

	async #available(): Promise<void> {
		for (const index of this.#indices()) await this.#tenant!.available(`d${index}`, 240_000);
	}

	#indices = () => Array.from({ length: this.#load.deployments }, (_, index) => index);
	#path = (index: number) => `/prod/${this.#name}/${index}`;
	#current = () => `fake-${this.#value}`;
}

/** Pods that appear at once, each with a secret of its own that no Secret holds yet. */
const BURSTS = [
	{ count: 50, latencyMs: 3_000, withoutGates: true },
	{ count: 100, latencyMs: 1_000, withoutGates: false },
] as const;

export async function gatedBursts(context: ScenarioContext): Promise<void> {
	for (const { count, latencyMs, withoutGates } of BURSTS) {
		await context.report.scenario(
			`${count} gated pods, store ${latencyMs} ms`,
			'0 pods that met a missing Secret',
			async (): Promise<Figure> => {
				const without = withoutGates ? await burst(context, { count, latencyMs }) : undefined;
				const { missed, text } = await burst(context, { count, latencyMs, start: 'after-sync' });
				const seen = `with ${text}${without === undefined ? '' : `; without ${without.text}`}`;
				expect(missed === 0, seen);
				return seen;
			},
		);
	}
}

async function burst(
	context: ScenarioContext,
	{ count, latencyMs, start }: { count: number; latencyMs: number; start?: string },
): Promise<{ readonly missed: number; readonly text: string }> {
	const name = `burst-${start === undefined ? 'free' : 'gated'}-${count}`;
	const tenant = await context.tenant(name);
	const names = Array.from({ length: count }, (_, index) => `p${index}`);
	await Promise.all(names.map(pod => context.store(`/prod/${name}/${pod}`, { VALUE: `fake-${pod}` })));
	await context.environment.gate.slow(latencyMs);
	try {
		await Promise.all(
			names.map(pod => {
				const request = { provider: PROVIDER, path: `/prod/${name}/${pod}`, secretName: pod };
				return tenant.pod(pod, { request, start });
			}),
		);
		const took: number[] = [];
		for (const pod of names) {
			const { env } = await tenant.printed(pod, 240_000);
			expect(env['VALUE'] === `fake-${pod}`, `pod ${pod} runs with another value`);
			const { added, running } = context.timeline.pods.get(tenant.key(pod)) ?? {};
			took.push((running ?? Number.NaN) - (added ?? Number.NaN));
		}

		const missed = misses(context, tenant);
		return { missed, text: `${missed} of ${count}, Running ${percentiles(took).text}` };
	} finally {
		await context.environment.gate.slow(0);
		await tenant.delete();
	}
}
