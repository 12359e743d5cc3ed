// Internal to JASM's own packages: the names, ports, variables and provider needs that an installation shares with the
// controller. `@jasm/infra` of the same version is the only user; nothing here is stable between versions.
import { withEnvironment } from './config/environment.ts';
import { providerSchema } from './config/schema.ts';
import type { BuiltInKind, Environment, Installation, Sample } from './providers/provider.ts';
import { KINDS, kindNamed, nameOfKind } from './providers/registry.ts';

export { ENVIRONMENT, FLAGS, PORTS } from './config/config.ts';
// An installation says what is wrong with its own configuration in the same words.
export { schemaFaults } from './config/errors.ts';
export type { ConfigFileInput } from './config/schema.ts';
export { type WebhookInstallation, webhookOf } from './config/webhook-installation.ts';
export { LEASE } from './manager/manager.ts';
export { RESTART_SENTINEL } from './manager/require-restart-guard.ts';
export { RESERVED_NAMESPACES, systemPatterns } from './policy/policy.ts';
export {
	ACCOUNT,
	hostOf,
	partitionOf,
	REGION,
	ROLE_ARN,
	STS_AUDIENCE,
	secretArnPrefix,
} from './providers/aws/partitions.ts';
export type { Host, Installation, Sample } from './providers/provider.ts';
export { hostsOf } from './providers/shared/hosts.ts';
export { PROXY_VARIABLES } from './providers/shared/proxy.ts';
export { RESTARTED_KEY } from './requests/pod-record.ts';
export { GATE, START_KEY, START_PATTERN } from './requests/start-annotation.ts';
export { FIELD_MANAGER, MANAGED_BY } from './sync/desired-secret.ts';
export { SENTINEL } from './sync/guard.ts';
export { RESTART_REFUSALS, SYSTEM_NAMESPACE_REFUSED } from './sync/kubernetes-errors.ts';
export { VERSION } from './version.ts';

/**
 * What one provider of the configuration file needs.
 *
 * @param config as it is written, without defaults
 * @param env what the installation sets for the controller
 * @returns undefined where the controller would refuse the configuration
 */
export function installationOf(
	config: Readonly<Record<string, unknown>>,
	env: Environment = {},
): Installation | undefined {
	const provider = providerSchema();
	const result = provider.safeParse(withEnvironment(provider, config, env));
	return result.success
		? kindNamed<BuiltInKind>(result.data.kind, KINDS)?.installation(result.data, env)
		: undefined;
}

/** Requests that show each kind at work, by the name of the kind. */
export const SAMPLES: Readonly<Record<string, readonly Sample[]>> = Object.fromEntries(
	KINDS.map(kind => [nameOfKind(kind), kind.samples]),
);
