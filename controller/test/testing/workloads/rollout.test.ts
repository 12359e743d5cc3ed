// The steps of a Deployment's rollout, played to their end without a server.
import test from 'ava';
import fc from 'fast-check';
import type { KubeObject } from '../../../testing/api-server/objects/object.ts';
import { planRollout, REVISION, templateHash, tolerances } from '../../../testing/workloads/rollout.ts';

const template = (image: string) => ({
	metadata: { labels: { app: 'web' } },
	spec: { containers: [{ name: 'a', image }] },
});
const deployment = (replicas: number, image: string, spec: object = {}): KubeObject => ({
	kind: 'Deployment',
	metadata: { name: 'web' },
	spec: {
		replicas,
		revisionHistoryLimit: 10,
		strategy: { type: 'RollingUpdate', rollingUpdate: { maxSurge: '25%', maxUnavailable: '25%' } },
		template: template(image),
		...spec,
	},
});
const set = (
	name: string,
	image: string,
	replicas: number,
	available = replicas,
	revision = 1,
): KubeObject => ({
	kind: 'ReplicaSet',
	metadata: { name, annotations: { [REVISION]: String(revision) } },
	spec: { replicas, template: template(image) },
	status: { replicas, availableReplicas: available },
});
const wanted = ({ spec }: KubeObject): number => (spec as { replicas: number }).replicas;
const available = ({ status }: KubeObject): number =>
	(status as { availableReplicas: number }).availableReplicas;
const total = (sets: readonly KubeObject[], of: (set: KubeObject) => number) =>
	sets.reduce((sum, one) => sum + of(one), 0);

/** Carries out a plan; the pods that go are those that are not available. */
const apply = (of: KubeObject, sets: KubeObject[]): KubeObject[] => {
	const { current, scale, remove } = planRollout(of, sets);
	const image = (of['spec'] as { template: ReturnType<typeof template> }).template.spec.containers[0]!.image;
	const next = current.exists ? sets : [...sets, set(current.name, image, current.replicas, 0, 9)];
	return next
		.filter(({ metadata }) => !remove.includes(metadata.name ?? ''))
		.map(one => {
			const replicas = scale.get(one.metadata.name ?? '') ?? wanted(one);
			return {
				...one,
				spec: { ...(one['spec'] as object), replicas },
				status: { replicas, availableReplicas: Math.min(available(one), replicas) },
			};
		});
};

test('a new Deployment gets all its replicas at once', t => {
	const { current, scale } = planRollout(deployment(3, 'x'), []);
	t.deepEqual(current, { name: `web-${templateHash(deployment(3, 'x'))}`, exists: false, replicas: 3 });
	t.is(scale.size, 0);
});

test('the name of a template depends on what it says, not on the order of its fields', t => {
	const same = deployment(1, 'x');
	const { spec, metadata } = (same['spec'] as { template: ReturnType<typeof template> }).template;
	t.is(templateHash(deployment(1, 'x', { template: { spec, metadata } })), templateHash(same));
	t.not(templateHash(deployment(1, 'y')), templateHash(same));
});

test('a rollout ends at the new template, with no pod too many and none too few on the way', t => {
	fc.assert(
		fc.property(
			fc.integer({ min: 1, max: 30 }),
			fc.constantFrom('0%', '25%', '50%', '100%', 0, 1, 3),
			fc.constantFrom('0%', '25%', '50%', 0, 1, 3),
			fc.infiniteStream(fc.boolean()),
			(replicas, maxSurge, maxUnavailable, becomes) => {
				const rollingUpdate = { maxSurge, maxUnavailable };
				const of = deployment(replicas, 'new', { strategy: { type: 'RollingUpdate', rollingUpdate } });
				const { surge, unavailable } = tolerances(of);
				let sets = [set('old', 'old', replicas)];
				for (let step = 0; step < 500; step++) {
					sets = apply(of, sets);
					t.true(total(sets, wanted) <= replicas + surge);
					t.true(total(sets, available) >= replicas - unavailable);
					// Pods of the new template become available one at a time, some steps later.
					sets = sets.map(one =>
						available(one) < wanted(one) && becomes.next().value
							? { ...one, status: { ...(one['status'] as object), availableReplicas: available(one) + 1 } }
							: one,
					);
				}
				t.deepEqual(sets.map(wanted).sort(), replicas === 0 ? [0, 0] : [0, replicas].sort());
				t.is(total(sets, available), replicas);
			},
		),
		{ numRuns: 50 },
	);
});

test('the strategy Recreate starts new pods only when the old ones are gone', t => {
	const of = deployment(2, 'new', { strategy: { type: 'Recreate' } });
	const first = apply(of, [set('old', 'old', 2)]);
	t.deepEqual(first.map(wanted), [0, 0]);
	t.deepEqual(apply(of, first).map(wanted), [0, 2]);
});

test('old ReplicaSets beyond the history limit are removed, the oldest first', t => {
	const sets = [1, 2, 3].map(revision => set(`old-${revision}`, `old-${revision}`, 0, 0, revision));
	const { remove } = planRollout(deployment(1, 'new', { revisionHistoryLimit: 1 }), sets);
	t.deepEqual(remove, ['old-1', 'old-2']);
});
