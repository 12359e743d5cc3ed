// The controller under the rendered ServiceAccount and rights: what it needs is allowed, all else is refused.
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { Agent, request } from 'node:https';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createController, createLogger, loadConfig } from '@jasm/controller';
import { type ApiServer, startApiServer, startSecretsManager } from '@jasm/controller/testing';
import test, { type ExecutionContext } from 'ava';
import { loadAll } from 'js-yaml';
import { ANNOTATION_KEY, LEASE, SENTINEL } from '../src/documents/contract.ts';
import { configFile } from '../src/documents/controller-config.ts';

const ROLE = 'arn:aws:iam::000000000000:role/jasm';
const USER = 'system:serviceaccount:jasm:jasm';

async function installed(t: ExecutionContext, profile: 'write-only' | 'self-heal') {
	const api = await startApiServer();
	t.teardown(() => api.close());
	const file = new URL(`../../deploy/${profile}.yaml`, import.meta.url);
	api.apply(loadAll(readFileSync(file, 'utf8')) as object[]);
	api.create({ kind: 'Namespace', metadata: { name: 'shop' } });
	return api;
}

/** Runs the controller as an installed pod would run, until the test ends. */
async function running(t: ExecutionContext, api: ApiServer, profile: 'write-only' | 'self-heal') {
	const aws = await startSecretsManager({ trust: { subjects: [USER], roles: [ROLE] } });
	aws.put('/prod/shop/db', { password: 'fake' });
	const folder = mkdtempSync(join(tmpdir(), 'jasm-rights-'));
	const file = (name: string, text: string) => {
		writeFileSync(join(folder, name), text);
		return join(folder, name);
	};
	const provider = {
		kind: 'aws-secretsmanager' as const,
		region: aws.region,
		endpoint: aws.url,
		stsEndpoint: aws.url,
	};
	const text = configFile(
		{
			providers: { aws: provider },
			policy: [{ namespaces: ['shop'], provider: 'aws', paths: ['/prod/{namespace}/**'] }],
		},
		profile,
	);
	const env = {
		POD_NAMESPACE: 'jasm',
		POD_NAME: 'jasm-0',
		AWS_ROLE_ARN: ROLE,
		AWS_WEB_IDENTITY_TOKEN_FILE: file(
			'token',
			api.createToken('jasm', 'jasm', { audiences: ['sts.amazonaws.com'] }),
		),
	};
	const config = loadConfig({
		argv: [
			...['--kubeconfig', file('kubeconfig', api.kubeconfig({ token: api.createToken('jasm', 'jasm') }))],
			...['--config', file('config.yaml', text), '--leader-elect=true'],
			...['--metrics-bind-address=127.0.0.1:0', '--health-probe-bind-address=127.0.0.1:0'],
		],
		env,
	});
	const stop = new AbortController();
	const controller = createController({ config, env, logger: createLogger({ level: 'fatal' }) });
	const ended = controller.run(stop.signal);
	t.teardown(async () => {
		stop.abort();
		await ended.catch(() => {});
		await aws.close();
		rmSync(folder, { recursive: true });
	});
	await Promise.race([controller.ready, ended]);
}

for (const profile of ['write-only', 'self-heal'] as const) {
	test(`${profile}: an annotated pod gets its Secret, and nothing that the controller asks for is refused`, async t => {
		const api = await installed(t, profile);
		await running(t, api, profile);
		const annotations = { [ANNOTATION_KEY]: '{provider: aws, path: /prod/shop/db, secretName: db}' };
		api.create({
			kind: 'Pod',
			metadata: { name: 'web', namespace: 'shop', annotations },
			spec: { containers: [{ name: 'web', image: 'web:1' }] },
		});
		await api.requests.waitFor({ user: USER, resource: 'events', verb: 'create', status: 201 });
		t.deepEqual(api.get('Secret', 'shop', 'db')['data'], {
			password: Buffer.from('fake').toString('base64'),
		});
		t.is(api.get('Lease', 'jasm', LEASE).metadata.name, LEASE);

		const refused = api.requests
			.filter({ user: USER })
			.filter(({ status = 200 }) => status === 403 || status === 422);
		// The one refusal proves that the guard holds.
		t.deepEqual(
			refused.map(({ verb, name }) => `${verb} ${name}`),
			[`update ${SENTINEL}`],
		);
	});
}

const CORE = '/api/v1/namespaces/shop';
const REFUSED: [method: string, path: string][] = [
	['PATCH', `${CORE}/secrets/foreign`],
	['DELETE', `${CORE}/secrets/foreign`],
	['DELETE', `${CORE}/secrets`],
	['GET', `${CORE}/pods/web`],
	['POST', `${CORE}/pods`],
	['DELETE', `${CORE}/pods/web`],
	['GET', `${CORE}/configmaps`],
	['GET', `${CORE}/serviceaccounts/default`],
	['POST', `${CORE}/serviceaccounts/default/token`],
	['POST', `${CORE}/events`],
	['GET', '/apis/events.k8s.io/v1/namespaces/shop/events'],
	['GET', '/api/v1/namespaces/shop'],
	['POST', '/apis/coordination.k8s.io/v1/namespaces/shop/leases'],
	['GET', '/apis/coordination.k8s.io/v1/namespaces/jasm/leases'],
	['PUT', '/apis/coordination.k8s.io/v1/namespaces/jasm/leases/another'],
	['DELETE', `/apis/coordination.k8s.io/v1/namespaces/jasm/leases/${LEASE}`],
	['GET', '/apis/apps/v1/namespaces/jasm/deployments'],
	['GET', '/apis/rbac.authorization.k8s.io/v1/clusterroles'],
	['PUT', '/apis/rbac.authorization.k8s.io/v1/clusterroles/jasm'],
	['DELETE', '/apis/admissionregistration.k8s.io/v1/validatingadmissionpolicies/jasm-secrets'],
];
const READS: [method: string, path: string][] = [
	['GET', `${CORE}/secrets/foreign`],
	['GET', `${CORE}/secrets`],
	['GET', '/api/v1/secrets?watch=true'],
];

for (const [profile, paths] of [
	['write-only', [...REFUSED, ...READS]],
	['self-heal', REFUSED],
] as const) {
	test(`${profile}: whatever else its token asks for is forbidden`, async t => {
		const api = await installed(t, profile);
		api.create({ kind: 'Secret', metadata: { name: 'foreign', namespace: 'shop' } });
		for (const [method, path] of paths) t.is(await statusOf(api, method, path), 403, `${method} ${path}`);
	});
}

test('the guard lets the token write what is its own, and nothing else', async t => {
	const api = await installed(t, 'write-only');
	const owned = { 'app.kubernetes.io/managed-by': 'jasm' };
	api.create({ kind: 'Secret', metadata: { name: 'foreign', namespace: 'shop' } });
	const secret = (name: string, labels: object, type = 'Opaque') => ({ metadata: { name, labels }, type });
	t.is(await statusOf(api, 'POST', `${CORE}/secrets`, secret('mine', owned)), 201);
	t.is(await statusOf(api, 'PUT', `${CORE}/secrets/mine`, secret('mine', owned)), 200);
	for (const [method, path, body] of [
		['PUT', `${CORE}/secrets/foreign`, secret('foreign', owned)],
		['PUT', `${CORE}/secrets/mine`, secret('mine', {})],
		['POST', `${CORE}/secrets`, secret('other', {})],
		['POST', `${CORE}/secrets`, secret('other', owned, 'helm.sh/release.v1')],
		['POST', '/api/v1/namespaces/kube-system/secrets', secret('other', owned)],
		['POST', '/api/v1/namespaces/jasm/secrets', secret('other', owned)],
	] as [string, string, object][]) {
		t.is(await statusOf(api, method, path, body), 422, `${method} ${path} ${JSON.stringify(body)}`);
	}
});

/** Status of a request under the installed ServiceAccount's token. */
function statusOf(api: ApiServer, method: string, path: string, body: object = {}): Promise<number> {
	const agent = new Agent({ ca: api.ca });
	const headers = {
		authorization: `Bearer ${api.createToken('jasm', 'jasm')}`,
		'content-type': method === 'PATCH' ? 'application/merge-patch+json' : 'application/json',
	};
	return new Promise((resolve, reject) => {
		const call = request(`${api.url}${path}`, { method, headers, agent }, answer => {
			answer.destroy();
			agent.destroy();
			resolve(answer.statusCode ?? 0);
		});
		call.once('error', reject);
		// Node sends no length with the body of any other method.
		call.end(/^P/.test(method) ? JSON.stringify(body) : undefined);
	});
}
