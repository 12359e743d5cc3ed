// The configuration file of a simulated controller: what may be read, and where notices come from.
import { type Config, loadConfig } from '../../src/config/config.ts';
import type { ProviderKind } from '../../src/providers/provider.ts';

const CONFIG = (profile: string, further: string) => `
profile: ${profile}
${further}
start: {release: true}
policy:
  - {namespaces: ["team-*"], provider: simulated, paths: ["/prod/{namespace}/**", "/shared/**"]}
`;

export type Provided = {
	/** Of an embedding program, by name. */
	readonly providers: Readonly<Record<string, unknown>>;
	readonly kinds: readonly ProviderKind[];
	/** Further lines of the file. */
	readonly configuration: string;
};

export const configurationOf = (profile: string, { providers, kinds, configuration }: Provided): Config =>
	loadConfig({
		argv: ['--config=sim.yaml', '--namespace=jasm'],
		env: {},
		readFile: () => CONFIG(profile, configuration),
		extraProviders: Object.keys(providers),
		kinds,
	});
