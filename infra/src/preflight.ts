// The guards that run before any Pulumi provider exists: the wrong account or cluster is refused here.
import { type AwsConfig, type InfraConfig, MINIKUBE } from './config.ts';
import { type Cluster, type GuardPorts, kubectl, lastLine, parse, refuse } from './guard.ts';
import { checkIssuer, type IssuerDocuments, prepareMinikube, readIssuer } from './minikube.ts';

/** What the guards learned on the way. */
export type Facts = {
	/** The one kubeconfig file that every command and Pulumi provider is given. */
	readonly kubeconfig: string;
	/** Tells this cluster from one that was made anew under the same name. */
	readonly clusterId: string;
	/** What the issuer has to publish; undefined where the cluster's issuer is registered already. */
	readonly issuer: IssuerDocuments | undefined;
};

const STATIC_KEYS = ['AWS_ACCESS_KEY_ID', 'AWS_SECRET_ACCESS_KEY', 'AWS_SESSION_TOKEN'];

/**
 * Checks, in this order: environment, account, cluster, issuer, version. Throws a RunError at the first
 * thing that is wrong; what comes after it is not even asked.
 */
export async function preflight(config: InfraConfig, ports: GuardPorts): Promise<Facts> {
	const kubeconfig = kubeconfigFile(config, ports.environment);
	if (config.aws !== undefined) {
		checkEnvironment(config.aws, ports.environment);
		await checkAccount(config.aws, ports);
	}
	const cluster = { kubeconfig, context: config.kubeContext };
	const issuer = config.identity.kind === 'none' ? undefined : config.identity.issuer;
	if (config.kubeContext === MINIKUBE) await prepareMinikube({ cluster, issuer, ...ports });
	await checkContext(cluster, ports.run);
	const documents = await checkTokens(config, { cluster, ...ports });
	await checkVersion(config, cluster, ports.run);
	const clusterId = await readClusterId(cluster, ports.run);
	return { kubeconfig, clusterId, issuer: documents };
}

function checkTokens({ identity }: InfraConfig, on: GuardPorts & { cluster: Cluster }) {
	if (identity.kind === 'none') return undefined;
	if (identity.kind === 'minikube') return readIssuer({ issuer: identity.issuer, ...on });
	// Registered already, and who published its keys is not our business.
	return checkIssuer({ issuer: identity.issuer, ...on }).then(() => undefined);
}

function kubeconfigFile(config: InfraConfig, environment: GuardPorts['environment']): string {
	const ambient = environment['KUBECONFIG'] ?? '';
	if (config.kubeconfig !== undefined && config.kubeconfig !== '') return config.kubeconfig;
	if (ambient.includes(':'))
		refuse('KUBECONFIG names several files', 'Name one: pulumi config set kubeconfig FILE');
	if (ambient !== '') return ambient;
	const home = environment['HOME'] ?? '';
	if (home === '') refuse('there is neither KUBECONFIG nor a home directory', 'Set KUBECONFIG to one file');
	return `${home}/.kube/config`;
}

function checkEnvironment(aws: AwsConfig, environment: GuardPorts['environment']): void {
	const found = STATIC_KEYS.filter(key => (environment[key] ?? '') !== '');
	// Tools disagree whether keys or profile win, so with keys around nobody knows which account is meant.
	if (found.length > 0)
		refuse(`static AWS keys are in the environment (${found.join(', ')})`, `Run: unset ${found.join(' ')}`);
	const profile = environment['AWS_PROFILE'] ?? '';
	if (profile !== aws.profile) {
		refuse(
			`AWS_PROFILE is ${profile === '' ? 'not set' : `"${profile}"`}, the stack works with "${aws.profile}"`,
			`Run: export AWS_PROFILE=${aws.profile}`,
		);
	}
}

async function checkAccount(aws: AwsConfig, { run, say }: GuardPorts): Promise<void> {
	const args = [
		'sts',
		'get-caller-identity',
		'--output',
		'json',
		'--profile',
		aws.profile,
		'--region',
		aws.region,
	];
	const { code, stdout, stderr } = await run('aws', args);
	if (code !== 0) {
		refuse(
			`profile "${aws.profile}" has no session (${lastLine(stderr)})`,
			`Run: aws sso login --profile ${aws.profile}`,
		);
	}
	const account = parse(stdout)['Account'];
	if (account !== aws.accountId) {
		refuse(
			`profile "${aws.profile}" belongs to account ${String(account)}, the stack to ${aws.accountId}`,
			'Use the profile of the right account, or: pulumi config set awsAccountId ACCOUNT',
		);
	}
	say(`AWS account ${aws.accountId}, region ${aws.region}, profile ${aws.profile}`);
}

async function checkContext(cluster: Cluster, run: GuardPorts['run']): Promise<void> {
	const { code, stdout, stderr } = await run(...kubectl(cluster, 'config', 'view', '--minify', '-o', 'json'));
	const contexts = code === 0 ? parse(stdout)['contexts'] : [];
	if (!Array.isArray(contexts) || contexts.length !== 1 || contexts[0]?.name !== cluster.context) {
		refuse(
			`${cluster.kubeconfig} has no context "${cluster.context}" (${lastLine(stderr)})`,
			'Name the file that has it: pulumi config set kubeconfig FILE',
		);
	}
}

async function checkVersion(config: InfraConfig, cluster: Cluster, run: GuardPorts['run']): Promise<void> {
	const { code, stdout, stderr } = await run(...kubectl(cluster, 'version', '-o', 'json'));
	if (code !== 0)
		refuse(
			`the cluster does not answer (${lastLine(stderr)})`,
			`Check: kubectl --context ${cluster.context} version`,
		);
	const server = parse(stdout)['serverVersion'] as { major?: string; minor?: string } | undefined;
	const minor = Number.parseInt(server?.minor ?? '', 10);
	if (server?.major !== '1' || Number.isNaN(minor) || minor < 20) {
		refuse('the cluster is older than Kubernetes 1.20', 'Use a newer cluster');
	}
	if (config.admissionPolicy && minor < 30) {
		refuse(
			`Kubernetes 1.${minor} has no ValidatingAdmissionPolicy, which profile ${config.profile} is installed with`,
			'Run: pulumi config set profile self-heal; pulumi config set admissionPolicy false',
		);
	}
}

async function readClusterId(cluster: Cluster, run: GuardPorts['run']): Promise<string> {
	const { stdout, stderr } = await run(...kubectl(cluster, 'get', 'namespace', 'kube-system', '-o', 'json'));
	const { uid } = (parse(stdout)['metadata'] ?? {}) as { uid?: string };
	return (
		uid ??
		refuse(`namespace kube-system cannot be read (${lastLine(stderr)})`, 'Check your rights in the cluster')
	);
}
