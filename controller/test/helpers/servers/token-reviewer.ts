// The part of an API server that reviews ServiceAccount tokens for Vault's kubernetes auth method.
import { FaultPlan } from '../../../testing/shared/fault-plan.ts';
import { FaultyServer, jsonAnswer } from '../../../testing/shared/faulty-server.ts';
import type { Teardown } from '../environment/file-teardown.ts';
import { identityToken } from './tokens.ts';
import type { VaultTarget } from './vault-target.ts';

export type KubernetesAuth = {
	/** Address and authority of the reviewer. */
	readonly host: string;
	readonly ca: string;
	readonly authMount: string;
	readonly role: string;
	readonly policy: string;
};

/** Mounts the method with a role for JASM's ServiceAccount. */
export async function allowKubernetes(
	vault: VaultTarget,
	{ host, ca, authMount, role, policy }: KubernetesAuth,
): Promise<void> {
	await vault.request('POST', `sys/auth/${authMount}`, { type: 'kubernetes' });
	await vault.request('POST', `auth/${authMount}/config`, {
		kubernetes_host: host,
		kubernetes_ca_cert: ca,
		token_reviewer_jwt: 'reviewer',
		disable_local_ca_jwt: true,
	});
	await vault.request('POST', `auth/${authMount}/role/${role}`, {
		bound_service_account_names: 'jasm',
		bound_service_account_namespaces: 'jasm',
		audience: 'vault',
		token_policies: [policy],
	});
}

export const serviceAccountToken = (namespace: string, name: string) =>
	identityToken('vault', {
		sub: `system:serviceaccount:${namespace}:${name}`,
		'kubernetes.io': { namespace, serviceaccount: { name, uid: 'u' } },
	});

/** Runs until the teardown. */
export async function startReviewer(t: Teardown) {
	const reviewed: string[] = [];
	const server = new FaultyServer({
		tls: true,
		faults: new FaultPlan<object, never, never>({ isRead: () => false, refusalOf: fault => fault }),
		read: ({ body, headers }) => ({
			call: {},
			answer() {
				const { spec } = JSON.parse(body);
				reviewed.push(...spec.audiences);
				const claims = JSON.parse(Buffer.from(spec.token.split('.')[1], 'base64url').toString());
				const authenticated = headers.authorization === 'Bearer reviewer';
				const user = { username: claims.sub, uid: 'u', groups: [] };
				const status = { authenticated, user, audiences: spec.audiences };
				return jsonAnswer(201, { apiVersion: 'authentication.k8s.io/v1', kind: 'TokenReview', spec, status });
			},
		}),
	});
	await server.listen();
	t.teardown(() => server.close());
	return { host: server.url, ca: server.ca!, reviewed };
}
