// The samples use what the cluster has: their pods wait for their Secrets where pods can wait.
import test from 'ava';
import { declareJasm } from '../../src/stack.ts';
import { declare } from '../helpers/declare.ts';
import { FACTS, stackConfig } from '../helpers/stack-config.ts';

// biome-ignore lint/suspicious/noExplicitAny: manifests are data of many shapes
type Manifest = any;

for (const [wait, start, gates] of [
	['never', undefined, undefined],
	['annotated', 'after-sync', undefined],
	['all', 'after-sync', undefined],
	['checked', 'after-sync', [{ name: 'jasm.codnod.io/secret' }]],
] as const) {
	test.serial(
		`with start.wait ${wait} the pods of the samples ${start ? 'wait' : 'do not wait'} for their Secrets${gates ? ', by a gate that the template writes' : ''}`,
		async t => {
			const { resources } = await declare(() =>
				declareJasm(stackConfig({ start: JSON.stringify({ wait }) }), { ...FACTS, wait }),
			);
			const samples = resources.filter(
				({ type, name }) => type.endsWith(':Deployment') && name.startsWith('samples-'),
			);
			t.true(samples.length > 0);
			for (const { inputs } of samples as Manifest[]) {
				const { metadata, spec } = inputs.spec.template;
				t.is(metadata.annotations['jasm.codnod.io/start'], start);
				t.deepEqual(spec.schedulingGates, gates);
			}
		},
	);
}
