// Kind azure-keyvault: Azure Key Vault through the vendor's client. This file is what the registry lists.
import type { BuiltInKind } from '../provider.ts';
import { azureConcern } from './concerns.ts';
import { azureInstallation } from './installation.ts';
import { queueUrlFault } from './queue-url.ts';
import { validateReference } from './reference.ts';
import { azureKeyVaultSchema } from './schema.ts';
import { azureSettings, azureWarnings } from './settings.ts';

export const azureKeyVault: BuiltInKind<typeof azureKeyVaultSchema> = {
	schema: azureKeyVaultSchema,
	environment: {
		AZURE_FEDERATED_TOKEN_FILE: '`tokenFile` of providers that leave it out',
		AZURE_CLIENT_SECRET: 'the secret, for credentials `client-secret`',
	},
	prepare(config, context) {
		const settings = azureSettings(config);
		return {
			validatePath: validateReference,
			async open() {
				for (const warning of azureWarnings(config)) {
					context.warn(`provider ${context.name}: ${warning}`);
				}

				const { AzureKeyVault } = await import('./key-vault.ts');
				return new AzureKeyVault({ ...context, settings });
			},
			concerns: notice => azureConcern(notice, settings),
			async openQueue(url) {
				const { ServiceBusQueue } = await import('./service-bus.ts');
				return new ServiceBusQueue({ ...context, settings, url });
			},
		};
	},
	queueKind: 'service-bus',
	queueFault: queueUrlFault,
	installation: azureInstallation,
	samples: [{ pod: 'sample-azure', requests: [{ path: 'codnod-config', secretName: 'sample-azure' }] }],
};
