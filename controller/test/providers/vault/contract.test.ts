// Vault keeps every provider's promises: both versions of KV, on the embedded server and on a real one.
import { VAULTS } from '../../helpers/servers/vault-target.ts';
import { testProvider } from '../shared/contract.ts';
import { vaultProduct } from './product.ts';

for (const [target, open] of Object.entries(VAULTS)) {
	for (const kvVersion of [1, 2] as const) {
		testProvider(vaultProduct(target, open, kvVersion));
	}
}
