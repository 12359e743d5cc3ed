// The API server that a stage stands on: the embedded one, or the real one that JASM_TEST_KUBECONFIG names.
import { randomBytes } from 'node:crypto';
import { readFileSync } from 'node:fs';
import {
	ApiException,
	CoreV1Api,
	KubeConfig,
	type KubernetesObject,
	KubernetesObjectApi,
	PatchStrategy,
	setHeaderOptions,
	VersionApi,
} from '@kubernetes/client-node';
import { type ApiServer, type ApiServerOptions, startApiServer } from '../../../testing/index.ts';
import { type ClusterState, embeddedWorld, watchedWorld } from './cluster-state.ts';
import {
	installation,
	installationNamed,
	type Profile,
	type StartGate,
	startGate,
	startGateNamed,
} from './installation.ts';
import { restartBinding, restartGuardInForce, restartRightInForce, restartRights } from './restart-rights.ts';
import { RESTRICTED } from './restricted-pod.ts';

/** An API server with JASM installed, before any controller runs. */
export type ClusterUnderTest = {
	/** In the name of every namespace, so that stages on one cluster do not meet. */
	readonly id: string;
	/** The namespace of the installation. */
	readonly home: string;
	/** The embedded server, where it is one. */
	readonly embedded: ApiServer | undefined;
	/** Whether an admission policy holds JASM's ServiceAccount: not below Kubernetes 1.30. */
	readonly guarded: boolean;
	/** How pods come to have the start gate; undefined where it is not installed. */
	readonly startGate: StartGate | undefined;
	/** Gives the right to restart workloads in that namespace; undefined where restarts are not installed. */
	readonly allowRestarts: ((namespace: string) => Promise<void>) | undefined;
	readonly world: ClusterState;
	/** The independent client, as the administrator. */
	readonly core: CoreV1Api;
	readonly adminConfig: KubeConfig;
	/** Text of a kubeconfig that holds nothing but a token. */
	kubeconfigFor(token: string): string;
	/** A fresh token of JASM's ServiceAccount. */
	createToken(): Promise<string>;
	/** Takes back everything that was put into the cluster. */
	remove(): Promise<void>;
};

export type ClusterUnderTestOptions = {
	readonly profile: Profile;
	/** Always the embedded one: for promises that need faults on demand or a clock of their own. */
	readonly embedded?: boolean;
	readonly server?: ApiServerOptions;
	/** Whether the installation comes with its admission policy. Default: where the server has such policies. */
	readonly guard?: boolean;
	/** Installs the policies that make pods wait. Without effect where the server has no admission policies. */
	readonly startGate?: boolean;
	/** Installs what restarts need, but no right in any namespace yet. Without effect where the server has no policies. */
	readonly restarts?: boolean;
};

const REAL = process.env['JASM_TEST_KUBECONFIG'];

/** Whether stages stand on a real API server, unless they need the embedded one. */
export const onRealServer = REAL !== undefined && REAL !== '';

export async function openCluster(options: ClusterUnderTestOptions): Promise<ClusterUnderTest> {
	return onRealServer && !options.embedded
		? openReal(readFileSync(REAL!, 'utf8'), options)
		: openEmbedded(options);
}

async function openEmbedded({
	profile,
	server,
	guard = true,
	startGate: gate = false,
	restarts = false,
}: ClusterUnderTestOptions): Promise<ClusterUnderTest> {
	const api = await startApiServer({ guard: { policy: 'jasm-secrets' }, ...server });
	api.apply(installation(profile).filter(({ kind }) => guard || !kind.startsWith('ValidatingAdmission')));
	if (gate) {
		api.apply(startGate('added'));
	}

	if (restarts) {
		api.apply(restartRights('jasm'));
	}

	const admin = configOf(api.kubeconfig());
	return {
		id: newId(),
		home: 'jasm',
		embedded: api,
		guarded: guard,
		startGate: gate ? 'added' : undefined,
		allowRestarts: restarts
			? async namespace => void api.apply([restartBinding('jasm', namespace)])
			: undefined,
		world: embeddedWorld(api),
		core: admin.makeApiClient(CoreV1Api),
		adminConfig: admin,
		kubeconfigFor: token => api.kubeconfig({ token }),
		createToken: async () => api.createToken('jasm', 'jasm'),
		remove: () => api.close(),
	};
}

async function openReal(
	kubeconfig: string,
	{ profile, guard = true, startGate: gate = false, restarts = false }: ClusterUnderTestOptions,
): Promise<ClusterUnderTest> {
	const id = newId();
	const home = `jasm-${id}`;
	const admin = configOf(kubeconfig);
	const { minor } = await admin.makeApiClient(VersionApi).getCode();
	const guarded = guard && Number.parseInt(minor, 10) >= 30;
	const startGate = gate && guarded ? (Number.parseInt(minor, 10) >= 36 ? 'added' : 'written') : undefined;
	const objects = KubernetesObjectApi.makeApiClient(admin);
	const core = admin.makeApiClient(CoreV1Api);
	const manifests = [
		...installationNamed(profile, home, { guard: guarded }),
		...(startGate ? startGateNamed(startGate, home) : []),
		...(restarts && guarded ? restartRights(home) : []),
	] as KubernetesObject[];
	for (const manifest of manifests) {
		await objects.create(manifest);
	}

	const cluster = admin.getCurrentCluster()!;
	const createToken = async () => {
		const body = { spec: { audiences: [], expirationSeconds: 3600 } };
		const request = { namespace: home, name: 'jasm', body };
		return (await core.createNamespacedServiceAccountToken(request)).status!.token!;
	};
	const kubeconfigFor = (token: string) => {
		const config = new KubeConfig();
		config.loadFromOptions({
			clusters: [cluster],
			users: [{ name: 'jasm', token }],
			contexts: [{ name: 'jasm', cluster: cluster.name, user: 'jasm' }],
			currentContext: 'jasm',
		});
		return config.exportConfig();
	};
	const jasmConfig = configOf(kubeconfigFor(await createToken()));
	const asJasm = jasmConfig.makeApiClient(CoreV1Api);
	if (guarded) {
		await guardInForce(asJasm, home);
	}

	if (startGate) {
		await startGateInForce(core, home);
		await releaseGuardInForce(core, asJasm, home);
		if (startGate === 'added') {
			await holdInForce(core);
		}
	}

	if (restarts && guarded) {
		await restartGuardInForce(jasmConfig, home);
	}

	const allowRestarts = async (namespace: string) => {
		await objects.create(restartBinding(home, namespace) as KubernetesObject);
		await restartRightInForce(jasmConfig, namespace);
	};
	const world = await watchedWorld(kubeconfig);
	return {
		id,
		home,
		embedded: undefined,
		guarded,
		startGate,
		allowRestarts: restarts && guarded ? allowRestarts : undefined,
		world,
		core,
		adminConfig: admin,
		kubeconfigFor,
		createToken,
		async remove() {
			await world.close();
			for (const manifest of manifests.toReversed().filter(({ metadata }) => !metadata?.namespace)) {
				await objects.delete(manifest);
			}
		},
	};
}

/** The API server takes up a policy some moments after it was created; each answer tells whether it has. */
async function guardInForce(asJasm: CoreV1Api, namespace: string): Promise<void> {
	const sentinel = {
		namespace,
		name: 'jasm-sentinel',
		dryRun: 'All',
		body: { metadata: { name: 'jasm-sentinel' } },
	};
	for (let tries = 0; tries < 1_000; tries++) {
		try {
			await asJasm.replaceNamespacedSecret(sentinel);
		} catch (error) {
			if (error instanceof ApiException && String(error.body).includes('ValidatingAdmissionPolicy')) {
				return;
			}
		}
	}

	throw new Error('the API server does not take up the admission policy of the installation');
}

/** A pod that asks to wait in the namespace of JASM is refused by the check, as soon as the check is in force. */
async function startGateInForce(asAdmin: CoreV1Api, namespace: string): Promise<void> {
	const annotations = { 'jasm.codnod.io/start': 'no such value', 'jasm.codnod.io/secret-sync': '' };
	const spec = RESTRICTED;
	for (let tries = 0; tries < 1_000; tries++) {
		try {
			const body = { metadata: { name: 'start-gate', annotations }, spec };
			await asAdmin.createNamespacedPod({ namespace, dryRun: 'All', body });
		} catch (error) {
			if (error instanceof ApiException && String(error.body).includes(`'${namespace}-start'`)) {
				return;
			}
		}
	}

	throw new Error('the API server does not take up the check of the start gate');
}

/** A label that JASM puts on a pod is refused, as soon as the policy that holds it to releases is in force. */
async function releaseGuardInForce(asAdmin: CoreV1Api, asJasm: CoreV1Api, namespace: string): Promise<void> {
	const name = 'release-guard';
	await asAdmin.createNamespacedPod({ namespace, body: { metadata: { name }, spec: RESTRICTED } });
	const label = { namespace, name, dryRun: 'All', body: { metadata: { labels: { guard: 'proof' } } } };
	for (let tries = 0; tries < 1_000; tries++) {
		try {
			await asJasm.patchNamespacedPod(label, setHeaderOptions('Content-Type', PatchStrategy.MergePatch));
		} catch (error) {
			if (error instanceof ApiException && String(error.body).includes(`'${namespace}-pods'`)) {
				await asAdmin.deleteNamespacedPod({ namespace, name });
				return;
			}
		}
	}

	throw new Error('the API server does not take up the policy that holds JASM to releasing pods');
}

/** A pod that asks to wait is refused by the check until the policy that adds the gate is in force. */
async function holdInForce(asAdmin: CoreV1Api): Promise<void> {
	const annotations = { 'jasm.codnod.io/start': 'after-sync', 'jasm.codnod.io/secret-sync': '' };
	const body = { metadata: { name: 'start-gate', annotations }, spec: RESTRICTED };
	for (let tries = 0; tries < 1_000; tries++) {
		const { spec } = await asAdmin
			.createNamespacedPod({ namespace: 'default', dryRun: 'All', body })
			.catch(() => ({ spec: undefined }));
		if (spec?.schedulingGates?.length === 1) {
			return;
		}
	}

	throw new Error('the API server does not take up the policy that adds the start gate');
}

function configOf(text: string): KubeConfig {
	const config = new KubeConfig();
	config.loadFromString(text);
	return config;
}

const newId = () => `t${randomBytes(4).toString('hex')}`;
