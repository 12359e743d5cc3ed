// The policy for workloads in the embedded API server: one annotation of a template that asks, and nothing else.
import test, { type ExecutionContext } from 'ava';
import {
	asking,
	RESTARTED_FOR,
	startRestartEnvironment,
	type WorkloadKind,
} from '../helpers/environment/restart-environment.ts';

const HASH = '0123456789abcdef';
const MERGE = 'application/merge-patch+json';
const PLURALS = { Deployment: 'deployments', StatefulSet: 'statefulsets', DaemonSet: 'daemonsets' } as const;

const template = (change: object) => ({ spec: { template: change } });
const annotations = (change: object) => template({ metadata: { annotations: change } });
const restart = annotations({ [RESTARTED_FOR]: HASH });

/** Merge patches, by what each would change. */
const ATTACKS: Readonly<Record<string, object>> = {
	image: template({ spec: { containers: [{ name: 'app', image: 'evil:1' }] } }),
	account: template({ spec: { serviceAccountName: 'admin' } }),
	'a label of the template': template({ metadata: { labels: { evil: 'x' } } }),
	'an annotation of the template': annotations({ evil: 'x' }),
	'the request for restarts': annotations({ 'jasm.codnod.io/secret-sync': 'x' }),
	'free text': annotations({ [RESTARTED_FOR]: 'free text' }),
	'a value that is too long': annotations({ [RESTARTED_FOR]: `${HASH}0` }),
	'a paused rollout': { spec: { paused: true } },
	replicas: { spec: { replicas: 9 } },
	history: { spec: { revisionHistoryLimit: 1 } },
	'by hand': { spec: { updateStrategy: { type: 'OnDelete', rollingUpdate: null } } },
	'a field of a future version': { spec: { someday: true } },
	'a label': { metadata: { labels: { evil: 'x' } } },
	'an annotation': { metadata: { annotations: { evil: 'x' } } },
	'a finalizer': { metadata: { finalizers: ['example.com/evil'] } },
	'an owner': { metadata: { ownerReferences: [{ apiVersion: 'v1', kind: 'Pod', name: 'x', uid: 'x' }] } },
};

async function victims(t: ExecutionContext, kind: WorkloadKind) {
	const stage = await startRestartEnvironment(t);
	const team = await stage.namespace('team');
	await stage.workload(team, 'asks', { kind, replicas: 0, text: asking(['db']) });
	await stage.workload(team, 'silent', { kind, replicas: 0, text: '{}' });
	const token = stage.api.createToken('jasm', 'jasm');
	const patch = (name: string, body: object, query = '') => {
		const path = `/apis/apps/v1/namespaces/${team}/${PLURALS[kind]}/${name}${query}`;
		return stage.environment.request({ method: 'PATCH', path, contentType: MERGE, body }, token);
	};
	const contentOf = (name: string) => {
		const { metadata, spec } = stage.api.get(kind, team, name);
		return {
			spec,
			generation: metadata.generation,
			annotations: metadata.annotations,
			labels: metadata.labels,
		};
	};
	return { stage, team, patch, contentOf };
}

for (const kind of ['Deployment', 'StatefulSet', 'DaemonSet'] as const) {
	test(`a stolen token changes nothing of a ${kind}, alone or together with a restart`, async t => {
		const { patch, contentOf } = await victims(t, kind);
		const before = { asks: contentOf('asks'), silent: contentOf('silent') };
		// The server drops a field that the kind does not have.
		const attacks = Object.entries(ATTACKS).filter(([what]) => kind !== 'DaemonSet' || what !== 'replicas');
		for (const [what, change] of attacks) {
			for (const [name, body] of [
				['asks', change],
				['asks', merged(restart, change)],
				['silent', change],
				['silent', merged(restart, change)],
			] as const) {
				const { status, text } = await patch(name, body);
				t.is(status, 422, `${what} of ${name}: ${text}`);
				t.regex(text, /ValidatingAdmissionPolicy 'jasm-restart-only'/, what);
			}
		}

		t.is((await patch('silent', restart)).status, 422);
		t.is((await patch('silent', {})).status, 422);
		t.deepEqual({ asks: contentOf('asks'), silent: contentOf('silent') }, before);
	});

	test(`the token restarts a ${kind} that asks for it: one annotation of its template, and nothing else`, async t => {
		const { patch, contentOf } = await victims(t, kind);
		const before = contentOf('asks');
		t.is((await patch('asks', restart, '?dryRun=All')).status, 200);
		t.deepEqual(contentOf('asks'), before);
		t.is((await patch('asks', restart)).status, 200);
		t.is((await patch('asks', restart)).status, 200, 'a second time');
		const after = contentOf('asks');
		t.is(after.generation, 2);
		const { template: changed } = after.spec as { template: { metadata: { annotations: object } } };
		t.like(changed.metadata.annotations, { [RESTARTED_FOR]: HASH });
		const wanted = structuredClone(before.spec) as { template: { metadata: { annotations: object } } };
		wanted.template.metadata.annotations = changed.metadata.annotations;
		t.deepEqual(after.spec, wanted);
	});
}

test('the token restarts nothing outside the listed namespaces', async t => {
	const { stage, patch } = await victims(t, 'Deployment');
	const other = await stage.environment.namespace('other');
	await stage.workload(other, 'asks', { replicas: 0 });
	t.is((await patch('asks', restart)).status, 200);
	const path = `/apis/apps/v1/namespaces/${other}/deployments/asks`;
	const token = stage.api.createToken('jasm', 'jasm');
	const request = { method: 'PATCH', path, contentType: MERGE, body: restart };
	t.is((await stage.environment.request(request, token)).status, 403);
});

function merged(a: object, b: object): object {
	const isObject = (value: unknown): value is object =>
		typeof value === 'object' && value !== null && !Array.isArray(value);
	const out: Record<string, unknown> = { ...a };
	for (const [key, value] of Object.entries(b)) {
		const mine = out[key];
		out[key] = isObject(mine) && isObject(value) ? merged(mine, value) : value;
	}

	return out;
}
