// Kind vault: HashiCorp Vault and OpenBao, KV versions 1 and 2. This file is what the registry lists.
import type { BuiltInKind } from '../provider.ts';
import { vaultInstallation } from './installation.ts';
import { validateReference } from './reference.ts';
import { vaultSchema } from './schema.ts';
import { vaultSettings, vaultWarnings } from './settings.ts';

export const vault: BuiltInKind<typeof vaultSchema> = {
	schema: vaultSchema,
	environment: {},
	prepare(config, context) {
		const settings = vaultSettings(config);
		return {
			validatePath: reference => validateReference(reference, settings),
			async open() {
				for (const warning of vaultWarnings(config)) {
					context.warn(`provider ${context.name}: ${warning}`);
				}

				const { Vault } = await import('./vault.ts');
				return new Vault({ ...context, settings });
			},
		};
	},
	installation: vaultInstallation,
	samples: [{ pod: 'sample-vault', requests: [{ path: 'prod/codnod/config', secretName: 'sample-vault' }] }],
};
