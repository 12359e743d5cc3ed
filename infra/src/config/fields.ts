// The structured keys of a stack: settings of the pod, the network and the proxy, with the forms that Kubernetes gives them.
import * as z from 'zod/mini';

export const described = <T extends z.core.$ZodType>(schema: T, description: string): T => {
	z.globalRegistry.add(schema, { description });
	return schema;
};
export const texts = () => z.record(z.string(), z.string());
const port = () => z.int().check(z.minimum(1), z.maximum(65_535));
/** A structure that Kubernetes itself checks. */
export const structure = () => z.record(z.string(), z.unknown());
const CIDR = /^[0-9a-fA-F.:]+\/\d{1,3}$/;

const cidr = () => z.string().check(z.regex(CIDR, 'is not a CIDR such as 10.0.0.0/8'));

export const network = z.strictObject({
	apiServerPorts: z.optional(z.array(port()).check(z.minLength(1))),
	dnsPorts: z.optional(z.array(port()).check(z.minLength(1))),
	egress: z.optional(
		z.array(
			z.strictObject({
				ports: z.array(port()).check(z.minLength(1)),
				cidr: z.optional(cidr()),
			}),
		),
	),
});

const peer = z.strictObject({
	namespaceSelector: z.optional(structure()),
	podSelector: z.optional(structure()),
	ipBlock: z.optional(z.strictObject({ cidr: cidr(), except: z.optional(z.array(cidr())) })),
});

/** Who may post change notices, and the Secrets with the files of a webhook by their directory. */
export const webhook = z.strictObject({
	from: z.optional(z.array(peer)),
	secrets: z.optional(texts()),
});

export const proxy = z.strictObject({
	url: z.string().check(z.regex(/^https?:\/\/[^@/\s]+\/?$/, 'is not http://HOST:PORT, without credentials')),
	noProxy: z.optional(z.array(z.string())),
});

const toleration = z.strictObject({
	key: z.optional(z.string()),
	operator: z.optional(z.enum(['Exists', 'Equal'])),
	value: z.optional(z.string()),
	effect: z.optional(z.enum(['NoSchedule', 'PreferNoSchedule', 'NoExecute'])),
	tolerationSeconds: z.optional(z.int()),
});

const variable = z.strictObject({
	name: z.string(),
	value: z.optional(z.string()),
	valueFrom: z.optional(structure()),
});

const mount = z.strictObject({
	name: z.string(),
	mountPath: z.string().check(z.regex(/^\//, 'is not an absolute path')),
	subPath: z.optional(z.string()),
	readOnly: z.optional(z.boolean()),
});

export const pod = z.strictObject({
	resources: z.optional(z.strictObject({ requests: z.optional(texts()), limits: z.optional(texts()) })),
	nodeSelector: z.optional(texts()),
	tolerations: z.optional(z.array(toleration)),
	affinity: z.optional(structure()),
	topologySpreadConstraints: z.optional(
		z.array(z.looseObject({ maxSkew: z.int(), topologyKey: z.string(), whenUnsatisfiable: z.string() })),
	),
	imagePullSecrets: z.optional(z.array(z.string())),
	imagePullPolicy: z.optional(z.enum(['IfNotPresent', 'Always', 'Never'])),
	labels: z.optional(texts()),
	annotations: z.optional(texts()),
	env: z.optional(z.array(variable)),
	envFrom: z.optional(z.array(structure())),
	volumes: z.optional(z.array(z.looseObject({ name: z.string() }))),
	volumeMounts: z.optional(z.array(mount)),
	ids: z.optional(z.enum(['image', 'platform'])),
});

/** Whether pods wait for their Secrets before they start. */
export const start = z.strictObject({
	wait: z.optional(z.enum(['never', 'annotated', 'all', 'checked', 'auto'])),
	deadlineSeconds: z.optional(z.int().check(z.minimum(1), z.maximum(3_600))),
	exempt: z.optional(z.array(z.string())),
});

export const serviceAccount = z.strictObject({
	labels: z.optional(texts()),
	annotations: z.optional(texts()),
});
