// The schema of the file: every field is described, the defaults are strict, no address is a metadata service.
import test from 'ava';
import fc from 'fast-check';
import { configFile, configJsonSchema } from '../../src/config/schema.ts';
import { endpointFault } from '../../src/providers/shared/schema-fields.ts';

test('every field of the JSON Schema says what it is for', t => {
	const silent: string[] = [];
	const visit = (node: unknown, path: string): void => {
		if (typeof node !== 'object' || node === null) {
			return;
		}

		for (const [name, value] of Object.entries(node)) {
			const here = `${path}.${name}`;
			if (path.endsWith('.properties') && !('description' in value) && name !== 'kind') {
				silent.push(here);
			}

			visit(value, here);
		}
	};
	visit(configJsonSchema(), '');
	t.deepEqual(silent, []);
});

test('an empty file is the strictest configuration', t => {
	t.like(configFile().parse({}), { profile: 'write-only', providers: {}, policy: [] });
});

test('emulators live at ordinary addresses', t => {
	for (const endpoint of [
		'http://127.0.0.1:4566',
		'http://localhost:5000/',
		'https://secrets.example.com/base',
		'http://[::1]:80',
		'http://10.0.0.1',
		'http://169.253.1.1',
	]) {
		t.is(endpointFault(endpoint), undefined, endpoint);
	}
});

test('no spelling of a metadata address is accepted', t => {
	for (const endpoint of [
		'http://169.254.169.254/latest',
		'http://169.254.169.254./',
		'http://169.254.170.2',
		'http://169.254.170.23',
		'http://2852039166/',
		'http://0xA9FEA9FE/',
		'http://0251.0376.0251.0376/',
		'http://169.254.43518/',
		'http://１６９.254.169.254/',
		'http://[fd00:ec2::254]/',
		'http://[fd00:0ec2:0:0::23]',
		'http://[fe80::1]/',
		'http://[::ffff:169.254.169.254]/',
		'http://[::ffff:a9fe:a9fe]/',
	]) {
		t.is(endpointFault(endpoint), 'is a link-local address or one of a metadata service', endpoint);
	}
});

test('every address of 169.254.0.0/16 is refused, as IPv4 and mapped into IPv6', t => {
	fc.assert(
		fc.property(fc.nat(255), fc.nat(255), (c, d) =>
			[
				`169.254.${c}.${d}`,
				`[::ffff:169.254.${c}.${d}]`,
				`${(169 * 256 + 254) * 65_536 + c * 256 + d}`,
			].every(host => endpointFault(`http://${host}/`) !== undefined),
		),
	);
	t.pass();
});

test('only plain http and https URLs are endpoints', t => {
	for (const endpoint of ['', 'localhost', 'ftp://x', 'file:///etc/passwd', 'javascript:0']) {
		t.is(endpointFault(endpoint), 'is not an http or https URL');
	}

	for (const endpoint of ['http://user@x/', 'http://:pw@x', 'http://x?y', 'http://x#y']) {
		t.is(endpointFault(endpoint), 'must not carry credentials, a query or a fragment');
	}
});

test('the JSON Schema shows which fields each of the credentials has, and which it needs', t => {
	type Form = { readonly properties: Record<string, Json>; readonly required: string[] };
	type Json = { readonly const?: string; readonly default?: unknown; readonly description?: string };
	const schema = configJsonSchema() as {
		properties: { providers: { additionalProperties: { oneOf: { oneOf: Form[] }[] } } };
	};
	const forms = schema.properties.providers.additionalProperties.oneOf.flatMap(({ oneOf }) => oneOf);
	const form = (kind: string, credentials: string) =>
		forms.find(
			({ properties }) =>
				properties['kind']?.const === kind && properties['credentials']?.const === credentials,
		);
	t.is(forms.length, 12);
	t.true(form('vault', 'approle')?.required.includes('secretIdFile'));
	t.false('roleId' in form('vault', 'jwt')!.properties);
	t.is(form('vault', 'jwt')?.properties['authMount']?.default, 'jwt');
	t.false(form('aws-secretsmanager', 'container')!.required.includes('region'));
	t.is(
		form('aws-secretsmanager', 'container')?.properties['region']?.description,
		'The AWS region to ask. Default: AWS_REGION of the environment.',
	);
});
