// Guards of a minikube cluster: running, with the issuer that IRSA needs, never reconfigured silently.
import { MINIKUBE } from '../config/config.ts';
import type { IssuerDocuments } from '../documents/policy-documents.ts';
import {
	askCluster,
	type Cluster,
	type GuardPorts,
	lastLine,
	NOT_INSTALLED,
	parse,
	refuse,
} from './local-commands.ts';

/** Path of the discovery document on every API server. */
const DISCOVERY = '/.well-known/openid-configuration';
const JWKS = '/openid/v1/jwks';

type Minikube = GuardPorts & {
	readonly cluster: Cluster;
	/** Issuer that the cluster has to have; undefined leaves it as it is. */
	readonly issuer: string | undefined;
};

/** Flags by which the API server issues tokens in the name of a public address. */
export function issuerFlags(issuer: string): string[] {
	return [
		`--extra-config=apiserver.service-account-issuer=${issuer}`,
		`--extra-config=apiserver.service-account-jwks-uri=${issuer}${JWKS}`,
	];
}

/** Starts minikube if it is down, and checks that the kubeconfig points at it. */
export async function prepareMinikube({ cluster, issuer, run, say }: Minikube): Promise<void> {
	const env = { KUBECONFIG: cluster.kubeconfig };
	const status = async () => {
		const { code, stdout, stderr } = await run('minikube', ['status', '-p', cluster.context, '-o', 'json'], {
			env,
		});
		if (code === NOT_INSTALLED)
			refuse('minikube is not installed', 'See https://minikube.sigs.k8s.io/docs/start/');
		const state = parse(stdout);
		// minikube 1.38 wraps the state of a cluster with several nodes in a list.
		return {
			stderr,
			...((Array.isArray(state) ? state[0] : state) as { APIServer?: string; Kubeconfig?: string }),
		};
	};
	let state = await status();
	if (state.APIServer !== 'Running') {
		await refuseOtherIssuer({ cluster, issuer, run });
		const flags = issuer === undefined ? [] : issuerFlags(issuer);
		say(`starting minikube: minikube ${['start', '-p', cluster.context, ...flags].join(' ')}`);
		const started = await run('minikube', ['start', '-p', cluster.context, ...flags], {
			env,
			timeoutMs: 600_000,
		});
		if (started.code !== 0)
			refuse(`minikube did not start (${lastLine(started.stderr)})`, 'Run: minikube start');
		state = await status();
	}
	if (state.APIServer !== 'Running')
		refuse(`minikube is not running (${lastLine(state.stderr)})`, 'Run: minikube status');
	if (state.Kubeconfig !== 'Configured') {
		refuse(`${cluster.kubeconfig} does not point at the running minikube`, 'Run: minikube update-context');
	}
}

/**
 * A stopped cluster keeps the flags it was made with, and starting it with others would end every token
 * that its pods hold. minikube knows them; where it does not tell, the issuer is checked after the start.
 */
async function refuseOtherIssuer({
	cluster,
	issuer,
	run,
}: Pick<Minikube, 'cluster' | 'issuer' | 'run'>): Promise<void> {
	if (issuer === undefined) return;
	const { stdout } = await run('minikube', ['profile', 'list', '-o', 'json']);
	type Profile = {
		Name?: string;
		Config?: { KubernetesConfig?: { ExtraOptions?: { Component: string; Key: string; Value: string }[] } };
	};
	const profiles = parse(stdout)['valid'];
	if (!Array.isArray(profiles)) return;
	const profile = (profiles as Profile[]).find(({ Name }) => Name === cluster.context);
	if (profile === undefined) return;
	const options = profile.Config?.KubernetesConfig?.ExtraOptions ?? [];
	const stored = options.find(
		option => option.Component === 'apiserver' && option.Key === 'service-account-issuer',
	);
	if (stored?.Value !== issuer) refuseIssuer(stored?.Value ?? 'its own', issuer, cluster);
}

type Issuing = GuardPorts & { readonly cluster: Cluster; readonly issuer: string };

/** Reads the discovery document of the live cluster and checks whose tokens it issues. */
export async function checkIssuer({ cluster, issuer, run, say }: Issuing): Promise<string> {
	const discovery = await raw(DISCOVERY, cluster, run);
	const found = String(parse(discovery)['issuer']);
	if (found !== issuer) refuseIssuer(found, issuer, cluster);
	say(`issuer of the cluster's tokens: ${found}`);
	return discovery;
}

/** What has to be published so that AWS can check this cluster's tokens. */
export async function readIssuer(issuing: Issuing): Promise<IssuerDocuments> {
	const { cluster, issuer, run } = issuing;
	const discovery = await checkIssuer(issuing);
	const keys = String(parse(discovery)['jwks_uri']);
	// AWS follows the document: keys at an address inside the cluster would be out of its reach.
	if (keys !== issuer + JWKS) {
		refuse(
			`the cluster publishes its keys as ${keys}, not as ${issuer}${JWKS}`,
			'Start it with both flags of docs/install.md',
		);
	}
	return { discovery, jwks: await raw(JWKS, cluster, run) };
}

async function raw(path: string, cluster: Cluster, run: GuardPorts['run']): Promise<string> {
	const { code, stdout, stderr } = await askCluster(cluster, run, 'get', '--raw', path);
	if (code !== 0) refuse(`the cluster does not serve ${path} (${lastLine(stderr)})`, 'Check that it is up');
	return stdout;
}

function refuseIssuer(found: string, issuer: string, { context }: Cluster): never {
	const problem = `cluster "${context}" issues tokens as ${found}, IRSA needs ${issuer}`;
	if (context !== MINIKUBE)
		return refuse(problem, 'Set the issuer of that cluster: pulumi config set issuerUrl URL');
	return refuse(
		problem,
		'Changing it ends every token that pods hold, so it is never done silently. To start over: ' +
			`minikube delete -p ${context} && minikube start -p ${context} ${issuerFlags(issuer).join(' ')}`,
	);
}
