// The components as a plugin: what it constructs, what it refuses, and the schema that SDKs are generated from.
import * as pulumi from '@pulumi/pulumi';
import test from 'ava';
import { Jasm, type JasmArgs } from '../../src/components/jasm.ts';
import { ComponentsPlugin, inputFaults } from '../../src/plugin/provider.ts';
import { COMPONENTS, packageSchema } from '../../src/plugin/schema.ts';
import { type Declaration, declare, resolved } from '../helpers/declare.ts';

const VAULT = {
	providers: { vault: { kind: 'vault', address: 'https://vault.example.com', role: 'jasm' } },
	policy: [{ namespaces: ['team-*'], provider: 'vault', paths: ['prod/{namespace}/**'] }],
};
const AWS = {
	providers: { 'aws-secretsmanager': { kind: 'aws-secretsmanager', region: 'eu-west-1' } },
	policy: [{ namespaces: ['team-*'], provider: 'aws-secretsmanager', paths: ['/prod/{namespace}/**'] }],
};
const ROLE = {
	...{ accountId: '111122223333', region: 'eu-west-1', namespace: 'jasm', serviceAccount: 'jasm' },
	controller: AWS,
};
const INPUTS: Record<string, pulumi.Inputs> = {
	'jasm:infra:Jasm': { image: 'registry.example.com/jasm:1', controller: VAULT },
	'jasm:infra:IrsaRole': {
		...ROLE,
		providerArn: 'arn:aws:iam::111122223333:oidc-provider/a',
		issuer: 'https://a',
	},
	'jasm:infra:PodIdentity': { ...ROLE, clusterName: 'platform' },
	'jasm:infra:IssuerBucket': {
		bucket: 'example-issuer',
		issuer: 'https://example-issuer.s3.eu-west-1.amazonaws.com',
		documents: { discovery: '{}', jwks: '{}' },
	},
	'jasm:infra:ChangeQueue': { controller: ROLE.controller },
};

test.serial(
	'every component of the schema is constructed, with the outputs that the schema promises',
	async t => {
		t.deepEqual(Object.keys(INPUTS), Object.keys(COMPONENTS));
		for (const [type, inputs] of Object.entries(INPUTS)) {
			let result: pulumi.provider.ConstructResult | undefined;
			const { resources } = await declare(async () => {
				result = await new ComponentsPlugin().construct('jasm', type, inputs, {});
			});
			t.true(resources.some(resource => resource.type === type));
			t.true((await resolved(result!.urn)).endsWith(`${type}::jasm`));
			t.deepEqual(Object.keys(result!.state).sort(), [...COMPONENTS[type]!.required].sort());
		}
	},
);

test.serial('an installation by the plugin is the one that a TypeScript program declares', async t => {
	const inputs = INPUTS['jasm:infra:Jasm']!;
	const byPlugin = await declare(() =>
		new ComponentsPlugin().construct('jasm', 'jasm:infra:Jasm', inputs, {}),
	);
	const byProgram = await declare(() => void new Jasm('jasm', inputs as JasmArgs));
	const facts = ({ resources }: Declaration) =>
		resources.map(({ type, name, inputs }) => ({ type, name, inputs }));
	t.true(byPlugin.resources.length > 15);
	t.deepEqual(facts(byPlugin), facts(byProgram));
});

test('inputs that are missing, unknown, or known too late are named', t => {
	const late = pulumi.output({});
	t.deepEqual(
		inputFaults(COMPONENTS['jasm:infra:Jasm']!, {
			controller: late,
			profile: late,
			namespace: late,
			replica: 2,
		}),
		[
			'image: is required',
			'controller: must be known before the program runs; an output may only be one of its values',
			'profile: must be known before the program runs; an output may only be one of its values',
			'replica: unknown input',
		],
	);
});

test('a fault of the configuration, and a component that does not exist, fail the construction', async t => {
	const plugin = new ComponentsPlugin();
	const controller = { ...VAULT, policy: [{ namespaces: ['team-*'], provider: 'valt', paths: ['a/**'] }] };
	await t.throwsAsync(plugin.construct('jasm', 'jasm:infra:Jasm', { image: 'a', controller }, {}), {
		message: /policy\[0\]\.provider/,
	});
	await t.throwsAsync(plugin.construct('jasm', 'jasm:infra:Jasmin', {}, {}), {
		message: /there is no component jasm:infra:Jasmin; there are jasm:infra:Jasm,/,
	});
});

test('the schema is that of this version, and requires only inputs that it has', t => {
	const plugin = new ComponentsPlugin();
	t.is((JSON.parse(plugin.schema) as { version: string }).version, plugin.version);
	for (const { inputProperties, requiredInputs } of Object.values(packageSchema().resources)) {
		t.deepEqual(
			requiredInputs.filter(field => inputProperties[field] === undefined),
			[],
		);
	}
});
