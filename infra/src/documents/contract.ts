// What the controller and its installation agree on: the controller's own names, and those around it.
import { SECRET_TYPES as TYPES } from '@jasm/controller';

export { ANNOTATION_KEY } from '@jasm/controller';
export {
	ENVIRONMENT,
	GATE,
	LEASE,
	MANAGED_BY,
	PORTS,
	RESERVED_NAMESPACES,
	RESTART_REFUSALS,
	RESTART_SENTINEL,
	RESTARTED_KEY,
	SENTINEL,
	START_KEY,
	START_PATTERN,
	SYSTEM_NAMESPACE_REFUSED,
	systemPatterns,
	VERSION,
} from '@jasm/controller/installation';

/** Name of the Namespace, ServiceAccount, ClusterRole, Deployment and of the pods' `app` label. */
export const NAME = 'jasm';

/** Probe paths on the health port. */
export const PROBES = { startup: '/livez', live: '/livez', ready: '/readyz' } as const;

/** Name of the ValidatingAdmissionPolicy and its binding that hold JASM to its own Secrets. */
export const GUARD = 'jasm-secrets';

/** Name of the ValidatingAdmissionPolicy and its binding that hold JASM to releasing pods. */
export const RELEASE_GUARD = 'jasm-pods';

/** Name of the ValidatingAdmissionPolicy and its binding that hold JASM to restarting workloads. */
export const RESTART_GUARD = 'jasm-restart-only';

/** Name of the ClusterRole with the right to restart workloads, and of the RoleBindings that give it. */
export const RESTART_ROLE = 'jasm-restart';

/** Name of the policies and bindings that make pods wait and check how they ask for it. */
export const START_POLICY = 'jasm-start';

/** Where the config file is mounted. */
export const CONFIG_FILE = '/etc/jasm/config.yaml';

/** The token for AWS where a provider names no other file: the path that the EKS webhook uses. */
export const AWS_TOKEN_FILE = '/var/run/secrets/eks.amazonaws.com/serviceaccount/token';

/** Types of Secret that JASM may write, sorted; every other type is refused. */
export const SECRET_TYPES: readonly string[] = [...TYPES].sort();

/** `write-only` cannot read Secrets; `self-heal` can, and repairs what others change. */
export type Profile = 'write-only' | 'self-heal';
