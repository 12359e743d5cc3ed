// Vault as the contract of providers tests it: either version of KV on any Vault, its faults, the paths that are refused.
import { checked } from '../../helpers/provider-config.ts';
import { prepareVault } from '../../helpers/servers/vault.ts';
import type { VaultTarget } from '../../helpers/servers/vault-target.ts';
import { type Fault, type ProviderUnderTest, WIRE_FAULTS } from '../shared/contract-store.ts';

const AS_INJECTED = {
	denied: 'permission-denied',
	throttled: 'rate-limited',
	unavailable: 'sealed',
	garbage: { html: 200 },
	...WIRE_FAULTS,
} as const satisfies Record<Exclude<Fault, 'unauthenticated'>, unknown>;

/** `open` starts or names the Vault, which the titles call `target`. */
export const vaultProduct = (
	target: string,
	open: () => Promise<VaultTarget>,
	kvVersion: 1 | 2,
): ProviderUnderTest => ({
	name: `${target}, KV ${kvVersion}`,
	forms: [],
	versions: kvVersion === 2,
	// Version 2 keeps numbers as floats: Vault itself, whatever JASM does.
	numbers: kvVersion === 2 ? 'float' : 'exact',
	refusedPaths: ['/prod/db', 'a//b', 'a/', 'x'.repeat(513), './a', 'a/.'],
	async start() {
		const { vault, config, put, remove, close } = await prepareVault(await open(), { kvVersion });
		// What the test itself asks as root does not count.
		const reads = () =>
			vault.calls.filter(call => call.operation === 'read' && call.token !== vault.rootToken).length;
		return {
			config: checked(config),
			env: {},
			put: (path, payload) => put(path, payload.toString()),
			remove,
			fail(fault) {
				if (fault !== 'unauthenticated') {
					return vault.inject(AS_INJECTED[fault]);
				}

				const refused = { status: 403, body: '{"errors":["permission denied"]}' };
				const faults = [
					vault.inject('invalid-token'),
					vault.inject(refused, { when: ({ operation }) => operation === 'login' }),
				];
				return {
					stop() {
						for (const injected of faults) {
							injected.stop();
						}
					},
				};
			},
			reads,
			arrived: count => vault.waitForCall(() => reads() >= count),
			close,
		};
	},
});
