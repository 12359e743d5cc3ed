// Component: pods that ask every configured kind of store for a test secret, to see an installation work.
import * as k8s from '@pulumi/kubernetes';
import * as pulumi from '@pulumi/pulumi';
import { dump } from 'js-yaml';
import { ANNOTATION_KEY } from './contract.ts';
import type { ControllerConfig } from './controller-config.ts';
import { labels } from './labels.ts';
import { CONFINED, UNPRIVILEGED } from './pod-template.ts';

export const SAMPLE_NAMESPACE = 'jasm-sample';

export type SamplesArgs = {
	/** The controller's image serves: nothing else has to be pulled. */
	readonly image: pulumi.Input<string>;
	/** Every kind of store in it gets its samples. */
	readonly controller: ControllerConfig;
};

type Request = { readonly provider: string; readonly path: string; readonly secretName: string };
type Asked = Record<string, Request | readonly Request[]>;

/** Pod name -> what it asks for, by kind of store; AWS shows all keys, a list, a mapping and plain text. */
const KINDS: Readonly<Record<string, (provider: string) => Asked>> = {
	'aws-secretsmanager': provider => ({
		'sample-config': { provider, path: '/prod/codnod/config', secretName: 'sample-config' },
		'sample-mapped': [
			{
				provider,
				path: '/prod/codnod/config',
				secretName: 'sample-password',
				keys: { password: 'DB_PASSWORD' },
			} as Request,
			{ provider, path: '/prod/codnod/banner', secretName: 'sample-banner', key: 'banner' } as Request,
		],
	}),
	vault: provider => ({
		'sample-vault': { provider, path: 'prod/codnod/config', secretName: 'sample-vault' },
	}),
	'azure-keyvault': provider => ({
		'sample-azure': { provider, path: 'codnod-config', secretName: 'sample-azure' },
	}),
};

/** The samples of every kind that is configured, each from one provider: the first that a rule names, if any. */
export function samples({ providers, policy }: ControllerConfig): Asked {
	const names = [...policy.map(({ provider }) => provider), ...Object.keys(providers)];
	return Object.fromEntries(
		Object.entries(KINDS).flatMap(([kind, ask]) => {
			const provider = names.find(name => providers[name]?.kind === kind);
			return provider === undefined ? [] : Object.entries(ask(provider));
		}),
	);
}

export class Samples extends pulumi.ComponentResource {
	readonly namespace: pulumi.Output<string>;
	readonly pods: string[];

	constructor(name: string, args: SamplesArgs, options?: pulumi.ComponentResourceOptions) {
		super('jasm:infra:Samples', name, {}, options);
		const namespace = new k8s.core.v1.Namespace(
			name,
			{ metadata: { name: SAMPLE_NAMESPACE, labels: labels('sample') } },
			{ parent: this },
		);
		const asked = samples(args.controller);
		for (const [pod, request] of Object.entries(asked)) {
			const secrets = [request].flat().map(({ secretName }) => secretName);
			new k8s.core.v1.Pod(
				`${name}-${pod}`,
				{
					metadata: {
						name: pod,
						namespace: namespace.metadata.name,
						labels: labels('sample'),
						annotations: {
							[ANNOTATION_KEY]: dump(request, { lineWidth: -1 }),
							// Waits for a Secret, which the account behind a first try may not have yet.
							'pulumi.com/skipAwait': 'true',
						},
					},
					spec: {
						automountServiceAccountToken: false,
						enableServiceLinks: false,
						securityContext: UNPRIVILEGED,
						containers: [
							{
								name: 'app',
								image: args.image,
								imagePullPolicy: 'IfNotPresent',
								command: ['/nodejs/bin/node', '-e', PROGRAM],
								envFrom: secrets.map(secret => ({ secretRef: { name: secret } })),
								resources: {
									requests: { cpu: '10m', memory: '48Mi' },
									limits: { cpu: '500m', memory: '96Mi' },
								},
								securityContext: CONFINED,
							},
						],
						terminationGracePeriodSeconds: 1,
					},
				},
				{ parent: this },
			);
		}
		this.namespace = namespace.metadata.name;
		this.pods = Object.keys(asked);
		this.registerOutputs({ namespace: this.namespace, pods: this.pods });
	}
}

// Names what it got, never its values, and stays.
const PROGRAM =
	"console.log('got', Object.keys(process.env).filter(key => /^(DB_|password|banner)/.test(key)).sort().join(' '));" +
	'setInterval(() => {}, 1 << 30); process.on("SIGTERM", () => process.exit());';
