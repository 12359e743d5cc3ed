// Component: pods that ask for the test secrets, to see an installation work.
import * as k8s from '@pulumi/kubernetes';
import * as pulumi from '@pulumi/pulumi';
import { dump } from 'js-yaml';
import { ANNOTATION_KEY } from './contract.ts';
import { labels } from './labels.ts';
import { CONFINED, UNPRIVILEGED } from './pod-template.ts';

export const SAMPLE_NAMESPACE = 'jasm-sample';

export type SamplesArgs = {
	/** The controller's image serves: nothing else has to be pulled. */
	readonly image: pulumi.Input<string>;
	/** Name of the provider that holds the test secrets. */
	readonly provider: string;
};

/** Pod name -> what it asks for; the first one takes all keys, the second shows a list, a mapping and plain text. */
export function samples(provider: string): Record<string, object | object[]> {
	return {
		'sample-config': { provider, path: '/prod/codnod/config', secretName: 'sample-config' },
		'sample-mapped': [
			{
				provider,
				path: '/prod/codnod/config',
				secretName: 'sample-password',
				keys: { password: 'DB_PASSWORD' },
			},
			{ provider, path: '/prod/codnod/banner', secretName: 'sample-banner', key: 'banner' },
		],
	};
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
		const asked = samples(args.provider);
		for (const [pod, request] of Object.entries(asked)) {
			const secrets = [request].flat().map(({ secretName }: { secretName?: string }) => secretName);
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
								envFrom: secrets.map(secret => ({ secretRef: { name: secret as string } })),
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
