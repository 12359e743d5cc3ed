// What an attacker can do with the controller's token, tried with the token itself; an ordinary user keeps every right.
import { randomInt } from 'node:crypto';
import { attacks, type Target } from '../users/attacker.ts';
import { send } from '../users/raw-requests.ts';
import type { Tenant } from '../users/tenant.ts';
import { expect, type ScenarioContext } from './scenario-context.ts';

/** Part of the name of each scenario; in `self-heal` reading is granted and only the guard is left. */
export type Profile = 'write-only' | 'self-heal';

/** Letters that no id and no word of the API holds, so that every match comes from the value. */
const ALPHABET = 'GHJKLMNPQRSTVWXZ';

export async function rights(context: ScenarioContext, profile: Profile): Promise<void> {
	const { report, environment, controller } = context;
	const { cluster } = environment;
	const token = await controller.token(await controller.pod());
	const tenant = await context.tenant(`victim-${profile}`);
	const value = Array.from({ length: 40 }, () => ALPHABET[randomInt(ALPHABET.length)]).join('');
	const target = await foreignSecret(context, tenant, value);
	const tries = attacks(target);

	await report.scenario(`token, ${profile}`, `${tries.length} tries on a foreign Secret`, async () => {
		const shown: string[] = [];
		const allowed: string[] = [];
		for (const attack of tries) {
			const { status, body } = await send(cluster, token, attack);
			if (leaks(body, value)) shown.push(`${attack.name} → ${status}`);
			if (status < 300 && !harmless(attack.method, body)) allowed.push(`${attack.name} → ${status}`);
		}
		const reading = (name: string) => /^(GET|HEAD)/.test(name);
		const unexpected = profile === 'self-heal' ? shown.filter(name => !reading(name)) : shown;
		expect(unexpected.length === 0, `answers that show a value:\n${unexpected.join('\n')}`);
		const changes = profile === 'self-heal' ? allowed.filter(name => !reading(name)) : allowed;
		expect(changes.length === 0, `allowed:\n${changes.join('\n')}`);
		const live = await tenant.liveSecret(target.name);
		expect(live?.metadata?.resourceVersion === target.resourceVersion, 'the Secret was changed');
		return profile === 'self-heal'
			? `0 of ${tries.length} changed it; reading is what this profile grants`
			: `0 of ${tries.length} answers hold a part of it, 0 allowed`;
	});

	await report.scenario(`guard, ${profile}`, 'refuses what RBAC would allow, by its own words', async () => {
		const body = (labels: object, name: string) => ({
			apiVersion: 'v1',
			kind: 'Secret',
			metadata: { name, labels },
		});
		const path = `/api/v1/namespaces/${tenant.namespace}/secrets`;
		const owned = { 'app.kubernetes.io/managed-by': 'jasm' };
		const replaced = await send(cluster, token, {
			method: 'PUT',
			path: `${path}/${target.name}`,
			body: body(owned, target.name),
		});
		expect(replaced.status >= 400 && /JASM changes only Secrets/.test(replaced.body), replaced.body);
		const system = '/api/v1/namespaces/kube-system/secrets';
		const kube = await send(cluster, token, { method: 'POST', path: system, body: body(owned, 'x') });
		expect(kube.status >= 400 && /system namespace/.test(kube.body), kube.body);
		const own = await send(cluster, token, { method: 'POST', path, body: body(owned, 'its-own') });
		expect(own.status === 201, `its own write was answered ${own.status}`);
		return 'foreign and system refused by policy, its own written';
	});

	await report.scenario(`user, ${profile}`, 'an ordinary user can still do all of that', async () => {
		const admin = await ordinaryUser(context, tenant);
		const one = `/api/v1/namespaces/${tenant.namespace}/secrets/${target.name}`;
		const read = await send(cluster, admin, { method: 'GET', path: one });
		expect(read.status === 200 && leaks(read.body, value), `read: ${read.status}`);
		// The same reads show the value to its owner, so the check above would have found it.
		const shown = await Promise.all(
			tries
				.filter(({ method }) => method === 'GET')
				.map(async attack => leaks((await send(cluster, admin, attack)).body, value)),
		);
		expect(
			shown.filter(Boolean).length >= 10,
			`only ${shown.filter(Boolean).length} reads show the value to its owner`,
		);
		const patched = await send(cluster, admin, {
			method: 'PATCH',
			path: one,
			type: 'application/merge-patch+json',
			body: { metadata: { labels: { mine: 'yes' } } },
		});
		expect(patched.status === 200, `patch: ${patched.status}`);
		const odd = await send(cluster, admin, {
			method: 'POST',
			path: one.slice(0, one.lastIndexOf('/')),
			body: { apiVersion: 'v1', kind: 'Secret', metadata: { name: 'odd' }, type: 'own/type' },
		});
		expect(odd.status === 201, `own type: ${odd.status}`);
		const gone = await send(cluster, admin, { method: 'DELETE', path: one });
		expect(gone.status === 200, `delete: ${gone.status}`);
		return 'read, patch, own type, delete';
	});
	await tenant.delete();
}

async function foreignSecret(
	{ environment }: ScenarioContext,
	{ namespace }: Tenant,
	value: string,
): Promise<Target> {
	const name = 'foreign';
	const { metadata } = await environment.cluster.core.createNamespacedSecret({
		namespace,
		body: { metadata: { name }, stringData: { key: value } },
	});
	const { uid = '', resourceVersion = '' } = metadata ?? {};
	return { namespace, name, uid, resourceVersion, key: 'key' };
}

/** A ServiceAccount with the cluster's own `admin` role in its namespace. */
async function ordinaryUser({ environment }: ScenarioContext, { namespace }: Tenant): Promise<string> {
	const { cluster } = environment;
	await cluster.core.createNamespacedServiceAccount({ namespace, body: { metadata: { name: 'owner' } } });
	const bind = [
		'create',
		'rolebinding',
		'owner',
		'--clusterrole=admin',
		`--serviceaccount=${namespace}:owner`,
	];
	const { code, stderr } = await cluster.kubectl(['-n', namespace, ...bind]);
	expect(code === 0, stderr);
	const { stdout } = await cluster.kubectl(['-n', namespace, 'create', 'token', 'owner']);
	return stdout.trim();
}

/** Whether an answer holds any five characters of the value, as it is or in base64. */
function leaks(body: string, value: string): boolean {
	const forms = [value, Buffer.from(value).toString('base64')];
	return forms.some(form =>
		Array.from({ length: form.length - 4 }, (_, start) => form.slice(start, start + 5)).some(part =>
			body.includes(part),
		),
	);
}

/** Lists and watches of nothing are answers without content. */
function harmless(method: string, body: string): boolean {
	return method === 'OPTIONS' || (method === 'GET' && body === '');
}
