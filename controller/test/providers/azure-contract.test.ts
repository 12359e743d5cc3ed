// Azure Key Vault keeps every provider's promises.
import { prepareKeyVault } from '../helpers/azure.ts';
import { type Fault, testProvider } from './contract.ts';

const AS_INJECTED = {
	denied: 'forbidden',
	throttled: 'throttled',
	unavailable: 'unavailable',
	garbage: { html: 200 },
	truncated: 'truncate',
	stalled: 'stall',
	hung: 'hang',
} as const satisfies Record<Exclude<Fault, 'unauthenticated'>, unknown>;

const REFUSED_BY_ENTRA = {
	status: 401,
	body: '{"error":"invalid_client","error_description":"AADSTS700213: No match","error_codes":[700213]}',
};

testProvider({
	name: 'azure-keyvault',
	forms: ['text', 'binary'],
	pathOf: path => path.replaceAll('/', '-'),
	refusedPaths: ['prod/db', 'prod_db', 'prod.db', 'x'.repeat(128), 'db/0123456789abcdef0123456789abcdef'],
	async start() {
		const { server, config, close } = await prepareKeyVault();
		return {
			config,
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
});
