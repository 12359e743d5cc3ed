// Which secrets of a vault a notice concerns.
import test from 'ava';
import { azureConcern } from '../../../src/providers/azure/concerns.ts';
import type { AzureNotice } from '../../../src/providers/notice.ts';

const NOTICE: AzureNotice = {
	origin: 'azure',
	host: 'contoso.vault.azure.net',
	path: 'db-password',
	version: 'ee059b2bb5bc48398a53b168c6cdcb10',
	id: 'an-event',
	at: 0,
};

test('a notice concerns the secret of its name in the vault of its host, whatever the case of the name', t => {
	const concern = azureConcern(NOTICE, { vaultUrl: 'https://Contoso.vault.azure.net/' });
	t.deepEqual(concern?.paths, ['db-password']);
	t.true(concern?.ignoresCase);
	t.is(azureConcern(NOTICE, { vaultUrl: 'https://other.vault.azure.net' }), undefined);
});

test('a request that pins a version does not follow; any other expects the version of the notice', t => {
	const concern = azureConcern(NOTICE, { vaultUrl: 'https://contoso.vault.azure.net' });
	t.deepEqual(concern?.follows(undefined), { version: NOTICE.version });
	t.is(concern?.follows('0123456789abcdef0123456789abcdef'), undefined);
	const { version: _, ...unversioned } = NOTICE;
	t.deepEqual(
		azureConcern(unversioned, { vaultUrl: 'https://contoso.vault.azure.net' })?.follows(undefined),
		{},
	);
});

test('a notice of another cloud concerns no vault', t => {
	const other = { origin: 'aws', account: '1', region: 'r', path: 'db-password', id: '', at: 0 } as const;
	t.is(azureConcern(other, { vaultUrl: 'https://contoso.vault.azure.net' }), undefined);
});
