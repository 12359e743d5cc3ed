// What the right to release pods is worth in the hands of a person who stole the controller's token.
import type { V1Pod } from '@kubernetes/client-node';
import test, { type ExecutionContext } from 'ava';
import {
	annotation,
	startGateEnvironment,
	type TestEnvironment,
} from '../helpers/environment/test-environment.ts';
import { ATTACKS, GATE_ATTACKS, OTHER_REQUESTS, RELEASE, STRATEGIC } from '../helpers/pod-attacks.ts';

const FOREIGN_GATE = { name: 'example.com/quota' };

/** Everything of a pod but the bookkeeping of the API server. */
function contentOf({ metadata, spec }: V1Pod) {
	const { managedFields: _, resourceVersion: __, generation: ___, ...rest } = metadata!;
	return JSON.parse(JSON.stringify({ metadata: rest, spec }));
}

async function victims(t: ExecutionContext) {
	const environment = await startGateEnvironment(t);
	const team = await environment.namespace('team');
	const token = await environment.cluster.createToken();
	const asks = annotation({ path: '/prod/x' });
	await environment.pod(team, 'gated', asks, {
		labels: { app: 'gated' },
		start: 'after-sync',
		spec: { schedulingGates: [FOREIGN_GATE] },
	});
	await environment.pod(team, 'free', asks, { labels: { app: 'free' } });
	const read = (name: string) => environment.core.readNamespacedPod({ namespace: team, name });
	return { environment, team, token, read };
}

const patch = (team: string, name: string, body: unknown, query = '') => ({
	method: 'PATCH',
	path: `/api/v1/namespaces/${team}/pods/${name}${query}`,
	contentType: STRATEGIC,
	body,
});

const isRefused = (status: number) => status === 403 || status === 422 || status === 400;

test.serial('a stolen token changes no field of a pod, alone or together with a release', async t => {
	const { environment, team, token, read } = await victims(t);
	const before = { gated: contentOf(await read('gated')), free: contentOf(await read('free')) };
	let heldByPolicyOnly = 0;
	for (const [field, change] of Object.entries(ATTACKS)) {
		for (const [name, body] of [
			['gated', change],
			['gated', merged(change, RELEASE)],
			['free', change],
		] as const) {
			const answer = await environment.request(patch(team, name, body), token);
			t.true(isRefused(answer.status), `${field} of ${name}: ${answer.status} ${answer.text}`);
			heldByPolicyOnly += await refusedByPolicyOnly(
				environment,
				patch(team, name, body, '?dryRun=All'),
				answer.text,
				t,
			);
		}
	}

	t.deepEqual({ gated: contentOf(await read('gated')), free: contentOf(await read('free')) }, before);
	t.true(heldByPolicyOnly >= 20, `the policy, and nothing else, refused ${heldByPolicyOnly} of the requests`);
});

/** 1 where the administrator may do the same: then only the policy has refused it to JASM, and it says so. */
async function refusedByPolicyOnly(
	environment: TestEnvironment,
	asAdmin: Parameters<TestEnvironment['request']>[0],
	refusal: string,
	t: ExecutionContext,
): Promise<number> {
	const { status } = await environment.request(asAdmin);
	if (status !== 200) {
		return 0;
	}

	t.regex(refusal, /-pods' with binding/, JSON.stringify(asAdmin.body));
	return 1;
}

/** One strategic merge patch that does both. */
function merged(a: object, b: object): object {
	const out: Record<string, unknown> = { ...a };
	for (const [key, value] of Object.entries(b)) {
		const mine = out[key];
		out[key] =
			typeof mine === 'object' &&
			mine !== null &&
			!Array.isArray(mine) &&
			typeof value === 'object' &&
			value !== null
				? merged(mine, value)
				: (mine ?? value);
	}

	return out;
}

test.serial(
	"a stolen token removes no gate of others, adds none, and separates neither the gate nor the annotation of JASM's",
	async t => {
		const { environment, team, token, read } = await victims(t);
		if (environment.cluster.startGate === undefined) {
			t.false(environment.cluster.guarded);
			return;
		}

		const before = contentOf(await read('gated'));
		for (const [attack, body] of Object.entries(GATE_ATTACKS)) {
			const { status, text } = await environment.request(patch(team, 'gated', body), token);
			t.true(isRefused(status), `${attack}: ${status} ${text}`);
		}

		t.deepEqual(contentOf(await read('gated')), before);
	},
);

test.serial('a stolen token creates, replaces, deletes, binds, evicts and enters no pod', async t => {
	const { environment, team, token, read } = await victims(t);
	const before = contentOf(await read('gated'));
	for (const attempt of OTHER_REQUESTS(team)) {
		const { status, text } = await environment.request(attempt, token);
		t.true(
			[400, 403, 404, 405, 415, 422].includes(status),
			`${attempt.method} ${attempt.path}: ${status} ${text}`,
		);
	}

	t.deepEqual(contentOf(await read('gated')), before);
});

test.serial(
	'the token releases a pod that waits: its own gate and annotation go, everything else stays',
	async t => {
		const { environment, team, token, read } = await victims(t);
		if (environment.cluster.startGate === undefined) {
			t.false(environment.cluster.guarded);
			return;
		}

		const before = contentOf(await read('gated'));
		t.is((await environment.request(patch(team, 'gated', RELEASE), token)).status, 200);
		const after = contentOf(await read('gated'));
		const { 'jasm.codnod.io/start': _, ...annotations } = before.metadata.annotations!;
		t.deepEqual(after, {
			metadata: { ...before.metadata, annotations },
			spec: { ...before.spec, schedulingGates: [FOREIGN_GATE] },
		});
		t.is((await environment.request(patch(team, 'gated', RELEASE), token)).status, 200, 'a second time');
		t.deepEqual(contentOf(await read('gated')), after);
	},
);

test.serial(
	'the check refuses a pod whose gate and annotations do not belong together, and a value that it cannot read',
	async t => {
		const environment = await startGateEnvironment(t);
		if (environment.cluster.startGate === undefined) {
			t.false(environment.cluster.guarded);
			return;
		}

		const team = await environment.namespace('team');
		const asks = annotation({ path: '/prod/x' });
		const refused = async (name: string, text: RegExp, create: () => Promise<unknown>) => {
			const error = await t.throwsAsync(create);
			t.regex(String((error as { body?: unknown }).body), text, name);
			await t.throwsAsync(environment.core.readNamespacedPod({ namespace: team, name }), {
				message: /404|not found/i,
			});
		};
		for (const [name, start] of Object.entries({
			a: 'after-snyc',
			b: 'AFTER-SYNC',
			c: 'after-sync 60',
			d: '',
		})) {
			await refused(name, /after-sync with a deadline/, () => environment.pod(team, name, asks, { start }));
		}

		const schedulingGates = [{ name: 'jasm.codnod.io/secret' }];
		await refused('e', /needs the annotation jasm\.codnod\.io\/start: after-sync/, () =>
			environment.pod(team, 'e', asks, { spec: { schedulingGates } }),
		);
		const names =
			/needs the annotation jasm\.codnod\.io\/secret-sync, which names them; compare its spelling/;
		await refused('f', names, () => environment.pod(team, 'f', undefined, { start: 'after-sync' }));

		await refused('g', /nodeName|scheduling gate/, () =>
			environment.pod(team, 'g', asks, { start: 'after-sync', spec: { nodeName: 'node' } }),
		);
		await environment.pod(team, 'h', asks, { start: 'after-sync, 60s' });
		await environment.pod(team, 'i', asks, { start: 'at-once' });
		const gatesOf = async (name: string) =>
			contentOf(await environment.core.readNamespacedPod({ namespace: team, name })).spec.schedulingGates;
		t.deepEqual(await gatesOf('h'), schedulingGates);
		t.is(await gatesOf('i'), undefined);
	},
);
