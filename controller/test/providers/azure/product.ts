// Azure Key Vault as the contract of providers tests it: the embedded server, its faults, the paths that are refused.
import { checked } from '../../helpers/provider-config.ts';
import { prepareKeyVault } from '../../helpers/servers/azure.ts';
import { type Fault, type ProviderUnderTest, WIRE_FAULTS } from '../shared/contract-store.ts';

const AS_INJECTED = {
	denied: 'forbidden',
	throttled: 'throttled',
	unavailable: 'unavailable',
	garbage: { html: 200 },
	...WIRE_FAULTS,
} as const satisfies Record<Exclude<Fault, 'unauthenticated'>, unknown>;

const REFUSED_BY_ENTRA = {
	status: 401,
	body: '{"error":"invalid_client","error_description":"AADSTS700213: No match","error_codes":[700213]}',
};

export const AZURE: ProviderUnderTest = {
	name: 'azure-keyvault',
	forms: ['text', 'binary'],
	pathOf: path => path.replaceAll('/', '-'),
	refusedPaths: [
		'a//b',
		'a%2e%2e/b',
		'a\\b',
		'a b',
		'a?b',
		'a#b',
		'pröd',
		'рrod',
		'a/',
		'prod/db',
		'prod_db',
		'prod.db',
		'x'.repeat(128),
		'db/0123456789abcdef0123456789abcdef',
	],
	async start() {
		const { server, config, close } = await prepareKeyVault();
		return {
			config: checked(config),
			env: {},
			// Bytes are what a certificate in PKCS #12 is.
			put: (path, payload) =>
				typeof payload === 'string'
					? server.put(path, payload)
					: server.put(path, payload.toString('base64'), { contentType: 'application/x-pkcs12' }),
			remove: path => server.delete(path),
			fail(fault) {
				if (fault !== 'unauthenticated') {
					return server.inject(AS_INJECTED[fault]);
				}

				server.expireTokens();
				return server.inject(REFUSED_BY_ENTRA, { when: ({ operation }) => operation === 'RequestToken' });
			},
			reads: () => server.count('GetSecret'),
			arrived: reads => server.waitForCall(() => server.count('GetSecret') >= reads),
			close,
		};
	},
};
