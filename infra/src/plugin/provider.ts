// The components as a Pulumi plugin, for programs in Pulumi's other languages. It makes what `new Jasm(…)` makes.
import * as pulumi from '@pulumi/pulumi';
import { ChangeQueue, type ChangeQueueArgs } from '../components/change-queue.ts';
import { IrsaRole, type IrsaRoleArgs } from '../components/irsa-role.ts';
import { IssuerBucket, type IssuerBucketArgs } from '../components/issuer-bucket.ts';
import { Jasm, type JasmArgs } from '../components/jasm.ts';
import { PodIdentity, type PodIdentityArgs } from '../components/pod-identity.ts';
import { VERSION } from '../documents/contract.ts';
import { COMPONENTS, type Component, PACKAGE, packageSchema } from './schema.ts';

type Construct = (
	name: string,
	inputs: unknown,
	options: pulumi.ComponentResourceOptions,
) => { readonly component: pulumi.ComponentResource; readonly state: pulumi.Inputs };

const BY_TYPE: Readonly<Record<string, Construct>> = {
	[`${PACKAGE}:infra:Jasm`]: (name, inputs, options) => {
		const component = new Jasm(name, inputs as JasmArgs, options);
		return { component, state: { namespace: component.namespace, serviceAccount: component.serviceAccount } };
	},
	[`${PACKAGE}:infra:IrsaRole`]: (name, inputs, options) => {
		const component = new IrsaRole(name, inputs as IrsaRoleArgs, options);
		return { component, state: { roleArn: component.roleArn } };
	},
	[`${PACKAGE}:infra:PodIdentity`]: (name, inputs, options) => {
		const component = new PodIdentity(name, inputs as PodIdentityArgs, options);
		return { component, state: { roleArn: component.roleArn } };
	},
	[`${PACKAGE}:infra:IssuerBucket`]: (name, inputs, options) => {
		const component = new IssuerBucket(name, inputs as IssuerBucketArgs, options);
		return { component, state: { providerArn: component.providerArn } };
	},
	[`${PACKAGE}:infra:ChangeQueue`]: (name, inputs, options) => {
		const component = new ChangeQueue(name, inputs as ChangeQueueArgs, options);
		return { component, state: { queueUrl: component.queueUrl, queueArn: component.queueArn } };
	},
};

export class ComponentsPlugin implements pulumi.provider.Provider {
	readonly version = VERSION;
	readonly schema = JSON.stringify(packageSchema());

	/** Throws where an input is missing, unknown, or an Output although it decides which resources there are. */
	async construct(
		name: string,
		type: string,
		inputs: pulumi.Inputs,
		options: pulumi.ComponentResourceOptions,
	): Promise<pulumi.provider.ConstructResult> {
		const construct = BY_TYPE[type];
		const description = COMPONENTS[type];
		if (construct === undefined || description === undefined) {
			throw new Error(
				`declaring ${name}: there is no component ${type}; there are ${Object.keys(BY_TYPE).join(', ')}`,
			);
		}
		const faults = inputFaults(description, inputs);
		if (faults.length > 0) {
			throw new Error(`declaring ${name}:\n${faults.map(fault => `  - ${fault}`).join('\n')}`);
		}
		const { component, state } = construct(name, inputs, options);
		return { urn: component.urn, state };
	}
}

/** Inputs that a program in another language can get wrong, a sentence each. */
export function inputFaults({ inputProperties, requiredInputs }: Component, inputs: pulumi.Inputs): string[] {
	return [
		...requiredInputs.filter(field => inputs[field] === undefined).map(field => `${field}: is required`),
		...Object.entries(inputs).flatMap(([field, value]) => {
			const property = inputProperties[field];
			if (property === undefined) return [`${field}: unknown input`];
			const whole = property.plain === true || field === 'controller';
			return whole && pulumi.Output.isInstance(value)
				? [`${field}: must be known before the program runs; an output may only be one of its values`]
				: [];
		}),
	];
}
