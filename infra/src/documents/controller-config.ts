// The controller's config file as the installation writes it; the controller itself says what is wrong with it.
import { type JasmError, loadConfig } from '@jasm/controller';
import { type ConfigFileInput, type Installation, installationOf } from '@jasm/controller/installation';
import { dump } from 'js-yaml';
import { AWS_TOKEN_FILE, CONFIG_FILE, NAME, type Profile } from './contract.ts';

/** A region may be left to the installation, which sets AWS_REGION. */
type RegionOptional<Provider> = Provider extends { region: infer Region }
	? Omit<Provider, 'region'> & { region?: Region | undefined }
	: Provider;

/** One configured provider; docs/configuration.md has the fields of each kind. */
export type ProviderConfig = RegionOptional<NonNullable<ConfigFileInput['providers']>[string]>;

/** One rule: pods of these namespaces may read these paths of that provider. */
export type PolicyRule = NonNullable<ConfigFileInput['policy']>[number];

/** What the config file says, except for the profile, which decides about rights as well. */
export type ControllerConfig = Omit<ConfigFileInput, '$schema' | 'profile' | 'providers' | 'policy'> & {
	providers: Record<string, ProviderConfig>;
	policy: PolicyRule[];
};

/** What the installation sets for the controller beside the file. */
export type Surroundings = {
	readonly namespace?: string | undefined;
	readonly region?: string | undefined;
	/** Whether it sets AWS_ROLE_ARN. */
	readonly role?: boolean | undefined;
};

/** Stands for a region that is not known: files and ports are the same in all of them. */
export const ANY_REGION = 'us-east-1';

/** Stands for the role of the installation, whose ARN AWS itself makes. */
const ANY_ROLE = 'arn:aws:iam::000000000000:role/jasm';

const environmentOf = ({ namespace = NAME, region, role = false }: Surroundings) => ({
	POD_NAMESPACE: namespace,
	AWS_WEB_IDENTITY_TOKEN_FILE: AWS_TOKEN_FILE,
	...(region !== undefined && { AWS_REGION: region }),
	...(role && { AWS_ROLE_ARN: ANY_ROLE }),
});

/** The config file's text, the same for the same configuration in any order of its keys. */
export function configFile(config: ControllerConfig, profile: Profile): string {
	// Through JSON, which drops fields that are not set.
	const content = JSON.parse(JSON.stringify({ ...config, profile }));
	return dump(content, { sortKeys: true, lineWidth: -1, noRefs: true });
}

/** What the controller refuses to start with, one fault a line; empty for a configuration that it takes. */
export function configFaults(config: ControllerConfig, profile: Profile, around: Surroundings): string[] {
	try {
		load(config, profile, around);
		return [];
	} catch (error) {
		const { faults = [], message } = error as JasmError;
		return faults.length === 0 ? [message] : [...faults];
	}
}

/** What the controller warns of at start although it takes the configuration, such as a role that is missing. */
export function configWarnings(
	config: ControllerConfig,
	profile: Profile,
	around: Surroundings,
): readonly string[] {
	return load(config, profile, around).warnings;
}

function load(config: ControllerConfig, profile: Profile, around: Surroundings) {
	const readFile = () => configFile(config, profile);
	return loadConfig({ argv: ['--config', CONFIG_FILE], env: environmentOf(around), readFile });
}

/** What each provider needs, with further variables of its environment; nothing for one that the controller would refuse, which `configFaults` names. */
export function installations(
	config: ControllerConfig,
	{ role }: Pick<Surroundings, 'role'> = {},
	env: Readonly<Record<string, string>> = {},
): { name: string; needs: Installation }[] {
	return Object.entries(config.providers).flatMap(([name, provider]) => {
		const needs = installationOf(provider, { ...environmentOf({ region: ANY_REGION, role }), ...env });
		return needs === undefined ? [] : [{ name, needs }];
	});
}
