// Names that Vault can hold can be read: each segment is encoded, and the server gets exactly the path that was allowed.
import test from 'ava';
import fc from 'fast-check';
import { compilePolicy, decide } from '../../../src/policy/policy.ts';
import { apiPath } from '../../../src/providers/vault/reference.ts';
import { openVault } from '../../helpers/servers/vault.ts';
import { VAULTS } from '../../helpers/servers/vault-target.ts';

const NAMES = [
	'team a/db',
	'süß/größe',
	'a&b/c',
	'a(b)/c',
	"it's/db",
	'100%/db',
	'a%2e%2e/db',
	'a%2Fb',
	'a+b',
	'a?b',
	'a#b',
	'a;b',
	'a*b',
	'v1..2/...',
];

for (const [target, open] of Object.entries(VAULTS)) {
	test(`${target}: a path with blanks, umlauts, signs and percent signs is read under exactly its name`, async t => {
		const { vault, mount, read } = await openVault(t, { open });
		for (const name of NAMES) {
			const encoded = name.split('/').map(encodeURIComponent).join('/');
			await vault.request('POST', `${mount}/data/${encoded}`, JSON.stringify({ data: { name } }));
			t.is((await read(name)).payload().toString(), JSON.stringify({ name }), name);
		}
	});
}

test('the path on the wire decodes to the path that the policy allowed, and to no other', t => {
	const piece = fc.constantFrom(
		'a',
		'.',
		'..',
		'/',
		'%',
		'2e',
		'2f',
		'\\',
		'?',
		'#',
		'&',
		' ',
		'ü',
		'*',
		';',
		'+',
	);
	const policy = compilePolicy([{ namespaces: ['team'], provider: 'v', paths: ['a/**'] }], {
		ownNamespace: 'jasm',
	});
	let asked = 0;
	fc.assert(
		fc.property(fc.array(piece, { minLength: 1, maxLength: 8 }), pieces => {
			const path = `a/${pieces.join('')}`;
			if (!decide(policy, { namespace: 'team', provider: 'v', path }).allowed) {
				return;
			}

			let sent: string;
			try {
				sent = apiPath({ path }, { mount: 'secret', kvVersion: 2 });
			} catch {
				return;
			}

			asked++;
			// As the client makes the URL, and as the server decodes it.
			const { pathname, search, hash } = new URL(`https://vault.example/v1/${sent}`);
			t.is(decodeURIComponent(pathname), `/v1/secret/data/${path}`);
			t.is(search + hash, '');
		}),
		{ numRuns: 3_000 },
	);
	t.true(asked > 300);
});
