// The controller's config file as the installation writes it: its types, its structural check, its text.
import { dump } from 'js-yaml';
import type { Profile } from './contract.ts';

/** One configured secret provider; further fields by kind go to the file as they are. */
export type ProviderConfig = {
	readonly kind: string;
	readonly region?: string;
	readonly endpoint?: string;
	readonly stsEndpoint?: string;
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
};

/** The config file's text, the same for the same configuration whatever the order of its keys. */
export function configFile(config: ControllerConfig, profile: Profile): string {
	return dump(
		{ profile, providers: config.providers, policy: config.policy },
		{ sortKeys: true, lineWidth: -1, noRefs: true },
	);
}

/** Everything wrong with the providers and the policy of a stack, as sentences; empty if nothing is. */
export function controllerConfigFaults(config: { providers: unknown; policy: unknown }): string[] {
	const faults: string[] = [];
	const { providers, policy } = config;
	if (!isRecord(providers) || Object.keys(providers).length === 0) {
		faults.push('providers: expected a mapping of at least one provider by name');
	} else {
		for (const [name, provider] of Object.entries(providers)) {
			if (!/^[a-z0-9]([-a-z0-9]{0,61}[a-z0-9])?$/.test(name))
				faults.push(`providers.${name}: not a DNS label`);
			if (!isRecord(provider) || typeof provider.kind !== 'string') {
				faults.push(`providers.${name}: expected a mapping with a kind`);
			}
		}
	}
	if (!Array.isArray(policy))
		return [...faults, 'policy: expected a list of rules (an empty one denies everything)'];
	for (const [index, rule] of policy.entries()) {
		faults.push(...ruleFaults(rule, `policy[${index}]`, isRecord(providers) ? Object.keys(providers) : []));
	}
	return faults;
}

function ruleFaults(rule: unknown, at: string, providers: readonly string[]): string[] {
	if (!isRecord(rule)) return [`${at}: expected a mapping with namespaces, provider and paths`];
	const faults = Object.keys(rule)
		.filter(field => !['namespaces', 'provider', 'paths'].includes(field))
		.map(field => `${at}.${field}: unknown field`);
	if (!isNames(rule.namespaces)) faults.push(`${at}.namespaces: expected a list of namespace patterns`);
	if (!isNames(rule.paths)) faults.push(`${at}.paths: expected a list of path patterns`);
	if (typeof rule.provider !== 'string' || !providers.includes(rule.provider)) {
		faults.push(`${at}.provider: ${JSON.stringify(rule.provider)} is not a configured provider`);
	}
	return faults;
}

function isRecord(value: unknown): value is Record<string, unknown> {
	return typeof value === 'object' && value !== null && !Array.isArray(value);
}

function isNames(value: unknown): boolean {
	return (
		Array.isArray(value) && value.length > 0 && value.every(item => typeof item === 'string' && item !== '')
	);
}
