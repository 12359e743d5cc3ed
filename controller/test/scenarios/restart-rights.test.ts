// What the right to restart workloads is worth in the hands of a person who stole the controller's token.
import { KubernetesObjectApi } from '@kubernetes/client-node';
import test, { type ExecutionContext } from 'ava';
import { annotation, startEnvironment } from '../helpers/environment/test-environment.ts';
import type { RawAnswer, RawRequest } from '../helpers/servers/raw-request.ts';
import {
	ATTACKS,
	CANARY,
	JSON_PATCH,
	KINDS,
	type Kind,
	MERGE,
	merged,
	NO_HASHES,
	OTHER_REQUESTS,
	pathOf,
	RESTARTED_FOR,
	RESTARTS,
	restart,
	STRATEGIC,
	workload,
} from '../helpers/workload-attacks.ts';

const SYNC = 'jasm.codnod.io/secret-sync';
const ASKS = { [SYNC]: annotation({ path: '/prod/x', onChange: 'restart' }) };
const kinds = Object.keys(KINDS) as Kind[];

/** A listed and an unlisted namespace; in both, of each kind, a workload that asks for restarts and one that does not. */
async function victims(t: ExecutionContext) {
	const environment = await startEnvironment(t, { restarts: true });
	const { allowRestarts } = environment.cluster;
	if (allowRestarts === undefined) {
		throw new Error('restarts need Kubernetes 1.30: run these scenarios on a newer server');
	}

	const listed = await environment.namespace('listed');
	const unlisted = await environment.namespace('unlisted');
	const objects = KubernetesObjectApi.makeApiClient(environment.cluster.adminConfig);
	const create = async (namespace: string, object: ReturnType<typeof workload>) => {
		await objects.create({ ...object, metadata: { ...object.metadata, namespace } });
	};
	for (const namespace of [listed, unlisted]) {
		for (const kind of kinds) {
			await create(namespace, workload(kind, 'asks', ASKS));
			await create(namespace, workload(kind, 'free', {}));
		}
	}

	await allowRestarts(listed);
	const token = await environment.cluster.createToken();
	const asJasm = (request: RawRequest) => environment.request(request, token);
	const read = async (kind: Kind, name: string, namespace = listed) =>
		JSON.parse((await environment.request({ method: 'GET', path: pathOf(kind, namespace, name) })).text);
	return { environment, listed, unlisted, create, asJasm, read };
}

type Stage = Awaited<ReturnType<typeof victims>>;

/** Everything of a workload but what its controllers write, and the bookkeeping of the API server. */
function contentOf({ metadata, spec }: { metadata: Record<string, unknown>; spec: object }) {
	const { managedFields: _, resourceVersion: __, annotations, ...rest } = metadata;
	const { 'deployment.kubernetes.io/revision': ___, ...kept } = annotations as Record<string, string>;
	return { metadata: { ...rest, annotations: kept }, spec };
}

const patch = (path: string, body: unknown, contentType: string): RawRequest => ({
	method: 'PATCH',
	path,
	contentType,
	body,
});

const isRefused = ({ status }: RawAnswer) => [400, 403, 404, 405, 415, 422].includes(status);
const byPolicy = ({ text }: RawAnswer) => /-restart-only' with binding/.test(text);

/** Refused to JASM; 1 where the administrator may do the same: then only the policy has refused it, and it says so. */
async function refused(
	t: ExecutionContext,
	stage: Stage,
	what: string,
	request: RawRequest,
): Promise<number> {
	const answer = await stage.asJasm(request);
	t.true(isRefused(answer), `${what}: ${answer.status} ${answer.text}`);
	const path = `${request.path}${request.path.includes('?') ? '&' : '?'}dryRun=All`;
	const { status } = await stage.environment.request({ ...request, path });
	if (status !== 200) {
		return 0;
	}

	t.true(byPolicy(answer), `${what}: ${answer.status} ${answer.text}`);
	return 1;
}

for (const kind of kinds) {
	test.serial(`a stolen token changes no field of a ${kind}, alone or together with a restart`, async t => {
		const stage = await victims(t);
		const before = [contentOf(await stage.read(kind, 'asks')), contentOf(await stage.read(kind, 'free'))];
		let byPolicyOnly = 0;
		for (const [field, { change, kinds: only }] of Object.entries(ATTACKS)) {
			if (only !== undefined && !only.includes(kind)) {
				continue;
			}

			for (const [name, body, type] of [
				['asks', change, MERGE],
				['asks', merged(change, restart()), MERGE],
				['asks', merged(change, restart()), STRATEGIC],
				['free', change, STRATEGIC],
			] as const) {
				const request = patch(pathOf(kind, stage.listed, name), body, type);
				byPolicyOnly += await refused(t, stage, `${field} of ${name} by ${type}`, request);
			}
		}

		t.deepEqual(
			[contentOf(await stage.read(kind, 'asks')), contentOf(await stage.read(kind, 'free'))],
			before,
		);
		t.true(byPolicyOnly >= 80, `the policy, and nothing else, refused ${byPolicyOnly} of the requests`);
	});

	test.serial(`a stolen token restarts no ${kind} that does not ask for it, by no kind of patch`, async t => {
		const stage = await victims(t);
		const { environment, listed, unlisted } = stage;
		await stage.create(listed, workload(kind, 'ignores', { [SYNC]: annotation({ onChange: 'ignore' }) }));
		await stage.create(listed, workload(kind, 'updates', { [SYNC]: annotation({ path: '/prod/restart' }) }));
		const elsewhere = workload(kind, 'elsewhere', {});
		await stage.create(listed, {
			...elsewhere,
			metadata: { ...elsewhere.metadata, annotations: { keep: '1', ...ASKS } },
		});
		// In JASM's own namespace even what asks for restarts is left alone: the right there is for the sentinel.
		const { home } = environment.cluster;
		await stage.create(home, workload(kind, 'asks', ASKS));
		const victimsOf = [
			...['free', 'ignores', 'updates', 'elsewhere'].map(name => [listed, name] as const),
			...['asks', 'free'].map(name => [unlisted, name] as const),
			[home, 'asks'] as const,
		];
		for (const [namespace, name] of victimsOf) {
			const before = contentOf(await stage.read(kind, name, namespace));
			for (const { how, type, query, body } of RESTARTS) {
				for (const dryRun of ['', '&dryRun=All']) {
					const request = patch(`${pathOf(kind, namespace, name)}${query}${dryRun}`, body(kind, name), type);
					const answer = await stage.asJasm(request);
					const told = `${how} of ${namespace}/${name}: ${answer.status} ${answer.text}`;
					t.true(isRefused(answer), told);
					// The embedded server knows no apply.
					const known = environment.real || how !== 'apply';
					t.is(answer.status === 422 && byPolicy(answer), namespace === listed && known, told);
				}
			}

			t.deepEqual(contentOf(await stage.read(kind, name, namespace)), before);
		}
	});

	test.serial(`a stolen token creates, reads, replaces, deletes and scales no ${kind}`, async t => {
		const stage = await victims(t);
		const before = contentOf(await stage.read(kind, 'asks'));
		for (const attempt of OTHER_REQUESTS(kind, stage.listed, 'asks')) {
			const answer = await stage.asJasm(attempt);
			t.true(isRefused(answer), `${attempt.method} ${attempt.path}: ${answer.status} ${answer.text}`);
			t.false(answer.text.includes(CANARY), `${attempt.method} ${attempt.path}`);
		}

		t.deepEqual(contentOf(await stage.read(kind, 'asks')), before);
		t.is((await stage.read(kind, 'evil')).code, 404);
	});

	test.serial(`the token restarts a ${kind} that asks for it, and changes one annotation`, async t => {
		const { listed, asJasm, read } = await victims(t);
		const path = pathOf(kind, listed, 'asks');
		for (const value of NO_HASHES) {
			const answer = await asJasm(patch(path, restart(value), MERGE));
			t.true(answer.status === 422 && byPolicy(answer), `${JSON.stringify(value)}: ${answer.text}`);
		}

		const before = contentOf(await read(kind, 'asks'));
		const asAfter = (value: string, generation: number) => {
			const after = structuredClone(before) as ReturnType<typeof workload>;
			Object.assign(after.spec.template.metadata.annotations, { [RESTARTED_FOR]: value });
			Object.assign(after.metadata, { generation });
			if (kind === 'DaemonSet') {
				const counted = { 'deprecated.daemonset.template.generation': String(generation) };
				Object.assign(after.metadata.annotations, counted);
			}

			return after;
		};
		const first = 'a'.repeat(16);
		for (const attempt of ['the first time', 'again']) {
			t.is((await asJasm(patch(path, restart(first), MERGE))).status, 200, attempt);
			t.deepEqual(contentOf(await read(kind, 'asks')), asAfter(first, 2), attempt);
		}

		const second = 'b'.repeat(16);
		t.is((await asJasm(patch(path, restart(second), STRATEGIC))).status, 200);
		t.deepEqual(contentOf(await read(kind, 'asks')), asAfter(second, 3));
	});
}

test.serial(
	'a paused Deployment and pods that are replaced by hand refuse a restart, and say so',
	async t => {
		const stage = await victims(t);
		for (const [kind, extra, says] of [
			['Deployment', { paused: true }, 'the Deployment is paused'],
			['StatefulSet', { updateStrategy: { type: 'OnDelete' } }, 'its pods are replaced by hand (OnDelete)'],
			['DaemonSet', { updateStrategy: { type: 'OnDelete' } }, 'its pods are replaced by hand (OnDelete)'],
		] as const) {
			await stage.create(stage.listed, workload(kind, 'by-hand', ASKS, extra));
			const before = contentOf(await stage.read(kind, 'by-hand'));
			const answer = await stage.asJasm(patch(pathOf(kind, stage.listed, 'by-hand'), restart(), MERGE));
			t.is(answer.status, 422);
			t.true(JSON.parse(answer.text).message.endsWith(`denied request: ${says}`), answer.text);
			t.deepEqual(contentOf(await stage.read(kind, 'by-hand')), before);
		}
	},
);

test.serial('the sentinel refuses a restart for want of the opt-in, which proves the policy', async t => {
	const { environment, asJasm, read } = await victims(t);
	const { home } = environment.cluster;
	const path = pathOf('Deployment', home, 'jasm-restart-sentinel');
	const answer = await asJasm(patch(`${path}?dryRun=All`, restart(), MERGE));
	t.is(answer.status, 422);
	t.regex(JSON.parse(answer.text).message, /denied request: the pod template does not ask for restarts$/);
	t.is((await read('Deployment', 'jasm-restart-sentinel', home)).spec.replicas, 0);
});

const VARIABLE = '/spec/template/spec/containers/0/env/0/value';

/** Dry runs that could show the value of a variable; no policy is asked before the fields are checked. */
const READS: readonly (readonly [what: string, body: unknown, type: string])[] = [
	[
		'a JSON Patch that copies it into a label',
		[{ op: 'copy', from: VARIABLE, path: '/metadata/labels/x' }],
		JSON_PATCH,
	],
	['a JSON Patch that compares it, rightly', [{ op: 'test', path: VARIABLE, value: CANARY }], JSON_PATCH],
	['a JSON Patch that compares it, wrongly', [{ op: 'test', path: VARIABLE, value: 'no' }], JSON_PATCH],
	['a restart', restart(), MERGE],
	['an empty patch', {}, MERGE],
];

test.serial(
	'no policy bounds what a patch reads: pod templates of listed namespaces, and nothing elsewhere',
	async t => {
		const { environment, listed, unlisted, create, asJasm } = await victims(t);
		const { home } = environment.cluster;
		await create(home, workload('Deployment', 'asks', ASKS));
		const found: Record<string, string> = {};
		for (const [where, namespace, name] of [
			['listed, asks', listed, 'asks'],
			['listed, does not ask', listed, 'free'],
			['not listed, asks', unlisted, 'asks'],
			['not listed, does not ask', unlisted, 'free'],
			["not listed, JASM's own", home, 'asks'],
		] as const) {
			for (const [what, body, type] of READS) {
				const { status, text } = await asJasm(
					patch(`${pathOf('Deployment', namespace, name)}?dryRun=All`, body, type),
				);
				const shown = text.includes(CANARY) ? 'shows the value' : 'shows nothing';
				const told = /does not ask|none of JASM's/.test(text) ? ', refused by the policy' : '';
				found[`${where}: ${what}`] = `${status}, ${shown}${told}`;
			}
		}

		for (const [request, answer] of Object.entries(found)) {
			t.log(`${request}: ${answer}`);
		}

		for (const request of Object.keys(found).filter(each => each.startsWith('not listed'))) {
			t.is(found[request], '403, shows nothing', request);
		}

		t.deepEqual(
			Object.entries(found)
				.filter(([, answer]) => answer.includes('shows the value'))
				.map(([request]) => request),
			[
				'listed, asks: a JSON Patch that copies it into a label',
				'listed, asks: a restart',
				'listed, does not ask: a JSON Patch that copies it into a label',
			],
		);
		// And by a comparison, guess by guess: the answers to a right and to a wrong one differ.
		for (const name of ['asks', 'does not ask']) {
			t.not(
				found[`listed, ${name}: a JSON Patch that compares it, rightly`],
				found[`listed, ${name}: a JSON Patch that compares it, wrongly`],
			);
		}
	},
);
