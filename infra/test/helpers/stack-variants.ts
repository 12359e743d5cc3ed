// Stacks that differ in what matters: identity, profile, platform, kinds of providers.
import { STORES } from './stack-config.ts';

export const ISSUER = 'https://oidc.eks.eu-west-1.amazonaws.com/id/ABC123';
const ELSEWHERE = { kubeContext: 'eks', allowOtherContext: 'true', image: 'registry.example/jasm:1.0.0' };
export const VARIANTS: Record<string, Record<string, string>> = {
	'minikube, write-only': {},
	'minikube, self-heal, three replicas': {
		profile: 'self-heal',
		replicas: '3',
		serviceMonitor: 'true',
		restarts: '{"namespaces": ["shop"]}',
	},
	'old cluster without AWS': {
		profile: 'self-heal',
		admissionPolicy: 'false',
		identity: 'none',
		testSecrets: 'false',
		image: 'jasm-controller:1',
	},
	'Vault and Key Vault': STORES,
	EKS: {
		kubeContext: 'eks',
		allowOtherContext: 'true',
		identity: 'oidc-provider',
		issuerUrl: ISSUER,
		oidcProviderArn: `arn:aws:iam::111122223333:oidc-provider/${ISSUER.slice('https://'.length)}`,
		image: 'registry.example/jasm:1.0.0',
	},
	"EKS Pod Identity on one's own namespace": {
		...ELSEWHERE,
		identity: 'pod-identity',
		eksClusterName: 'platform',
		namespace: 'secrets',
		createNamespace: 'false',
		tags: '{"team": "platform"}',
	},
	'a role that exists, on OpenShift': {
		...ELSEWHERE,
		identity: 'existing-role',
		roleArn: 'arn:aws:iam::111122223333:role/ours',
		testSecrets: 'false',
		platform: 'openshift',
		priorityClass: 'none',
		logLevel: 'debug',
		proxy: '{"url": "http://proxy.example:3128", "noProxy": ["internal"]}',
		trustBundle: 'company.pem',
		network: '{"egress": [{"ports": [9000], "cidr": "10.0.0.0/8"}]}',
		serviceAccount: '{"labels": {"team": "platform"}}',
		pod: JSON.stringify({
			nodeSelector: { pool: 'platform' },
			tolerations: [{ key: 'platform', operator: 'Exists' }],
			imagePullSecrets: ['registry'],
			env: [{ name: 'A', value: 'b' }],
		}),
	},
};
