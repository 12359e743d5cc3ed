// The rights that the controller checks are those of the installation, and each missing one is named.
import test, { type ExecutionContext } from 'ava';
import { createReviews, type Right } from '../../src/kubernetes/reviews.ts';
import { LEASE } from '../../src/manager/manager.ts';
import { missingRights, neededRights } from '../../src/manager/rights.ts';
import { installation, type Profile } from '../helpers/environment/installation.ts';
import { FixedCredentials } from '../helpers/servers/raw-server.ts';
import { apiServer, clusterOf, wired } from '../helpers/watches/wired.ts';

const rightsOf = (profile: Profile) =>
	neededRights({ profile, leaderElect: true, namespace: 'jasm', start: { release: true } }, LEASE);

async function installed(t: ExecutionContext, profile: Profile) {
	const server = await apiServer(t);
	server.apply(installation(profile));
	const credentials = new FixedCredentials({ ca: server.ca, token: server.createToken('jasm', 'jasm') });
	const { rest } = wired(t, server, { cluster: clusterOf(server, credentials) });
	return { server, reviews: createReviews(rest) };
}

for (const profile of ['write-only', 'self-heal'] as const) {
	test(`the installation of ${profile} grants every right that is checked`, async t => {
		const { reviews } = await installed(t, profile);
		t.is(await reviews.user(), 'system:serviceaccount:jasm:jasm');
		t.deepEqual(await missingRights(reviews, rightsOf(profile)), []);
	});

	test(`every right on pods, Secrets, Events and the Lease that ${profile} has is checked`, async t => {
		const rules = installation(profile)
			.filter(({ kind }) => kind === 'ClusterRole' || kind === 'Role')
			.flatMap(role => (role as unknown as { rules: Rule[] }).rules);
		const granted = rules.flatMap(({ apiGroups, resources, verbs }) =>
			apiGroups.flatMap(group =>
				resources.flatMap(resource => verbs.map(verb => [group, resource, verb].join())),
			),
		);
		const checked = rightsOf(profile).map(({ group, resource, verb }: Right) =>
			[group, resource, verb].join(),
		);
		t.deepEqual([...new Set(granted)].sort(), [...new Set(checked)].sort());
	});
}

type Rule = { readonly apiGroups: string[]; readonly resources: string[]; readonly verbs: string[] };

test('missing rights are named with the group, the name and the namespace of what they are for', async t => {
	const { server, reviews } = await installed(t, 'write-only');
	server.delete('RoleBinding', 'jasm', 'jasm');
	server.delete('ClusterRoleBinding', '', 'jasm');
	t.deepEqual(await missingRights(reviews, rightsOf('write-only')), [
		'list pods',
		'watch pods',
		'patch pods',
		'create secrets',
		'update secrets',
		'create events.events.k8s.io',
		'create leases.coordination.k8s.io in namespace "jasm"',
		'get leases.coordination.k8s.io "jasm.codnod.io" in namespace "jasm"',
		'update leases.coordination.k8s.io "jasm.codnod.io" in namespace "jasm"',
	]);
});

test('a server that does not answer reviews leaves nothing to name, and nothing rejects', async t => {
	const { server, reviews } = await installed(t, 'write-only');
	server.faults.inject({}, { answer: { status: 404, reason: 'NotFound' } }, Number.POSITIVE_INFINITY);
	t.deepEqual(await missingRights(reviews, rightsOf('write-only')), []);
	t.is(await reviews.user(), undefined);
	await server.close();
	t.is(await reviews.user(), undefined);
});
