// The published schema is the one that is checked; which addresses an operator may not give.
import { readFileSync } from 'node:fs';
import test from 'ava';
import fc from 'fast-check';
import { endpointFault } from '../src/config-fields.ts';
import { configFile, configJsonSchema } from '../src/config-schema.ts';

const PUBLISHED = new URL('../../docs/config.schema.json', import.meta.url);

const REGENERATE =
	`node -e 'import("./controller/src/config-schema.ts").then(m => console.log(JSON.stringify(` +
	"m.configJsonSchema())))' > docs/config.schema.json && pnpm exec biome format --write docs/config.schema.json";

test('the published JSON Schema is that of the configuration', t => {
	const published = JSON.parse(readFileSync(PUBLISHED, 'utf8'));
	t.deepEqual(published, JSON.parse(JSON.stringify(configJsonSchema())), `regenerate it: ${REGENERATE}`);
});

test('every field of the JSON Schema says what it is for', t => {
	const silent: string[] = [];
	const visit = (node: unknown, path: string): void => {
		if (typeof node !== 'object' || node === null) {
			return;
		}

		for (const [name, value] of Object.entries(node)) {
			const here = `${path}.${name}`;
			if (path.endsWith('.properties') && !('description' in value) && !('const' in value)) {
				silent.push(here);
			}

			visit(value, here);
		}
	};
	visit(configJsonSchema(), '');
	t.deepEqual(silent, []);
});

test('an empty file is the strictest configuration', t => {
	t.like(configFile.parse({}), { profile: 'write-only', providers: {}, policy: [] });
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
