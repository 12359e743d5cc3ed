// Vault keeps every provider's promises: both versions of KV, on the embedded server and on a real one.
import { prepareVault } from '../helpers/vault.ts';
import { VAULTS } from '../helpers/vault-target.ts';
import { type Fault, testProvider } from './contract.ts';

const AS_INJECTED = {
	denied: 'permission-denied',
	throttled: 'rate-limited',
	unavailable: 'sealed',
	garbage: { html: 200 },
	truncated: 'truncate',
	stalled: 'stall',
	hung: 'hang',
} as const satisfies Record<Exclude<Fault, 'unauthenticated'>, unknown>;

for (const [target, open] of Object.entries(VAULTS)) {
	for (const kvVersion of [1, 2] as const) {
		testProvider({
			name: `${target}, KV ${kvVersion}`,
			forms: [],
			versions: kvVersion === 2,
			// Version 2 keeps numbers as floats: Vault itself, whatever JASM does.
			numbers: kvVersion === 2 ? 'float' : 'exact',
			refusedPaths: ['/prod/db', 'prod/*', 'a;b', "a'b", 'x'.repeat(513), './a', 'a/.'],
			async start() {
				const { vault, config, put, remove, close } = await prepareVault(await open(), { kvVersion });
				// What the test itself asks as root does not count.
				const reads = () =>
					vault.calls.filter(call => call.operation === 'read' && call.token !== vault.rootToken).length;
				return {
					config,
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
	}
}
