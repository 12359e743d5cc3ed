// The controller's config file as the installation writes it; the controller itself says what is wrong with it.
import { type JasmError, loadConfig } from '@jasm/controller';
import { dump } from 'js-yaml';
import { CONFIG_FILE, NAME, type Profile } from './contract.ts';

/** One configured secret provider; docs/config.schema.json has the fields of each kind. */
export type ProviderConfig = {
	readonly kind: string;
	readonly region?: string;
	readonly credentials?: string;
	readonly [field: string]: unknown;
};

/** One rule: pods of these namespaces may read these paths of that provider. */
export type PolicyRule = {
	readonly namespaces: readonly string[];
	readonly provider: string;
	readonly paths: readonly string[];
};

export type ControllerConfig = {
	readonly providers: Readonly<Record<string, ProviderConfig>>;
	readonly policy: readonly PolicyRule[];
	readonly limits?: object | undefined;
	readonly watch?: object | undefined;
};

/** The config file's text, the same for the same configuration whatever the order of its keys. */
export function configFile(config: ControllerConfig, profile: Profile): string {
	// Through JSON, so that what is not set is not written.
	const content = JSON.parse(JSON.stringify({ ...config, profile }));
	return dump(content, { sortKeys: true, lineWidth: -1, noRefs: true });
}

/**
 * What the controller would refuse to start with, one fault a line; empty if nothing. `region` is what its
 * environment will say, if anything.
 */
export function configFaults(
	config: ControllerConfig,
	profile: Profile,
	region: string | undefined,
): string[] {
	const env = { POD_NAMESPACE: NAME, ...(region === undefined ? {} : { AWS_REGION: region }) };
	try {
		loadConfig({ argv: ['--config', CONFIG_FILE], env, readFile: () => configFile(config, profile) });
		return [];
	} catch (error) {
		const { details = {}, message } = error as JasmError;
		const faults = Object.values(details).map(String);
		return faults.length === 0 ? [message] : faults;
	}
}
