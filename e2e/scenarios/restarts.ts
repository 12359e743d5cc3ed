// Restarts on a node: a secret that changes reaches running containers by one rollout of the workloads that ask for it.
import { stays, until } from '../cluster/until.ts';
import type { Tenant } from '../users/tenant.ts';
import { ask, RestartedWorkloads, ROLLOUT_MS } from './restarted-workloads.ts';
import { expect, type ScenarioContext } from './scenario-context.ts';

/** Shorter and faster than by default, for the sake of the run's length. */
const WINDOW_S = 20;
const PER_MINUTE = 45;

export async function restarts(context: ScenarioContext): Promise<void> {
	const { report, environment, controller } = context;
	const few = await context.tenant('restarts');
	const many = await context.tenant('many-restarts');
	const apply = async (values: { changeQueue?: boolean; restarts?: object }) => {
		environment.stack.configure({ changeQueue: undefined, restarts: undefined, ...values });
		const { ok, output, counts } = await environment.stack.apply('up');
		expect(ok, output.slice(-2000));
		await controller.ready();
		return counts;
	};
	try {
		const up = await report.scenario(
			'restarts configured',
			'the right in two namespaces, its policy and the sentinel; the policy is proven',
			async () => {
				const namespaces = [few.namespace, many.namespace];
				const counts = await apply({
					changeQueue: true,
					restarts: { namespaces, minMinutes: 1, windowSeconds: WINDOW_S, perMinute: PER_MINUTE },
				});
				const again = await environment.stack.apply('preview', { args: ['--expect-no-changes'] });
				expect(again.ok, `a second run would change something: ${again.output.slice(-1500)}`);
				const log = await controller.logs(await controller.pod());
				expect(!log.includes('nothing is restarted'), 'the policy is not proven');
				return `${counts['created'] ?? 0} created; again: unchanged`;
			},
		);
		if (up) await new Restarts(context, few, many).play();
	} finally {
		await report.scenario('restarts removed', 'the stack without them leaves no right', async () => {
			const { deleted = 0 } = await apply({});
			expect(deleted > 0, 'nothing was deleted');
			const { stdout } = await environment.cluster.kubectl([
				'get',
				'clusterroles,validatingadmissionpolicies,deployments,rolebindings',
				'--all-namespaces',
				'-o',
				'name',
			]);
			expect(!stdout.includes('jasm-restart'), stdout);
			return `${deleted} deleted`;
		});
		await few.delete();
		await many.delete();
	}
}

class Restarts {
	readonly #context: ScenarioContext;
	readonly #few: Tenant;
	readonly #many: Tenant;
	readonly #workloads: RestartedWorkloads;

	constructor(context: ScenarioContext, few: Tenant, many: Tenant) {
		this.#context = context;
		this.#few = few;
		this.#many = many;
		this.#workloads = new RestartedWorkloads(context, few);
	}

	async play(): Promise<void> {
		await this.#threeReplicas();
		await this.#threeSecrets();
		await this.#kinds();
		await pace(this.#context, this.#many);
	}

	async #threeReplicas(): Promise<void> {
		const { report } = this.#context;
		const tenant = this.#few;
		const path = '/prod/restarts/web';
		const make = () => this.#workloads.create('Deployment', 'web', [ask(path, 'web')], { replicas: 3 });
		await report.scenario(
			'restart, 3 replicas',
			'one rollout, never fewer than 3 available, each container with the new value',
			async () => {
				await this.#context.store(path, { VALUE: 'fake-1' });
				await make();
				await tenant.available('web');
				await this.#workloads.synced('web');
				const began = Date.now();
				await this.#workloads.rotate(path, 'fake-2');
				let least = 3;
				const { hash } = await until(
					'the restart',
					async () => {
						const { available, ...state } = await this.#workloads.state('Deployment', 'web');
						least = Math.min(least, available);
						return state.hash !== undefined && state;
					},
					{ timeoutMs: ROLLOUT_MS },
				);
				const sent = Date.now() - began;
				await until(
					'the rollout',
					async () => {
						least = Math.min(least, (await this.#workloads.state('Deployment', 'web')).available);
						return this.#workloads.runsFor('web', hash, 3);
					},
					{ timeoutMs: ROLLOUT_MS },
				);
				const done = Date.now() - began;
				for (const { metadata } of await tenant.pods('workload=web')) {
					const { env } = await tenant.printed(metadata?.name ?? '');
					expect(env['VALUE'] === 'fake-2', `${metadata?.name} runs with ${env['VALUE']}`);
				}

				expect(least === 3, `${least} of 3 were available`);
				return `patched ${seconds(sent)}, all new ${seconds(done)} after the event; least available ${least}`;
			},
		);
		await report.scenario(
			'kubectl apply afterwards',
			'no drift, no further rollout, for the window and longer',
			async () => {
				const before = await this.#workloads.state('Deployment', 'web');
				await make();
				await stays(
					'the generation of the Deployment',
					async () => (await this.#workloads.state('Deployment', 'web')).generation === before.generation,
					1_500 * WINDOW_S,
				);
				const { hash, generation } = await this.#workloads.state('Deployment', 'web');
				expect(hash === before.hash, 'the annotation is gone');
				expect(generation === 2, `generation ${generation}`);
				return `generation ${generation} for ${1.5 * WINDOW_S} s, annotation kept`;
			},
		);
	}

	async #threeSecrets(): Promise<void> {
		const tenant = this.#few;
		const names = ['a', 'b', 'c'];
		const path = (name: string) => `/prod/restarts/${name}`;
		await this.#context.report.scenario(
			'restart, 3 secrets in 20 s',
			'one rollout for all of them',
			async () => {
				for (const name of names) await this.#context.store(path(name), { [name]: 'fake-1' });
				const requests = names.map(name => ask(path(name), name));
				await this.#workloads.create('Deployment', 'trio', requests, { replicas: 1 });
				await tenant.available('trio');
				await this.#workloads.synced('trio');
				const began = Date.now();
				for (const [index, name] of names.entries()) {
					await until('the next rotation', () => Date.now() >= began + index * 9_000);
					await this.#workloads.rotate(path(name), 'fake-2', name);
				}

				const { hash } = await this.#workloads.restarted('Deployment', 'trio');
				await until('the rollout', () => this.#workloads.runsFor('trio', hash, 1), { timeoutMs: ROLLOUT_MS });
				const done = Date.now() - began;
				await stays(
					'one rollout',
					async () => (await this.#workloads.state('Deployment', 'trio')).generation === 2,
					1_500 * WINDOW_S,
				);
				const [pod] = await tenant.pods('workload=trio');
				const { env } = await tenant.printed(pod?.metadata?.name ?? '');
				expect(
					names.every(name => env[name] === 'fake-2'),
					'the container lacks a new value',
				);
				return `generation 2, ${seconds(done)} after the first event`;
			},
		);
	}

	async #kinds(): Promise<void> {
		const { report, environment } = this.#context;
		const tenant = this.#few;
		const path = '/prod/restarts/kinds';
		const byHand = { replicas: 1, updateStrategy: { type: 'OnDelete' } };
		await report.scenario(
			'restart, other kinds',
			'StatefulSet and DaemonSet restarted; paused and OnDelete told, not touched',
			async () => {
				await this.#context.store(path, { VALUE: 'fake-1' });
				const requests = [ask(path, 'kinds')];
				await this.#workloads.create('StatefulSet', 'stateful', requests, { replicas: 2 });
				await this.#workloads.create('DaemonSet', 'daemon', requests, {});
				await this.#workloads.create('StatefulSet', 'by-hand', requests, byHand);
				await this.#workloads.create('Deployment', 'paused', requests, { replicas: 1 });
				for (const [name, count] of [
					['stateful', 2],
					['daemon', 1],
					['by-hand', 1],
					['paused', 1],
				] as const) {
					await until(`${name} to run`, () => this.#workloads.runsFor(name, undefined, count), {
						timeoutMs: ROLLOUT_MS,
					});
					await this.#workloads.synced(name);
				}

				const pause = ['-n', tenant.namespace, 'rollout', 'pause', 'deployment/paused'];
				expect((await environment.cluster.kubectl(pause)).code === 0, 'pausing failed');
				const kept = await this.#workloads.state('Deployment', 'paused');
				await this.#workloads.rotate(path, 'fake-2');
				for (const [kind, name, count] of [
					['StatefulSet', 'stateful', 2],
					['DaemonSet', 'daemon', 1],
				] as const) {
					const { hash } = await this.#workloads.restarted(kind, name);
					await until('the rollout', () => this.#workloads.runsFor(name, hash, count), {
						timeoutMs: ROLLOUT_MS,
					});
				}

				for (const [kind, name, says, generation] of [
					['Deployment', 'paused', /paused/, kept.generation],
					['StatefulSet', 'by-hand', /OnDelete/, 1],
				] as const) {
					const [pod] = await tenant.pods(`workload=${name}`);
					await tenant.event(pod?.metadata?.name ?? '', 'RestartRefused', says, ROLLOUT_MS);
					const state = await this.#workloads.state(kind, name);
					expect(state.generation === generation && state.hash === undefined, `${name} was changed`);
				}

				return 'StatefulSet 2 of 2, DaemonSet 1 of 1; paused and OnDelete: RestartRefused, unchanged';
			},
		);
	}
}

/** Five more may go at once at the beginning. */
async function pace(context: ScenarioContext, tenant: Tenant): Promise<void> {
	const workloads = new RestartedWorkloads(context, tenant);
	const count = 60;
	const names = Array.from({ length: count }, (_, index) => `d${index}`);
	const path = (name: string) => `/prod/many-restarts/${name}`;
	await context.report.scenario(
		`${count} Deployments at once`,
		`each restarted once, at most ${PER_MINUTE + 5} in any minute`,
		async () => {
			for (const name of names) {
				await context.store(path(name), { VALUE: 'fake-1' });
				await tenant.deployment(name, 1, { request: [ask(path(name), name)] });
			}

			for (const name of names) await tenant.available(name, ROLLOUT_MS);
			for (const name of names) await workloads.synced(name);
			const began = Date.now();
			for (const name of names) await workloads.rotate(path(name), 'fake-2');
			const at = new Map<string, number>();
			await until(
				`${count} restarts`,
				async () => {
					for (const { name, hash } of await workloads.all()) {
						if (hash !== undefined && !at.has(name)) at.set(name, Date.now() - began);
					}

					return at.size === count;
				},
				{ timeoutMs: 420_000, everyMs: 250 },
			);
			for (const name of names) await tenant.available(name, ROLLOUT_MS);
			const done = Date.now() - began;
			const generations = (await workloads.all()).map(({ generation }) => generation);
			expect(
				generations.every(generation => generation === 2),
				`generations ${generations}`,
			);
			const times = [...at.values()].sort((a, b) => a - b);
			const busiest = Math.max(
				...times.map(from => times.filter(each => each >= from && each < from + 60_000).length),
			);
			const seen =
				`first ${seconds(times[0] ?? 0)}, last ${seconds(times.at(-1) ?? 0)}, all available ${seconds(done)} ` +
				`after the first event; at most ${busiest} in a minute`;
			expect(busiest <= PER_MINUTE + 5, seen);
			return seen;
		},
	);
}

const seconds = (ms: number) => `${(ms / 1000).toFixed(0)} s`;
