// Arbitrary configurations of the controller and settings of clusters; most of them are valid.
import fc from 'fast-check';
import type { ControllerConfig, ProviderConfig } from '../../src/documents/controller-config.ts';
import type { PlatformSettings } from '../../src/documents/platform.ts';
import { AZURE } from './stack-config.ts';

const port = fc.integer({ min: 1, max: 65_535 });
const host = fc.constantFrom('vault.example', 'a.internal', '10.1.2.3', 'emulator');
const authority = fc
	.tuple(host, fc.option(port))
	.map(([name, number]) => (number === null ? name : `${name}:${number}`));
const https = authority.map(where => `https://${where}`);
const url = fc
	.tuple(fc.constantFrom('http', 'https'), authority)
	.map(([scheme, where]) => `${scheme}://${where}`);
const optional = <T extends object>(fields: { [Name in keyof T]: fc.Arbitrary<T[Name]> }) =>
	fc.record(fields, { requiredKeys: [] });
/** A proxy of one provider: it is in place of those of the environment. */
const proxied = optional({ proxy: fc.constantFrom('http://proxy.example:3129', 'none') });
const caFile = fc.constantFrom('/etc/jasm/a.pem', '/etc/jasm/b.pem');
/** Some files are shared, and a shared file with two audiences is refused. */
const token = {
	tokenFile: fc.constantFrom('/tokens/a', '/tokens/b', '/var/run/secrets/c/token'),
	audience: fc.constantFrom('vault', 'other'),
};

const merged = (...parts: fc.Arbitrary<object>[]) =>
	fc.tuple(...parts).map(objects => Object.assign({}, ...objects) as ProviderConfig);

const aws = fc.constant({ kind: 'aws-secretsmanager', region: 'eu-west-1' });
const endpoints = optional({ endpoint: url, stsEndpoint: url });
const vault = fc.record({ kind: fc.constant('vault'), address: url, allowInsecure: fc.constant(true) });
const vaultOptions = optional({ redirectHosts: fc.array(authority, { minLength: 1, maxLength: 3 }), caFile });
const role = fc.constant({ role: 'jasm' });
const azureOptions = optional({ authorityHost: https, endpoint: https, caFile });

const provider = fc
	.oneof(
		merged(aws, endpoints, proxied, optional({ caFile, tokenFile: fc.constant('/tokens/sts') })),
		merged(
			aws,
			endpoints,
			proxied,
			fc.constantFrom({ credentials: 'container' }, { credentials: 'instance' }),
		),
		merged(vault, vaultOptions, role, proxied, optional(token)),
		merged(vault, vaultOptions, role, optional(token), fc.constant({ credentials: 'jwt' })),
		merged(
			fc.constant(AZURE),
			azureOptions,
			proxied,
			optional({ tokenFile: fc.constant('/tokens/azure') }),
		).map(each => ({ ...each, audience: 'api://AzureADTokenExchange' }) as ProviderConfig),
		merged(fc.constant({ ...AZURE, credentials: 'client-secret' }), azureOptions),
	)
	.map(each => withAudience(each));

/** Explicit where the default would be meant, so that a test can compare it. */
function withAudience(each: ProviderConfig): ProviderConfig {
	const signsIn = each.kind === 'vault' && 'tokenFile' in each && each.tokenFile !== undefined;
	return signsIn && !('audience' in each) ? ({ ...each, audience: 'vault' } as ProviderConfig) : each;
}

export const configurations: fc.Arbitrary<ControllerConfig> = fc
	.array(provider, { minLength: 1, maxLength: 4 })
	.map(providers => ({
		providers: Object.fromEntries(providers.map((each, index) => [`p${index}`, each])),
		policy: [],
	}));

const ports = fc.uniqueArray(port, { minLength: 1, maxLength: 3 });

export const settings: fc.Arbitrary<PlatformSettings> = optional({
	platform: fc.constantFrom('kubernetes' as const, 'openshift' as const),
	network: optional({
		apiServerPorts: ports,
		dnsPorts: ports,
		egress: fc.array(fc.record({ ports, cidr: fc.constantFrom('10.0.0.0/8', '192.168.0.0/16') }), {
			maxLength: 2,
		}),
	}),
	proxy: fc.record({
		url: fc.tuple(host, port).map(([name, number]) => `http://${name}:${number}`),
		noProxy: fc.constantFrom(['internal'], ['vault.example', '.microsoftonline.com']),
	}),
	trustBundle: fc.constantFrom('company.pem', 'a.pem'),
}) as fc.Arbitrary<PlatformSettings>;
