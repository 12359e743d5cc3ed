// The manual on another cluster than minikube's: the EKS path by Pulumi, then the plain manifests by kubectl only.
//
// The cluster stands in for EKS: another context, an issuer of its own that AWS knows, an image by name, two replicas.
import { chmodSync, copyFileSync, mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { issuerFlags } from '../../infra/src/preflight/minikube.ts';
import { issuerOf, publishIssuer } from '../cloud/aws/issuer.ts';
import { ACCOUNT, REGION } from '../cloud/moto.ts';
import { hostAddress } from '../cluster/adapter.ts';
import { Cluster } from '../cluster/cluster.ts';
import { Controller } from '../cluster/controller.ts';
import { loadImages, loadPublished } from '../cluster/images.ts';
import { Node } from '../cluster/node.ts';
import { counts, Stack } from '../cluster/stack.ts';
import { until } from '../cluster/until.ts';
import { PATHS } from '../cluster/workspace.ts';
import type { Reader } from '../users/reader.ts';
import type { Terminal } from '../users/terminal.ts';
import { INSTALL } from './manual.ts';
import { expect, PROVIDER, type ScenarioContext } from './scenario-context.ts';

const EKS = 'eks';
const SECTION = 'On EKS';
const NAMESPACE = 'team-a';

type Other = {
	readonly cluster: Cluster;
	readonly controller: Controller;
	readonly terminal: Terminal;
	/** Where pods reach AWS. */
	readonly endpoint: string;
	/** A pod of the manual's policy; returns the names that its container got. */
	readonly pod: (name: string) => Promise<string>;
};

let other: Other | undefined;

export async function eks(context: ScenarioContext): Promise<void> {
	const { report, environment } = context;
	const { reader, env } = environment;
	const [variables, iam, init, up, look] = reader.section(INSTALL, SECTION);
	const started = await report.scenario(
		'another cluster',
		'context eks, its issuer known to AWS',
		async () => {
			await environment.cluster.delete();
			const cluster = new Cluster({ env, profile: EKS });
			const { bucket, issuer } = issuerOf(EKS);
			await cluster.start(...issuerFlags(issuer));
			await publishIssuer(environment.account.s3, cluster, bucket);
			const { probe } = await loadImages(cluster);
			const terminal = reader.open(EKS, PATHS.clone);
			await reader.paste(terminal, ...reader.section(INSTALL, 'The workspace'), variables!);
			const { IMAGE = '' } = await terminal.environment();
			await loadPublished(cluster, IMAGE);
			const said = await reader.paste(terminal, iam!);
			expect(said.includes(`account ${ACCOUNT}, issuer ${issuer}`), `found: ${said.trim().slice(-300)}`);
			const node = new Node({ cluster, env });
			const endpoint = `http://${await hostAddress(cluster)}:${environment.gate.port}`;
			const pod = (name: string) => podOf(context, cluster, probe, name);
			other = { cluster, controller: new Controller({ cluster, node }), terminal, endpoint, pod };
			return issuer;
		},
	);
	if (!started || other === undefined) return;
	const { controller, terminal, endpoint, pod } = other;
	const stack = new Stack({ env, name: EKS });
	await report.scenario(
		'EKS path',
		'oidc-provider, given image, two replicas: a pod has its Secret',
		async () => {
			await reader.paste(terminal, init!);
			const provider = { kind: PROVIDER, region: REGION, endpoint, stsEndpoint: endpoint };
			stack.configure({ providers: { [PROVIDER]: provider } });
			const created = counts(await reader.paste(terminal, up!))['created'] ?? 0;
			const said = await reader.paste(terminal, look!);
			expect(/jasm\.codnod\.io/.test(said), 'no lease is shown');
			await controller.ready(2);
			return `${created} created, 2 ready; the pod got ${await pod('eks')}`;
		},
	);
	await report.scenario('EKS path removed', 'nothing left in the cluster and in the state', async () => {
		const { ok, output, counts } = await stack.apply('destroy');
		expect(ok, output.slice(-2000));
		return `${counts['deleted'] ?? 0} deleted`;
	});
}

export async function byKubectl({ report, environment }: ScenarioContext): Promise<void> {
	if (other === undefined) return report.cannotShow('kubectl only', 'it needs the cluster of the part eks');
	const { cluster, controller, terminal, endpoint, pod } = other;
	const { reader } = environment;
	await report.scenario('kubectl only', 'role, manifest, restart: a pod has its Secret', async () => {
		const [image, role, apply, restart, remove] = reader.section(INSTALL, 'With kubectl only');
		await terminal.paste(`export EDITOR='${editor(endpoint)}'`);
		await reader.paste(terminal, image!, role!, apply!);
		await controller.ready(2);
		const got = await pod('plain');
		await reader.paste(terminal, restart!);
		await controller.ready(2);
		await kustomized(reader, cluster);
		await reader.paste(terminal, remove!);
		const { stdout } = await cluster.kubectl(['get', 'namespaces', '-o', 'name']);
		expect(!stdout.split('\n').includes('namespace/jasm'), 'the namespace is left');
		return `2 ready, before and after the restart; the pod got ${got}`;
	});
	await terminal.close();
}

/** The kustomization of the manual: the API server accepts everything that kubectl makes of it. */
async function kustomized(reader: Reader, cluster: Cluster): Promise<void> {
	const text = reader
		.snippets(INSTALL, 'With kubectl only', 'yaml')
		.find(yaml => yaml.includes('resources:'));
	const folder = join(PATHS.home, 'kustomization');
	mkdirSync(folder, { recursive: true });
	writeFileSync(join(folder, 'kustomization.yaml'), text ?? '');
	copyFileSync(join(PATHS.clone, 'deploy/write-only.yaml'), join(folder, 'write-only.yaml'));
	const made = await cluster.kubectl(['kustomize', folder]);
	expect(made.code === 0 && made.stdout.includes('namespace: platform'), made.stderr);
	await cluster.kubectl(['create', 'namespace', 'platform']);
	const applied = await cluster.kubectl(['apply', '--dry-run=server', '-f', '-'], made.stdout);
	await cluster.kubectl(['delete', 'namespace/platform', '--wait=false']);
	expect(applied.code === 0, applied.stderr);
}

/** The reader's editor: writes the policy, the address by which pods reach AWS here, and its port into the NetworkPolicy. */
function editor(endpoint: string): string {
	const file = join(PATHS.home, 'editor.mjs');
	const port = new URL(endpoint).port;
	const script = `#!${process.execPath}
import { readFileSync, writeFileSync } from 'node:fs';
const file = process.argv[2];
const text = readFileSync(file, 'utf8')
	.replace(/^( +)policy: \\[\\]$/m, '$1policy: [{namespaces: ["team-*"], provider: aws-secretsmanager, paths: ["/prod/{namespace}/**"]}]')
	.replace(/^( +)kind: aws-secretsmanager$/m, '$&\\n$1endpoint: ${endpoint}\\n$1stsEndpoint: ${endpoint}')
	.replace(/^( +)- port: 443$/m, '$1- port: ${port}\\n$1  protocol: TCP\\n$&');
writeFileSync(file, text);
`;
	writeFileSync(file, script);
	chmodSync(file, 0o755);
	return file;
}

async function podOf(
	context: ScenarioContext,
	cluster: Cluster,
	image: string,
	name: string,
): Promise<string> {
	const path = `/prod/${NAMESPACE}/${name}`;
	await context.store(path, { DB_PASSWORD: `fake-${name}` });
	const request = JSON.stringify({ provider: PROVIDER, path, secretName: name });
	await cluster.apply(
		{ apiVersion: 'v1', kind: 'Namespace', metadata: { name: NAMESPACE } },
		{
			apiVersion: 'v1',
			kind: 'Pod',
			metadata: { name, namespace: NAMESPACE, annotations: { 'jasm.codnod.io/secret-sync': request } },
			spec: {
				containers: [
					{
						name: 'app',
						image,
						imagePullPolicy: 'IfNotPresent',
						command: ['/nodejs/bin/node', '/probe/probe.js'],
						envFrom: [{ secretRef: { name } }],
					},
				],
			},
		},
	);
	const env = await until(
		`pod ${name} to print`,
		async () => {
			const log = await cluster.core.readNamespacedPodLog({ name, namespace: NAMESPACE });
			const line = log.split('\n').find(text => text.startsWith('{'));
			return line === undefined ? undefined : (JSON.parse(line) as { env: Record<string, string> }).env;
		},
		{ timeoutMs: 90_000 },
	);
	expect(env['DB_PASSWORD'] === `fake-${name}`, `pod ${name} got something else`);
	return 'DB_PASSWORD';
}
