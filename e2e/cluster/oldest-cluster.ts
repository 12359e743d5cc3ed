// The oldest Kubernetes that can be started here, control plane only, with the controller as a process and tokens of ten minutes.
import { mkdirSync, readFileSync, renameSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import {
	CreateOpenIDConnectProviderCommand,
	CreateRoleCommand,
	PutRolePolicyCommand,
} from '@aws-sdk/client-iam';
import { loadAllYaml } from '@kubernetes/client-node';
import * as documents from '../../infra/src/documents/policy-documents.ts';
import { issuerFlags } from '../../infra/src/preflight/minikube.ts';
import { issuerOf, publishIssuer } from '../cloud/aws/issuer.ts';
import { ACCOUNT, REGION } from '../cloud/moto.ts';
import { withoutNode } from './adapter.ts';
import { onEnd } from './cleanup.ts';
import { Cluster } from './cluster.ts';
import { JASM } from './controller.ts';
import { type Result, run, type Started, start } from './processes.ts';
import type { TestEnvironment } from './test-environment.ts';
import { type Environment, PATHS, ROOT, STAGE } from './workspace.ts';

/** The shortest life that the API server gives a token, in seconds; the kubelet renews after four fifths. */
export const TOKEN_SECONDS = 600;
const RENEW_MS = TOKEN_SECONDS * 800;
const { bucket: BUCKET, issuer: ISSUER } = issuerOf('oldest');
const ROLE = 'jasm-oldest';
const PROVIDER = 'aws-secretsmanager';
/** Kinds of the rendered manifests that are applied: only rights. */
const RIGHTS = ['Namespace', 'ServiceAccount', 'ClusterRole', 'ClusterRoleBinding', 'Role', 'RoleBinding'];

export class Oldest {
	readonly cluster: Cluster;
	readonly #environment: TestEnvironment;
	readonly #folder = join(STAGE, 'oldest');

	constructor(environment: TestEnvironment) {
		this.#environment = environment;
		this.cluster = new Cluster({ env: environment.env, profile: 'oldest' });
	}

	/** Starts the cluster, makes it known to AWS and installs the rights of a profile. */
	async start(): Promise<void> {
		const small = withoutNode(this.#environment.cluster.profile);
		await this.cluster.start('--kubernetes-version=v1.24.17', ...small, ...issuerFlags(ISSUER));
		const manifests = loadAllYaml(readFileSync(join(ROOT, 'deploy/self-heal.yaml'), 'utf8')) as {
			kind: string;
		}[];
		const items = manifests.filter(({ kind }) => RIGHTS.includes(kind));
		await this.cluster.apply(...items);
		await this.register();
		mkdirSync(this.#folder, { recursive: true });
		await this.#renew();
		const timer = setInterval(() => void this.#renew().catch(() => {}), RENEW_MS);
		onEnd('the renewal of tokens', () => clearInterval(timer));
	}

	/** Runs the controller to its end; for those that refuse to run. */
	attempt(profile: string, ...flags: string[]): Promise<Result> {
		const options = { env: this.#env, log: 'oldest-attempt', timeoutMs: 20_000 };
		return run(process.execPath, this.#command(profile, flags), options);
	}

	/** Starts the controller; `captured` is the port of its metrics. */
	controller(profile: string, ...flags: string[]): Promise<Started> {
		return start(`oldest-${profile}`, process.execPath, this.#command(profile, flags), {
			env: this.#env,
			ready: /"metricsPort":(\d+)/,
		});
	}

	/** The token that the controller was given last, for the API server. */
	token(): string {
		return readFileSync(join(this.#folder, 'api-token'), 'utf8');
	}

	get #env(): Environment {
		const { PATH = '' } = this.#environment.env;
		return {
			PATH,
			POD_NAMESPACE: JASM,
			POD_NAME: 'oldest',
			AWS_REGION: REGION,
			AWS_ROLE_ARN: `arn:aws:iam::${ACCOUNT}:role/${ROLE}`,
			AWS_WEB_IDENTITY_TOKEN_FILE: join(this.#folder, 'aws-token'),
			AWS_EC2_METADATA_DISABLED: 'true',
		};
	}

	#command(profile: string, flags: readonly string[]): string[] {
		const endpoint = `http://127.0.0.1:${this.#environment.gate.port}`;
		const config = {
			profile,
			providers: { [PROVIDER]: { kind: PROVIDER, region: REGION, endpoint, stsEndpoint: endpoint } },
			policy: this.#rules,
		};
		const file = join(this.#folder, `${profile}.yaml`);
		writeFileSync(file, JSON.stringify(config));
		const any = ['--health-probe-bind-address=127.0.0.1:0', '--metrics-bind-address=127.0.0.1:0'];
		const kubeconfig = `--kubeconfig=${join(this.#folder, 'kubeconfig')}`;
		return [join(PATHS.bundle, 'controller.js'), `--config=${file}`, kubeconfig, ...any, ...flags];
	}

	get #rules() {
		return [{ namespaces: ['e2e-*'], provider: PROVIDER, paths: ['/prod/**'] }];
	}

	/** What the stack does for the other cluster, with the same documents; again after AWS was emptied. */
	async register(): Promise<void> {
		const { s3, iam } = this.#environment.account;
		await publishIssuer(s3, this.cluster, BUCKET);
		const { OpenIDConnectProviderArn: providerArn = '' } = await iam.send(
			new CreateOpenIDConnectProviderCommand({ Url: ISSUER, ClientIDList: [documents.AUDIENCE] }),
		);
		const trust = { providerArn, issuer: ISSUER, namespace: JASM, serviceAccount: JASM };
		const AssumeRolePolicyDocument = JSON.stringify(documents.trustPolicy(trust));
		await iam.send(new CreateRoleCommand({ RoleName: ROLE, AssumeRolePolicyDocument }));
		const controller = { providers: { [PROVIDER]: { kind: PROVIDER, region: REGION } }, policy: this.#rules };
		const permissions = documents.permissionPolicy(controller as never, {
			accountId: ACCOUNT,
			region: REGION,
		});
		await iam.send(
			new PutRolePolicyCommand({
				RoleName: ROLE,
				PolicyName: 'read-secrets',
				PolicyDocument: JSON.stringify(permissions),
			}),
		);
	}

	/** Writes fresh tokens where the controller reads them, whole or not at all, as the kubelet does. */
	async #renew(): Promise<void> {
		const audiences = { 'api-token': undefined, 'aws-token': documents.AUDIENCE };
		for (const [name, audience] of Object.entries(audiences)) {
			const { status } = await this.cluster.core.createNamespacedServiceAccountToken({
				name: JASM,
				namespace: JASM,
				body: {
					spec: {
						audiences: audience === undefined ? [ISSUER] : [audience],
						expirationSeconds: TOKEN_SECONDS,
					},
				},
			});
			const file = join(this.#folder, name);
			writeFileSync(`${file}.new`, status?.token ?? '', { mode: 0o600 });
			renameSync(`${file}.new`, file);
		}
		const target = this.cluster.config.getCurrentCluster();
		const config = {
			apiVersion: 'v1',
			kind: 'Config',
			'current-context': 'oldest',
			clusters: [
				{
					name: 'oldest',
					cluster: {
						server: target?.server,
						...(target?.caFile === undefined ? {} : { 'certificate-authority': target.caFile }),
						...(target?.caData === undefined ? {} : { 'certificate-authority-data': target.caData }),
					},
				},
			],
			users: [{ name: 'jasm', user: { tokenFile: join(this.#folder, 'api-token') } }],
			contexts: [{ name: 'oldest', context: { cluster: 'oldest', user: 'jasm' } }],
		};
		writeFileSync(join(this.#folder, 'kubeconfig'), JSON.stringify(config));
	}
}
