// Component: the right to restart workloads in listed namespaces, the policy that holds it, and the proof of both.
import * as k8s from '@pulumi/kubernetes';
import * as pulumi from '@pulumi/pulumi';
import { RESTART_GUARD, RESTART_ROLE, RESTART_SENTINEL } from '../documents/contract.ts';
import { labels } from '../documents/labels.ts';
import { CONFINED_CONTAINER, confinedPod, type Ids } from '../documents/pod-security.ts';
import { RESTART_RULE, restartValidations } from '../documents/restart-guard.ts';
import { restartRules, sentinelRules } from '../documents/rights.ts';
import { declareGuard } from './guard.ts';

export type RestartsArgs = {
	/** Name of JASM's own namespace. */
	readonly namespace: pulumi.Input<string>;
	readonly serviceAccountName: string;
	/** Names of the namespaces whose workloads may be restarted. They must exist. */
	readonly namespaces: readonly string[];
	/** Of the sentinel, which never runs. */
	readonly image: pulumi.Input<string>;
	readonly ids: Ids;
};

export class Restarts extends pulumi.ComponentResource {
	constructor(name: string, args: RestartsArgs, options?: pulumi.ComponentResourceOptions) {
		super('jasm:infra:Restarts', name, {}, options);
		const { namespace, serviceAccountName, namespaces } = args;
		const within = { parent: this };
		const metadata = { name: RESTART_ROLE, labels: labels('restarts') };
		const guard = declareGuard(
			`${name}-guard`,
			{
				policyName: RESTART_GUARD,
				component: 'restarts',
				serviceAccountName,
				rule: RESTART_RULE,
				validations: restartValidations(serviceAccountName),
			},
			within,
		);
		// After the policy, and destroyed before it: the right never stands alone.
		const held = { ...within, dependsOn: guard };
		const role = new k8s.rbac.v1.ClusterRole(name, { metadata, rules: restartRules() }, held);
		const bind = (
			resource: string,
			where: pulumi.Input<string>,
			to: k8s.rbac.v1.ClusterRole | k8s.rbac.v1.Role,
		) =>
			new k8s.rbac.v1.RoleBinding(
				resource,
				{
					metadata: { ...metadata, namespace: where },
					roleRef: { apiGroup: 'rbac.authorization.k8s.io', kind: to.kind, name: RESTART_ROLE },
					subjects: [{ kind: 'ServiceAccount', name: serviceAccountName, namespace }],
				},
				{ ...within, dependsOn: [guard, to] },
			);
		for (const listed of new Set(namespaces)) bind(`${name}-in-${listed}`, listed, role);
		// The controller proves the policy at the sentinel.
		const own = { metadata: { ...metadata, namespace }, rules: sentinelRules() };
		bind(`${name}-sentinel`, namespace, new k8s.rbac.v1.Role(`${name}-sentinel`, own, held));
		this.#sentinel(name, args);
		this.registerOutputs({});
	}

	/** A Deployment without pods whose template asks for no restart: the policy must object to one. */
	#sentinel(name: string, { namespace, image, ids }: RestartsArgs): void {
		const pods = { ...labels('restarts'), sentinel: 'restarts' };
		new k8s.apps.v1.Deployment(
			`${name}-sentinel`,
			{
				metadata: { name: RESTART_SENTINEL, namespace, labels: labels('restarts') },
				spec: {
					replicas: 0,
					selector: { matchLabels: pods },
					template: {
						metadata: { labels: pods },
						spec: {
							automountServiceAccountToken: false,
							securityContext: confinedPod(ids),
							containers: [
								{
									name: 'sentinel',
									image,
									resources: {
										requests: { cpu: '1m', memory: '1Mi' },
										limits: { cpu: '1m', memory: '1Mi' },
									},
									securityContext: CONFINED_CONTAINER,
								},
							],
						},
					},
				},
			},
			{ parent: this },
		);
	}
}
