// Guards of any cluster: one kubeconfig file that has the context, and a version that the installation can run on.
import type { StartArgs } from '../components/jasm.ts';
import { type InfraConfig, MINIKUBE } from '../config/config.ts';
import {
	askCluster,
	type Cluster,
	type GuardPorts,
	lastLine,
	NOT_INSTALLED,
	parse,
	refuse,
} from './local-commands.ts';

/** The one kubeconfig file that every command and Pulumi provider is given. */
export function kubeconfigFile(
	{ kubeconfig }: Pick<InfraConfig, 'kubeconfig'>,
	environment: GuardPorts['environment'],
): string {
	if (kubeconfig !== undefined) return kubeconfig;
	const ambient = environment['KUBECONFIG'] ?? '';
	if (ambient.includes(':'))
		refuse('KUBECONFIG names several files', 'Name one: pulumi config set kubeconfig FILE');
	if (ambient !== '') return ambient;
	const home = environment['HOME'] ?? '';
	if (home === '') refuse('there is neither KUBECONFIG nor a home directory', 'Set KUBECONFIG to one file');
	return `${home}/.kube/config`;
}

/**
 * Refuses a kubeconfig without the context. Answers false where nothing can be asked, as kubectl is not installed:
 * then Pulumi's Kubernetes provider fails if the context is not there.
 */
export async function checkContext(cluster: Cluster, { run, say }: GuardPorts): Promise<boolean> {
	const { code, stdout, stderr } = await askCluster(cluster, run, 'config', 'view', '--minify', '-o', 'json');
	if (code === NOT_INSTALLED && cluster.context !== MINIKUBE) {
		say('kubectl is not installed: the version of the cluster and the issuer of its tokens are not checked');
		return false;
	}
	const contexts = code === 0 ? parse(stdout)['contexts'] : [];
	if (!Array.isArray(contexts) || contexts.length !== 1 || contexts[0]?.name !== cluster.context) {
		refuse(
			`${cluster.kubeconfig} has no context "${cluster.context}" (${lastLine(stderr)})`,
			'Name the file that has it: pulumi config set kubeconfig FILE',
		);
	}
	return true;
}

/**
 * Refuses a cluster that does not serve what the installation consists of. Returns which pods wait for their Secrets:
 * `auto` becomes the most that this version has.
 */
export async function checkVersion(
	{ admissionPolicy, profile, start }: Pick<InfraConfig, 'admissionPolicy' | 'profile' | 'start'>,
	cluster: Cluster,
	{ run, say }: GuardPorts,
): Promise<StartArgs['wait']> {
	const { code, stdout, stderr } = await askCluster(cluster, run, 'version', '-o', 'json');
	if (code !== 0) {
		refuse(
			`the cluster does not answer (${lastLine(stderr)})`,
			`Check: kubectl --context ${cluster.context} version`,
		);
	}
	const server = parse(stdout)['serverVersion'] as { major?: string; minor?: string } | undefined;
	const minor = Number.parseInt(server?.minor ?? '', 10);
	if (server?.major !== '1' || Number.isNaN(minor) || minor < 20) {
		refuse('the cluster is older than Kubernetes 1.20', 'Use a newer cluster');
	}
	if ((start.wait === 'annotated' || start.wait === 'all') && minor < 36) {
		refuse(
			`Kubernetes 1.${minor} has no MutatingAdmissionPolicy, which start.wait ${start.wait} is installed with`,
			'Run: pulumi config set --path start.wait checked',
		);
	}
	if (admissionPolicy && minor < 30) {
		refuse(
			`Kubernetes 1.${minor} has no ValidatingAdmissionPolicy, which profile ${profile} is installed with`,
			'Run: pulumi config set profile self-heal; pulumi config set admissionPolicy false',
		);
	}
	if (start.wait !== 'auto') return start.wait;
	const wait = bestWait(minor, admissionPolicy);
	say(
		`start.wait auto: ${wait} on Kubernetes 1.${minor}${admissionPolicy ? '' : ' without the admission policy'}`,
	);
	return wait;
}

/** Without the admission policy JASM could change every pod, so then no pod waits. */
function bestWait(minor: number, admissionPolicy: boolean): StartArgs['wait'] {
	if (!admissionPolicy || minor < 30) return 'never';
	return minor < 36 ? 'checked' : 'annotated';
}
