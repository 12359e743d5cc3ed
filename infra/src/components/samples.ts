// Component: Deployments whose pods ask every configured kind of store for a test secret, to see an installation work.
import { SAMPLES, type Sample } from '@jasm/controller/installation';
import * as k8s from '@pulumi/kubernetes';
import * as pulumi from '@pulumi/pulumi';
import { dump } from 'js-yaml';
import { ANNOTATION_KEY, GATE, START_KEY } from '../documents/contract.ts';
import type { ControllerConfig } from '../documents/controller-config.ts';
import { labels } from '../documents/labels.ts';
import { CONFINED_CONTAINER, confinedPod, type Ids } from '../documents/pod-security.ts';
import type { StartArgs } from './jasm.ts';

export const SAMPLE_NAMESPACE = 'jasm-sample';

export type SamplesArgs = {
	/** The controller's image serves: nothing else has to be pulled. */
	readonly image: pulumi.Input<string>;
	/** Every kind of store in it gets its samples. */
	readonly controller: ControllerConfig;
	/** Where pods can wait for their Secrets, those of the samples do. Default `never`. */
	readonly wait?: StartArgs['wait'] | undefined;
	/** Default `image`. */
	readonly ids?: Ids | undefined;
};

type Request = Sample['requests'][number] & { readonly provider: string };
type Asked = Record<string, readonly Request[]>;

/** The samples of every kind that is configured, each from one provider: the first that a rule names, if any. */
export function samples({ providers, policy }: ControllerConfig): Asked {
	const names = [...policy.map(({ provider }) => provider), ...Object.keys(providers)];
	return Object.fromEntries(
		Object.entries(SAMPLES).flatMap(([kind, pods]) => {
			const provider = names.find(name => providers[name]?.kind === kind);
			return provider === undefined
				? []
				: pods.map(({ pod, requests }) => [pod, requests.map(request => ({ provider, ...request }))]);
		}),
	);
}

export class Samples extends pulumi.ComponentResource {
	readonly namespace: pulumi.Output<string>;
	readonly deployments: string[];

	constructor(name: string, args: SamplesArgs, options?: pulumi.ComponentResourceOptions) {
		super('jasm:infra:Samples', name, {}, options);
		const namespace = new k8s.core.v1.Namespace(
			name,
			{ metadata: { name: SAMPLE_NAMESPACE, labels: labels('sample') } },
			{ parent: this },
		);
		const asked = samples(args.controller);
		for (const [pod, requests] of Object.entries(asked)) {
			new k8s.apps.v1.Deployment(
				`${name}-${pod}`,
				{
					metadata: {
						name: pod,
						namespace: namespace.metadata.name,
						labels: labels('sample'),
						// Its pods wait for a Secret, which the account behind a first try may not have yet.
						annotations: { 'pulumi.com/skipAwait': 'true' },
					},
					spec: {
						selector: { matchLabels: { sample: pod } },
						strategy: { type: 'Recreate' },
						template: podTemplate(pod, requests, args),
					},
				},
				{ parent: this },
			);
		}
		this.namespace = namespace.metadata.name;
		this.deployments = Object.keys(asked);
		this.registerOutputs({ namespace: this.namespace, deployments: this.deployments });
	}
}

function podTemplate(
	name: string,
	requests: readonly Request[],
	{ image, ids = 'image', wait = 'never' }: SamplesArgs,
): k8s.types.input.core.v1.PodTemplateSpec {
	return {
		metadata: {
			labels: { ...labels('sample'), sample: name },
			annotations: {
				[ANNOTATION_KEY]: dump(requests.length === 1 ? requests[0] : requests, { lineWidth: -1 }),
				...(wait !== 'never' && { [START_KEY]: 'after-sync' }),
			},
		},
		spec: {
			// Where no policy adds the gate, the template does.
			...(wait === 'checked' && { schedulingGates: [{ name: GATE }] }),
			automountServiceAccountToken: false,
			enableServiceLinks: false,
			securityContext: confinedPod(ids),
			containers: [
				{
					name: 'app',
					image,
					imagePullPolicy: 'IfNotPresent',
					command: ['/nodejs/bin/node', '-e', PROGRAM],
					envFrom: requests.map(({ secretName }) => ({ secretRef: { name: secretName } })),
					resources: {
						requests: { cpu: '10m', memory: '48Mi' },
						limits: { cpu: '500m', memory: '96Mi' },
					},
					securityContext: CONFINED_CONTAINER,
				},
			],
			terminationGracePeriodSeconds: 1,
		},
	};
}

// Names what it got, never its values, and stays.
const PROGRAM =
	"console.log('got', Object.keys(process.env).filter(key => /^(DB_|password|banner)/.test(key)).sort().join(' '));" +
	'setInterval(() => {}, 1 << 30); process.on("SIGTERM", () => process.exit());';
