// Stacks that differ in what matters: identity, profile, platform, kinds of providers.
import { STORES } from './stack-config.ts';

export const ISSUER = 'https://oidc.eks.eu-west-1.amazonaws.com/id/ABC123';
const ELSEWHERE = { kubeContext: 'eks', allowOtherContext: 'true', image: 'registry.example/jasm:1.0.0' };

/** A stack whose Vault tells of changes by a webhook, with every proof of a sender. */
export const WEBHOOK: Record<string, string> = {
	...STORES,
	replicas: '2',
	changes: JSON.stringify({
		sources: [
			{
				kind: 'webhook',
				providers: ['vault-eu'],
				tlsCertFile: '/etc/jasm-tls/tls.crt',
				tlsKeyFile: '/etc/jasm-tls/tls.key',
				bearerFiles: ['/etc/jasm-webhook/token', '/etc/jasm-webhook/next'],
				hmacFiles: ['/etc/jasm-webhook/key'],
				clientCaFile: '/etc/jasm/senders.pem',
				clientNames: ['shipper'],
				oidc: { issuer: 'https://issuer.example', audience: 'a', subjects: ['s'] },
			},
		],
	}),
	webhook: JSON.stringify({
		from: [{ namespaceSelector: {}, podSelector: { matchLabels: { app: 'shipper' } } }],
		secrets: { '/etc/jasm-tls': 'webhook-tls' },
	}),
};

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
	'a webhook of change notices': WEBHOOK,
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
