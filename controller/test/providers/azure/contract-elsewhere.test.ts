// The same provider against a Key Vault that JASM_TEST_KEYVAULT_URL names, written to through the vendor's client.
import { randomUUID } from 'node:crypto';
import { SecretClient } from '@azure/keyvault-secrets';
import test from 'ava';
import { AzureIdentity } from '../../../src/providers/azure/credential.ts';
import type { AzureKeyVaultConfig } from '../../../src/providers/azure/schema.ts';
import { azureSettings } from '../../../src/providers/azure/settings.ts';
import { azureTransport } from '../../../src/providers/azure/transport.ts';
import { createProviders } from '../../../src/providers/registry.ts';
import { HttpsCaller } from '../../../src/providers/shared/https-client.ts';
import { systemClock } from '../../../src/runtime/clock.ts';
import { checked } from '../../helpers/provider-config.ts';
import { prepareKeyVault } from '../../helpers/servers/azure.ts';
import { refusal } from '../shared/contract.ts';

const elsewhere = process.env['JASM_TEST_KEYVAULT_URL'];

/** The embedded vault, or the one that is named, with further fields of its configuration as JSON. */
async function open(): Promise<{ config: AzureKeyVaultConfig; close: () => Promise<void> }> {
	if (elsewhere === undefined) {
		const ground = await prepareKeyVault();
		return { ...ground, config: checked(ground.config) };
	}

	const fields = JSON.parse(process.env['JASM_TEST_KEYVAULT_CONFIG'] ?? '{"credentials": "cli"}');
	const written = { ...(fields as object), kind: 'azure-keyvault', vaultUrl: elsewhere } as const;
	const config = checked(written, process.env);
	return { config, close: async () => {} };
}

test(`${elsewhere ?? 'embedded'}: what the vendor's client writes is read, by version, disabled and deleted`, async t => {
	const { config, close } = await open();
	const { env } = process;
	const settings = azureSettings(config);
	const caller = new HttpsCaller({ clock: systemClock, config, env });
	const identity = new AzureIdentity({ settings, env, clock: systemClock, caller });
	const client = new SecretClient(settings.url, identity, {
		httpClient: azureTransport(caller),
		disableChallengeResourceVerification: settings.emulated,
	});
	const registry = createProviders({ azure: config }, { env, clock: systemClock, warn: () => {} });
	const name = `jasm-${randomUUID()}`;
	t.teardown(async () => {
		await client.beginDeleteSecret(name).catch(() => {});
		await registry.close();
		caller.close();
		await close();
	});
	const provider = await registry.get('azure');
	const read = (version?: string) =>
		provider.read({ path: name, ...(version !== undefined && { version }) }, new AbortController().signal);
	t.is((await refusal(read())).code, 'SECRET_NOT_FOUND');
	const { properties: first } = await client.setSecret(name, '{"n":1.10,"big":12345678901234567890}');
	const { properties: second } = await client.setSecret(name, 'text');
	t.is((await read()).payload().toString(), 'text');
	t.is((await read()).version, second.version!);
	t.is((await read(first.version)).payload().toString(), '{"n":1.10,"big":12345678901234567890}');
	await client.updateSecretProperties(name, second.version!, { enabled: false });
	t.is((await refusal(read(second.version))).code, 'SECRET_DISABLED');
	await (await client.beginDeleteSecret(name)).pollUntilDone();
	t.is((await refusal(read())).code, 'SECRET_NOT_FOUND');
});
