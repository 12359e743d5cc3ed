// The component Jasm with a webhook of change notices in a program of one's own: Outputs, and what must be known early.
import * as pulumi from '@pulumi/pulumi';
import test from 'ava';
import { Jasm, type JasmArgs } from '../../src/index.ts';
import { declare } from '../helpers/declare.ts';
import { inCluster } from '../helpers/providers.ts';
import { VAULT } from '../helpers/stack-config.ts';

// biome-ignore lint/suspicious/noExplicitAny: manifests of every kind, read by path
type Manifest = any;
const later = <T>(value: T) => pulumi.output(Promise.resolve(value));
const webhook = () => ({
	kind: 'webhook' as const,
	providers: ['vault'],
	address: later(':8090'),
	allowInsecure: true,
	bearerFiles: [later('/etc/jasm-webhook/token')],
});
const argsWith = (sources: unknown) =>
	({
		image: 'r/i:1',
		controller: { providers: { vault: VAULT }, policy: [], changes: { sources } },
		webhook: { from: [{ podSelector: { matchLabels: { app: later('shipper') } } }] },
	}) as JasmArgs;

test.serial('every value of a webhook may be an Output', async t => {
	const { resources } = await declare(() => void new Jasm('jasm', argsWith([webhook()]), inCluster()));
	const specOf = (type: string, name: string) =>
		resources
			.filter(each => each.type.endsWith(type))
			.map(({ inputs }) => inputs as Manifest)
			.find(({ metadata }) => metadata.name === name).spec;
	t.is(specOf(':Service', 'jasm-webhook').ports[0].port, 8090);
	t.deepEqual(specOf(':NetworkPolicy', 'jasm').ingress[1], {
		ports: [{ port: 8090, protocol: 'TCP' }],
		from: [{ podSelector: { matchLabels: { app: 'shipper' } } }],
	});
	t.deepEqual(specOf(':Deployment', 'jasm').template.spec.volumes.at(-1), {
		name: 'webhook-files-0',
		secret: { secretName: 'jasm-webhook', items: [{ key: 'token', path: 'token' }] },
	});
});

test.serial('whether there is a webhook must be known before the program runs', async t => {
	let message = '';
	await declare(() => {
		try {
			new Jasm('jasm', argsWith(later([webhook()])), inCluster());
		} catch (error) {
			message = (error as Error).message;
		}
	});
	t.is(message, 'jasm: controller.changes.sources must not be an Output where webhook is set');
});
