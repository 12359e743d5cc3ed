// The guards that run before any Pulumi provider exists. They refuse the wrong account and the wrong cluster.
import type { StartArgs } from '../components/jasm.ts';
import { type InfraConfig, MINIKUBE } from '../config/config.ts';
import type { IssuerDocuments } from '../documents/policy-documents.ts';
import { checkAccount, checkEnvironment } from './aws.ts';
import { checkContext, checkVersion, kubeconfigFile } from './cluster.ts';
import { provideImage } from './image.ts';
import type { Cluster, GuardPorts } from './local-commands.ts';
import { checkIssuer, prepareMinikube, readIssuer } from './minikube.ts';

/** What the guards found out. */
export type Facts = {
	/** The one kubeconfig file that every command and Pulumi provider is given. */
	readonly kubeconfig: string;
	/** Reference of the controller's image, which the cluster can run. */
	readonly image: string;
	/** The documents that the issuer must publish; undefined where the cluster's issuer is registered already. */
	readonly issuer: IssuerDocuments | undefined;
	/** Which pods wait for their Secrets; `never` where `auto` is set and the version could not be asked. */
	readonly wait: StartArgs['wait'];
};

/**
 * Checks environment, account, cluster, issuer and version, then provides the image, in this order. Throws a
 * RunError at the first thing that is wrong and asks nothing further.
 */
export async function preflight(config: InfraConfig, ports: GuardPorts): Promise<Facts> {
	const kubeconfig = kubeconfigFile(config, ports.environment);
	if (config.aws !== undefined) {
		checkEnvironment(config.aws, ports.environment);
		await checkAccount(config.aws, ports);
	}
	const cluster = { kubeconfig, context: config.kubeContext };
	const issuer = 'issuer' in config.identity ? config.identity.issuer : undefined;
	if (config.kubeContext === MINIKUBE) await prepareMinikube({ cluster, issuer, ...ports });
	let documents: IssuerDocuments | undefined;
	let wait = config.start.wait === 'auto' ? 'never' : config.start.wait;
	if (await checkContext(cluster, ports)) {
		documents = await checkTokens(config, { cluster, ...ports });
		wait = await checkVersion(config, cluster, ports);
	}
	const image = await provideImage({ image: config.image, cluster, ...ports });
	return { kubeconfig, image, issuer: documents, wait };
}

async function checkTokens(
	{ identity }: InfraConfig,
	on: GuardPorts & { cluster: Cluster },
): Promise<IssuerDocuments | undefined> {
	if (identity.kind === 'minikube') return readIssuer({ issuer: identity.issuer, ...on });
	// Registered already: AWS reads the keys where the cluster's owner publishes them.
	if (identity.kind === 'oidc-provider') await checkIssuer({ issuer: identity.issuer, ...on });
	return undefined;
}
