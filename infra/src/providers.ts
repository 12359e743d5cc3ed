// The explicit Pulumi providers: every resource names its cluster and its account, none takes the ambient one.
import * as aws from '@pulumi/aws';
import * as k8s from '@pulumi/kubernetes';
import type { AwsConfig } from './config/config.ts';
import type { Cluster } from './preflight/local-commands.ts';

/**
 * The Pulumi provider of one cluster: kubeconfig *and* context, for without a context the current one counts.
 * `deleteUnreachable` stays unset: a stopped cluster is not an empty one, and a refresh would drop from the
 * state what is still in there. PULUMI_K8S_DELETE_UNREACHABLE says it where it is meant.
 */
export function clusterProvider({ kubeconfig, context }: Cluster): k8s.Provider {
	return new k8s.Provider(context, {
		kubeconfig,
		context,
		// A cluster that is made again under the same name is the same cluster: nothing is replaced for its address.
		clusterIdentifier: context,
		enableServerSideApply: true,
		enableConfigMapMutable: true,
	});
}

/** The Pulumi provider of one account: it refuses every other one, whatever identity it finds. */
export function accountProvider({ region, profile, accountId }: AwsConfig): aws.Provider {
	return new aws.Provider('account', { region, ...(profile && { profile }), allowedAccountIds: [accountId] });
}
