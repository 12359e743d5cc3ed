// What the controller and its installation agree on: names, ports, paths, environment, Secret types.

/** Name of the Namespace, ServiceAccount, ClusterRole, Deployment and of the pods' `app` label. */
export const NAME = 'jasm';

/** The pod annotation that asks for a Secret. */
export const ANNOTATION_KEY = 'jasm.codnod.io/secret-sync';

/** Label by which a Secret belongs to JASM. */
export const OWNER_LABEL = 'app.kubernetes.io/managed-by';

/** Its value. */
export const MANAGED_BY = 'jasm';

/** Ports the controller listens on. */
export const PORTS = { metrics: 8080, health: 8081 } as const;

/** Probe paths on the health port. */
export const PROBES = { startup: '/livez', live: '/livez', ready: '/readyz' } as const;

/** Name of the Lease of leader election, in JASM's own namespace. */
export const LEASE = 'jasm.codnod.io';

/** Secret without labels in JASM's own namespace: the guard must refuse JASM's dry-run replace of it. */
export const SENTINEL = 'jasm-sentinel';

/** Name of the ValidatingAdmissionPolicy and its binding that hold JASM to its own Secrets. */
export const GUARD = 'jasm-secrets';

/** Where the config file is mounted. */
export const CONFIG_FILE = '/etc/jasm/config.yaml';

/** Where the token for AWS is mounted: the path of the EKS webhook. */
export const AWS_TOKEN_DIRECTORY = '/var/run/secrets/eks.amazonaws.com/serviceaccount';

/** Environment variables the controller reads in a cluster. */
export const ENVIRONMENT = [
	'POD_NAME',
	'POD_NAMESPACE',
	'AWS_REGION',
	'AWS_ROLE_ARN',
	'AWS_WEB_IDENTITY_TOKEN_FILE',
	'AWS_STS_REGIONAL_ENDPOINTS',
	'AWS_EC2_METADATA_DISABLED',
] as const;

/** Types of Secret that JASM may write; every other type is refused. */
export const SECRET_TYPES = [
	'Opaque',
	'kubernetes.io/basic-auth',
	'kubernetes.io/dockerconfigjson',
	'kubernetes.io/ssh-auth',
	'kubernetes.io/tls',
] as const;

/** `write-only` cannot read Secrets; `self-heal` can, and repairs what others change. */
export type Profile = 'write-only' | 'self-heal';
