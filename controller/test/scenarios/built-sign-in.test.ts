// The controller as it is shipped signs in by every way that a schema has, over every scheme, redirect and proxy.
import test from 'ava';
import { providerSchema } from '../../src/config/schema.ts';
import { fieldNames, formOf, formsOf, nameOf } from '../../src/config/schema-walk.ts';
import { KINDS, nameOfKind } from '../../src/providers/registry.ts';
import { startBuilt } from '../helpers/environment/built-controller.ts';
import { BuiltReads } from '../helpers/environment/built-reads.ts';
import { startMatrix } from '../helpers/environment/sign-in-matrix.ts';
import { startEnvironment } from '../helpers/environment/test-environment.ts';

test('every way to sign in and every field of every kind works in the bundle under the flags of the image', async t => {
	t.timeout(120_000);
	const { entries, env } = await startMatrix(t);
	const environment = await startEnvironment(t, { embedded: true });
	const namespaces = [`*-${environment.cluster.id}`];
	const names = Object.keys(entries);
	const config = {
		// Of a machine that is busy.
		providers: Object.fromEntries(names.map(name => [name, { timeoutMs: 30_000, ...entries[name]!.config }])),
		policy: names.map(provider => ({
			namespaces,
			provider,
			paths: ['**', 'arn:aws:secretsmanager:*:*:secret:**'],
		})),
	};
	const controller = await startBuilt(t, environment, { config, env });
	await controller.log.waitFor({ message: 'leading' });
	const reads = new BuiltReads(controller, environment, await environment.namespace('team'));
	await Promise.all(
		names.map(async name => {
			const { path, expected } = entries[name]!;
			if (expected instanceof RegExp) {
				t.regex((await reads.refused(name, { path })).message, expected, name);
			} else {
				t.is((await reads.read(name, { path })).values['from']?.toString(), expected, name);
			}
		}),
	);
	t.is(controller.stderr, '');
	t.deepEqual(missing(Object.values(entries).map(each => each.config)), []);
});

/** Ways to sign in, and fields, that no configuration has: `KIND CREDENTIALS` and `KIND FIELD`. */
function missing(configs: readonly Readonly<Record<string, unknown>>[]): string[] {
	const schema = providerSchema();
	const chosen = configs.map(config => formOf(schema, config));
	return KINDS.flatMap(kind => {
		const name = nameOfKind(kind);
		const own = configs.filter(config => config['kind'] === name);
		const forms = formsOf(schema, { kind: name });
		return [
			...forms.filter(form => !chosen.includes(form)).map(form => `${name} ${nameOf(form, 'credentials')}`),
			...fieldNames(forms)
				.filter(field => !['credentials', 'timeoutMs'].includes(field))
				.filter(field => own.every(config => config[field] === undefined))
				.map(field => `${name} ${field}`),
		];
	});
}
