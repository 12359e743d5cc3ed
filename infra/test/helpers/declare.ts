// Declares resources against mocks and answers what was declared, once everything in flight has landed.
import * as pulumi from '@pulumi/pulumi';
import type { Declared } from './invariants.ts';

export type MockedResource = Declared & { readonly id?: string | undefined };

export type Declaration = {
	readonly resources: MockedResource[];
	readonly outputs: Record<string, unknown>;
	/** The one resource of that type and name. Throws where there is not exactly one. */
	readonly one: (type: string, name?: string) => MockedResource;
	readonly types: () => string[];
};

/** Runs a program under mocks. With `preview` nothing has an id, so outputs of resources stay unknown. */
export async function declare(program: () => unknown, { preview = false } = {}): Promise<Declaration> {
	const resources: MockedResource[] = [];
	await pulumi.runtime.setMocks(
		{
			// Never throws: an exception in here surfaces as unhandled rejections all over the run.
			newResource(args) {
				resources.push(args);
				const id = preview && args.custom ? undefined : `${args.name}-id`;
				const arn = args.type.startsWith('aws:') ? { arn: `arn:aws:mock:::${args.name}` } : {};
				const url = args.type.endsWith('sqs/queue:Queue')
					? { url: `https://sqs.eu-west-1.amazonaws.com/111122223333/${args.name}` }
					: {};
				return { id, state: preview ? args.inputs : { ...arn, ...url, ...args.inputs } };
			},
			call: args => args.inputs,
		},
		'jasm',
		'minikube',
		preview,
	);
	const outputs = (await pulumi.runtime.runInPulumiStack(async () => program())) as Record<string, unknown>;
	await pulumi.runtime.disconnect();
	const one = (type: string, name?: string) => {
		const found = resources.filter(
			resource => resource.type.endsWith(type) && (name ?? resource.name) === resource.name,
		);
		if (found.length !== 1) throw new Error(`${found.length} resources ${type} ${name ?? ''}`);
		return found[0] as MockedResource;
	};
	return { resources, outputs, one, types: () => resources.map(({ type }) => type) };
}

/** The value of an output, once it is known. */
export function resolved<T>(output: pulumi.Input<T>): Promise<T> {
	return new Promise(resolve => void pulumi.output(output).apply(value => resolve(value as T)));
}
