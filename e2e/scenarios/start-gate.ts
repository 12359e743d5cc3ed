// The start gate on a node: the stack's setting, workloads of every kind, what holds pods and lets them go, and what a
// stolen token can do to a pod. The rollouts and bursts are in start-gate-rollouts.ts.
import {
	ATTACKS,
	GATE_ATTACKS,
	OTHER_REQUESTS,
	RELEASE,
	STRATEGIC,
} from '../../controller/test/helpers/pod-attacks.ts';
import { until } from '../cluster/until.ts';
import type { Block } from '../users/manual.ts';
import { send } from '../users/raw-requests.ts';
import type { Tenant } from '../users/tenant.ts';
import { expect, PROVIDER, type ScenarioContext } from './scenario-context.ts';
import { gatedBursts, rollouts } from './start-gate-rollouts.ts';

const ask = (path: string, secretName: string) => ({ provider: PROVIDER, path, secretName });
const HELD = { namespace: 'held', pod: 'held' } as const;

/** Whether the installation makes pods wait that ask for it. */
export async function gatesAreOn({ environment }: ScenarioContext): Promise<boolean> {
	const { stdout } = await environment.cluster.kubectl(['get', 'mutatingadmissionpolicies', '-o', 'name']);
	return /\/jasm-start$/m.test(stdout);
}

export async function startGate(context: ScenarioContext): Promise<void> {
	if (!(await gatesAreOn(context))) {
		context.report.cannotShow('start gates', 'this cluster has no MutatingAdmissionPolicy (Kubernetes 1.36)');
		return;
	}

	await rollouts(context);
	await gatedBursts(context);
	await workloads(context);
	await outages(context);
	await attacked(context);
}

async function workloads(context: ScenarioContext): Promise<void> {
	const { report, environment } = context;
	await report.scenario(
		'gated workloads',
		'Job, StatefulSet and DaemonSet start with the new value',
		async () => {
			const tenant = await context.tenant('kinds');
			const request = ask('/prod/kinds/db', 'db');
			await context.store('/prod/kinds/db', { VALUE: 'fake-old' });
			await tenant.pod('before', { request });
			await tenant.printed('before');
			await context.store('/prod/kinds/db', { VALUE: 'fake-new' });
			await environment.gate.slow(1_000);
			try {
				const make = (kind: string, apiVersion: string, spec: (labels: Record<string, string>) => object) => {
					const labels = { workload: kind.toLowerCase() };
					return tenant.workload({ request, start: 'after-sync', labels }, template => {
						const pods =
							kind === 'Job' ? { ...template, spec: { ...template.spec, restartPolicy: 'Never' } } : template;
						const metadata = { name: labels.workload };
						return { apiVersion, kind, metadata, spec: { ...spec(labels), template: pods } };
					});
				};
				const selector = (labels: Record<string, string>) => ({ selector: { matchLabels: labels } });
				await make('Job', 'batch/v1', () => ({}));
				await make('StatefulSet', 'apps/v1', labels => ({
					...selector(labels),
					serviceName: 'x',
					replicas: 2,
				}));
				await make('DaemonSet', 'apps/v1', selector);
				const seen: string[] = [];
				for (const [workload, count] of [
					['job', 1],
					['statefulset', 2],
					['daemonset', 1],
				] as const) {
					const pods = await until(
						`${count} pods of the ${workload}`,
						async () => {
							const found = await tenant.pods(`workload=${workload}`);
							return found.length === count && found;
						},
						{ timeoutMs: 60_000 },
					);
					for (const { metadata } of pods) {
						const { env } = await tenant.printed(metadata?.name ?? '');
						expect(env['VALUE'] === 'fake-new', `${metadata?.name} runs with ${env['VALUE']}`);
					}

					seen.push(`${workload} ${count} of ${count}`);
				}

				return seen.join(', ');
			} finally {
				await environment.gate.slow(0);
				await tenant.delete();
			}
		},
	);
}

async function outages(context: ScenarioContext): Promise<void> {
	const { report, environment, controller } = context;
	const tenant = await context.tenant('patient');
	await context.store('/prod/patient/db', { VALUE: 'fake' });
	await report.scenario('store away, pods wait', 'released without a stimulus once it is back', async () => {
		await environment.gate.fail('closed');
		const names = Array.from({ length: 5 }, (_, index) => `away-${index}`);
		try {
			for (const name of names) {
				await tenant.pod(name, { request: ask('/prod/patient/db', name), start: 'after-sync' });
			}

			for (const name of names) await tenant.event(name, 'WaitingForSecret');
			for (const name of names) expect(await tenant.waits(name), `${name} does not wait`);
		} finally {
			await environment.gate.fail(undefined);
		}

		const began = Date.now();
		for (const name of names) {
			const { env } = await tenant.printed(name);
			expect(env['VALUE'] === 'fake', `${name} runs without its value`);
		}

		return `${names.length} of ${names.length} run ${((Date.now() - began) / 1000).toFixed(1)} s later`;
	});
	await report.scenario(
		'JASM down, a deadline passes',
		'released first thing at its start, with a warning',
		async () => {
			await scale(context, 0);
			const late = await tenant.pod('late', {
				request: ask('/prod/patient/absent', 'absent'),
				envFrom: [],
				start: 'after-sync, 3s',
			});
			await tenant.pod('steady', { request: ask('/prod/patient/db', 'steady'), start: 'after-sync' });
			const deadline = (late.metadata?.creationTimestamp?.getTime() ?? 0) + 3_000;
			await until('the deadline', () => Date.now() > deadline);
			expect((await tenant.waits('late')) && (await tenant.waits('steady')), 'a pod started without JASM');
			const began = Date.now();
			await scale(context, 1);
			await until('the release', async () => !(await tenant.waits('late')), { timeoutMs: 60_000 });
			const took = Date.now() - began;
			await tenant.printed('late');
			const note = await tenant.event('late', 'StartedWithoutSync');
			expect(/'absent'/.test(note), note);
			const { env } = await tenant.printed('steady');
			expect(env['VALUE'] === 'fake', 'the pod without a deadline runs without its value');
			await controller.pod();
			return `released ${(took / 1000).toFixed(1)} s after the Deployment was scaled up; told StartedWithoutSync`;
		},
	);
	await tenant.delete();
}

async function scale({ environment, controller }: ScenarioContext, replicas: number): Promise<void> {
	const args = ['-n', 'jasm', 'scale', 'deployment/jasm', `--replicas=${replicas}`];
	const { code, stderr } = await environment.cluster.kubectl(args);
	expect(code === 0, stderr);
	if (replicas === 0) await controller.ready(0);
}

async function attacked(context: ScenarioContext): Promise<void> {
	const { report, environment, controller } = context;
	const { cluster } = environment;
	const tenant = await context.tenant('gated-victim');
	const { namespace } = tenant;
	const pod = `/api/v1/namespaces/${namespace}/pods/gated?fieldManager=jasm`;
	const patches = Object.entries({ ...ATTACKS, ...GATE_ATTACKS });
	await report.scenario('token, pods', 'changes nothing of a waiting pod but to release it', async () => {
		const token = await controller.token(await controller.pod());
		await tenant.pod('gated', {
			request: ask('/prod/victim/absent', 'absent'),
			labels: { app: 'x' },
			start: 'after-sync',
		});
		await tenant.event('gated', 'WaitingForSecret');
		const before = await state(context, tenant);
		const allowed: string[] = [];
		let refusedByPolicy = 0;
		const attack = async (name: string, path: string, body: unknown, method = 'PATCH', type = STRATEGIC) => {
			const answer = await send(cluster, token, { method, path, body, type });
			if (answer.status < 400) allowed.push(`${name} -> ${answer.status}`);
			if (answer.body.includes("ValidatingAdmissionPolicy 'jasm-pods'")) refusedByPolicy++;
		};
		for (const [name, body] of patches) {
			await attack(name, pod, body);
			await attack(`${name}, dry run`, `${pod}&dryRun=All`, body);
		}

		const others = OTHER_REQUESTS(namespace);
		for (const { method, path, body, contentType } of others) {
			await attack(`${method} ${path}`, path, body, method, contentType);
		}

		const tries = patches.length * 2 + others.length;
		expect(allowed.length === 0, `allowed:\n${allowed.join('\n')}`);
		expect((await state(context, tenant)) === before, 'the pod was changed');
		expect(refusedByPolicy >= patches.length, `only ${refusedByPolicy} were refused by the policy`);
		const released = await send(cluster, token, {
			method: 'PATCH',
			path: pod,
			body: RELEASE,
			type: STRATEGIC,
		});
		expect(released.status === 200, `its own release was answered ${released.status}`);
		expect(!(await tenant.waits('gated')), 'the pod still waits');
		return `0 of ${tries} allowed, ${refusedByPolicy} refused by the policy; the release is allowed`;
	});
	await tenant.delete();
}

/** What an attack could change, as the API server has it. */
async function state({ environment }: ScenarioContext, { namespace }: Tenant): Promise<string> {
	const { metadata, spec } = await environment.cluster.core.readNamespacedPod({ name: 'gated', namespace });
	const { labels, annotations, finalizers, ownerReferences } = metadata ?? {};
	return JSON.stringify([labels, annotations, finalizers, ownerReferences, spec]);
}

/** A pod that waits for a secret that never comes, for `freeByHand`. */
export async function holdPod(context: ScenarioContext): Promise<Tenant> {
	const tenant = await context.tenant(HELD.namespace);
	const request = ask('/prod/held/absent', 'absent');
	await tenant.pod(HELD.pod, { request, envFrom: [], start: 'after-sync' });
	await tenant.event(HELD.pod, 'WaitingForSecret');
	return tenant;
}

/** After JASM is gone: new pods do not wait, and the command of the manual frees those that still do. */
export async function freeByHand(context: ScenarioContext, tenant: Tenant): Promise<void> {
	const { report, environment } = context;
	const { reader, terminal } = environment;
	await report.scenario(
		'freed by hand',
		'without JASM new pods start; the manual frees those that wait',
		async () => {
			await tenant.pod('new', {
				request: ask('/prod/held/absent', 'absent'),
				envFrom: [],
				start: 'after-sync',
			});
			await tenant.printed('new');
			expect(await tenant.waits(HELD.pod), 'the pod did not wait');
			const blocks: Block[] = reader.section('docs/start.md', 'For the operator');
			await reader.paste(terminal, ...blocks);
			await tenant.printed(HELD.pod);
			await tenant.delete();
			return 'the new pod ran at once, the waiting one after the command';
		},
	);
}
