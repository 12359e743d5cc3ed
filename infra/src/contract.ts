// What the controller and its installation agree on: the controller's own names, and those around it.
import { SECRET_TYPES as TYPES } from '@jasm/controller';

export { ANNOTATION_KEY, ENVIRONMENT, LEASE, MANAGED_BY, PORTS, SENTINEL } from '@jasm/controller';

/** Name of the Namespace, ServiceAccount, ClusterRole, Deployment and of the pods' `app` label. */
export const NAME = 'jasm';

/** Probe paths on the health port. */
export const PROBES = { startup: '/livez', live: '/livez', ready: '/readyz' } as const;

/** Name of the ValidatingAdmissionPolicy and its binding that hold JASM to its own Secrets. */
export const GUARD = 'jasm-secrets';

/** Where the config file is mounted. */
export const CONFIG_FILE = '/etc/jasm/config.yaml';

/** Where the token for AWS is mounted: the path of the EKS webhook. */
export const AWS_TOKEN_DIRECTORY = '/var/run/secrets/eks.amazonaws.com/serviceaccount';

/** Types of Secret that JASM may write, sorted; every other type is refused. */
export const SECRET_TYPES: readonly string[] = [...TYPES].sort();

/** `write-only` cannot read Secrets; `self-heal` can, and repairs what others change. */
export type Profile = 'write-only' | 'self-heal';
