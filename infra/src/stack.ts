// The stack: Pulumi providers, identity, image, installation, test secrets and samples from one configuration.
import * as pulumi from '@pulumi/pulumi';
import { type InfraConfig, MINIKUBE } from './config.ts';
import { NAME } from './contract.ts';
import { ControllerImage } from './controller-image.ts';
import { IrsaRole } from './irsa-role.ts';
import { IssuerBucket } from './issuer-bucket.ts';
import { Jasm } from './jasm.ts';
import type { Facts } from './preflight.ts';
import { accountProvider, clusterProvider } from './providers.ts';
import { SAMPLE_NAMESPACE, Samples, samples } from './samples.ts';
import { TestSecrets } from './test-secrets.ts';

/** What a person needs next. */
export type Outputs = {
	readonly namespace: pulumi.Output<string>;
	readonly image: pulumi.Output<string>;
	/** Empty where the stack touches nothing in AWS. */
	readonly roleArn: pulumi.Output<string>;
	readonly tryIt: string[];
};

/** Declares the whole stack. The guards have run: `facts` is what they found. */
export function declareJasm(config: InfraConfig, facts: Facts): Outputs {
	const cluster = clusterProvider({ kubeconfig: facts.kubeconfig, context: config.kubeContext });
	const account = config.aws && accountProvider(config.aws);
	const inCluster = { providers: [cluster] };
	const inAccount = { providers: account === undefined ? [] : [account] };

	const roleArn = declareRole(config, facts, inAccount);
	const image = declareImage(config, facts);
	const jasm = new Jasm(
		NAME,
		{
			...config,
			image,
			aws: roleArn && config.aws && { region: config.aws.region, roleArn },
		},
		inCluster,
	);
	const secrets = config.testSecrets ? [new TestSecrets('test-secrets', inAccount)] : [];
	if (config.samples) {
		const { controller } = config;
		new Samples('samples', { image, controller }, { ...inCluster, dependsOn: [jasm, ...secrets] });
	}
	return {
		namespace: jasm.namespace,
		image: pulumi.output(image),
		roleArn: roleArn ?? pulumi.output(''),
		tryIt: nextSteps(config, facts),
	};
}

function declareRole(
	{ aws, identity, controller, stack }: InfraConfig,
	facts: Facts,
	options: pulumi.ComponentResourceOptions,
) {
	if (aws === undefined || identity.kind === 'none') return undefined;
	let providerArn: pulumi.Input<string>;
	if (identity.kind === 'minikube') {
		if (facts.issuer === undefined) throw new pulumi.RunError("the cluster's issuer documents were not read");
		providerArn = new IssuerBucket('issuer', { ...identity, documents: facts.issuer }, options).providerArn;
	} else {
		providerArn = identity.providerArn;
	}
	const { issuer } = identity;
	const subject = { namespace: NAME, serviceAccount: NAME, roleName: `${NAME}-${stack}`.toLowerCase() };
	return new IrsaRole(NAME, { providerArn, issuer, controller, ...subject, ...aws }, options).roleArn;
}

function declareImage({ image }: InfraConfig, { clusterId }: Facts): pulumi.Input<string> {
	if (image.kind === 'given') return image.reference;
	return new ControllerImage('image', { kind: image.kind, minikube: MINIKUBE, clusterId }).reference;
}

function nextSteps(config: InfraConfig, facts: Facts): string[] {
	const kubectl = `kubectl --kubeconfig ${facts.kubeconfig} --context ${config.kubeContext}`;
	const [pod = ''] = config.samples ? Object.keys(samples(config.controller)) : [];
	const inSample = `${kubectl} -n ${SAMPLE_NAMESPACE}`;
	return [
		`${kubectl} -n ${NAME} rollout status deployment/${NAME}`,
		`${kubectl} -n ${NAME} logs deployment/${NAME}`,
		...(pod === ''
			? []
			: [`${inSample} get pods,secrets`, `${inSample} describe pod ${pod}`, `${inSample} logs ${pod}`]),
	];
}
