// What `kubectl explain` says of each kind and of the fields that all kinds share; fields below are not described.

export const kindDescriptions: Readonly<Record<string, string>> = {
	Namespace: 'Namespace is a scope for names; the objects in it go when it goes.',
	Node: 'Node is a machine that runs pods.',
	Pod: 'Pod is a group of containers that run together on one node.',
	Secret: 'Secret holds secret data of a certain type, base64-encoded.',
	ConfigMap: 'ConfigMap holds configuration data for pods to consume.',
	ServiceAccount: 'ServiceAccount is the identity of the pods that run under it.',
	Event: 'Event is a report of something that happened to another object.',
	Lease: 'Lease says who holds a right, and until when.',
	Deployment: 'Deployment keeps pods of one template running, and replaces them when the template changes.',
	ReplicaSet: 'ReplicaSet keeps a number of pods of one template running.',
	StatefulSet: 'StatefulSet keeps numbered pods of one template running, and replaces them one by one.',
	DaemonSet: 'DaemonSet keeps one pod of a template running on each node.',
	Role: 'Role is a set of rights in one namespace.',
	ClusterRole: 'ClusterRole is a set of rights in every namespace and on what has none.',
	RoleBinding: 'RoleBinding gives the rights of a role to subjects in one namespace.',
	ClusterRoleBinding: 'ClusterRoleBinding gives the rights of a ClusterRole to subjects everywhere.',
	ValidatingAdmissionPolicy:
		'ValidatingAdmissionPolicy refuses writes by CEL expressions; here only that of JASM has an effect.',
	ValidatingAdmissionPolicyBinding: 'ValidatingAdmissionPolicyBinding turns an admission policy on.',
	Service: 'Service is a name and an address for a set of pods; here it has no effect.',
	NetworkPolicy: 'NetworkPolicy says which traffic pods accept; here it has no effect.',
	PodDisruptionBudget:
		'PodDisruptionBudget limits how many pods may be evicted at once; here it has no effect.',
};

export const metadataFields: Readonly<Record<string, readonly [type: string, description: string]>> = {
	name: ['string', 'Name of the object, unique among its kind in its namespace.'],
	generateName: ['string', 'Prefix of a name that the server completes.'],
	namespace: ['string', 'Namespace of the object.'],
	uid: ['string', 'Identity of this object; another one of the same name has another uid.'],
	resourceVersion: ['string', 'Version of the object, changed by every write.'],
	generation: ['integer', 'Number of changes of the spec.'],
	creationTimestamp: ['string', 'When the object was created.'],
	deletionTimestamp: ['string', 'When the object was deleted, where a finalizer still holds it.'],
	labels: ['object', 'Texts that selectors find the object by.'],
	annotations: ['object', 'Texts for tools, such as jasm.codnod.io/secret-sync.'],
	ownerReferences: ['array', 'Objects that this one goes with.'],
	finalizers: ['array', 'Names that must be removed before the object goes.'],
	managedFields: ['array', 'Who wrote which field.'],
};

export const fieldDescription = (kind: string, field: string): string =>
	`The ${field} of a ${kind}. The embedded API server stores it as it comes; \`kubectl explain\` against a real cluster describes the fields below.`;
