// Starts what is measured as a process of its own, as a pod would run it: the built controller, or the floor.
import { type ChildProcess, execFileSync, spawn } from 'node:child_process';
import { once } from 'node:events';
import { cpSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { build } from 'esbuild';
import type { Access, StoreOfAws, TestEnvironment } from './cluster.ts';
import { ready } from './endpoints.ts';
import { Lines } from './lines.ts';
import { PREFIX, PROVIDER } from './pod-fixtures.ts';
import type { TlsFront } from './tls-front.ts';

/** As in the Dockerfile. */
export const NODE_FLAGS = [
	'--lite-mode',
	'--max-semi-space-size=1',
	'--max-old-space-size=64',
	'--disable-sigusr1',
];

export type ProcessUnderTest = 'controller' | 'floor';

export type Running = {
	readonly pid: number;
	/** Milliseconds from its start to its first line, and to its readiness. */
	readonly startedMs: number;
	readonly readyMs: number;
	/** Ports of its own, where it has them. */
	readonly ports: { readonly health: number | undefined; readonly metrics: number | undefined };
	/** The first line from now on that has this text; resolves with the moment it came at. */
	line(text: string): Promise<number>;
	/** Resolves when it has gone. */
	stop(signal?: 'SIGTERM' | 'SIGKILL'): Promise<void>;
};

export type StartOptions = {
	/** Of the controller's configuration file, beside providers and policy. */
	readonly config?: Record<string, unknown>;
	/** The pod that the process is; it need not exist. */
	readonly podName?: string;
	/** Another way to the cluster. */
	readonly access?: Access;
	/** Another way to the provider, over TLS. */
	readonly front?: Pick<TlsFront, 'url' | 'ca'>;
	/** The folder of another build. */
	readonly dist?: string;
	/** Another Node. */
	readonly node?: string;
	/** Whether it holds a lease while it writes. Default: true. */
	readonly leaderElect?: boolean;
	/** Words before the command, which the process then runs under. */
	readonly prefix?: readonly string[];
};

const folder = mkdtempSync(join(tmpdir(), 'jasm-bench-'));
const children = new Set<ChildProcess>();
process.on('exit', () => {
	for (const child of children) {
		child.kill('SIGKILL');
	}

	rmSync(folder, { recursive: true, force: true });
});

/** A copy of the build, because another build may run in the meantime. */
export const DIST = join(folder, 'dist');
cpSync(join(import.meta.dirname, '../dist'), DIST, { recursive: true });

/** The mount namespace in which a ServiceAccount can be where the kubelet puts it; undefined: not allowed here. */
const UNSHARE = ['unshare', ...(process.getuid?.() === 0 ? [] : ['--map-root-user']), '--mount'];
const MOUNT =
	'mount -t tmpfs none /run && mkdir -p /run/secrets/kubernetes.io && ' +
	'cp -r "$0" /run/secrets/kubernetes.io/serviceaccount && exec "$@"';

/** Whether processes are given a ServiceAccount as in a pod, or a kubeconfig, which costs memory. */
export const inCluster = ((): boolean => {
	try {
		execFileSync(UNSHARE[0]!, [...UNSHARE.slice(1), 'sh', '-c', MOUNT, folder, 'true'], { stdio: 'ignore' });
		return true;
	} catch {
		return false;
	}
})();

/** The floor as plain JavaScript: it runs under the same flags, which leave no room for stripping types. */
async function floorScript(): Promise<string> {
	const outfile = join(folder, 'floor.mjs');
	await build({
		entryPoints: [join(import.meta.dirname, 'baseline.ts')],
		outfile,
		platform: 'node',
		format: 'esm',
	});
	return outfile;
}

let starts = 0;

export async function start(
	processUnderTest: ProcessUnderTest,
	{ cluster, provider }: Pick<TestEnvironment, 'cluster'> & { readonly provider: StoreOfAws },
	{
		config = {},
		podName,
		access = cluster.access,
		front,
		dist = DIST,
		node = process.execPath,
		prefix = [],
		leaderElect = true,
	}: StartOptions = {},
): Promise<Running> {
	const home = join(folder, String(starts++));
	const files = writeFiles(
		home,
		access,
		{ region: provider.region, url: front?.url ?? provider.url },
		config,
	);
	const script = processUnderTest === 'floor' ? await floorScript() : join(dist, 'controller.js');
	const flags = [
		...(inCluster ? [] : [`--kubeconfig=${files.kubeconfig}`]),
		`--config=${files.config}`,
		`--leader-elect=${leaderElect}`,
		'--metrics-bind-address=127.0.0.1:0',
		'--health-probe-bind-address=127.0.0.1:0',
	];
	const program = [node, ...NODE_FLAGS, script, ...(processUnderTest === 'floor' ? [] : flags)];
	const inside = inCluster ? [...UNSHARE, 'sh', '-c', MOUNT, files.serviceAccount, ...program] : program;
	const command = [...prefix, ...inside];
	const startedAt = performance.now();
	const child = spawn(command[0]!, command.slice(1), {
		stdio: ['ignore', 'pipe', 'inherit'],
		env: {
			...environment(access, provider, files, home),
			...(podName !== undefined && { POD_NAME: podName }),
			...(front && { NODE_EXTRA_CA_CERTS: files.write('provider.crt', front.ca) }),
		},
	});
	children.add(child);
	child.once('exit', () => children.delete(child));
	const lines = new Lines(child);
	const gone = once(child, 'exit').then(() => {
		throw new Error(`the ${processUnderTest} ended before it was ready`);
	});
	gone.catch(() => {});
	const first = await lines.first;
	const ports = {
		health: first['healthPort'] as number | undefined,
		metrics: first['metricsPort'] as number | undefined,
	};
	const running: Running = {
		pid: child.pid!,
		startedMs: lines.firstAt - startedAt,
		readyMs: 0,
		ports,
		line: text => lines.next(text),
		async stop(signal = 'SIGTERM') {
			if (child.exitCode === null && child.signalCode === null) {
				child.kill(signal);
				await once(child, 'exit');
			}
		},
	};
	try {
		const synced = processUnderTest === 'floor' ? lines.next('synced') : ready(ports.health!, 60_000);
		await Promise.race([synced, gone]);
	} catch (error) {
		await running.stop('SIGKILL');
		throw error;
	}

	return { ...running, readyMs: performance.now() - startedAt };
}

type Files = Readonly<Record<'serviceAccount' | 'kubeconfig' | 'config' | 'awsToken', string>> & {
	/** Adds a file; returns its path. */
	write(name: string, content: string): string;
};

function writeFiles(
	home: string,
	{ host, port, ca, token }: Access,
	provider: Pick<StoreOfAws, 'region' | 'url'>,
	config: Record<string, unknown>,
): Files {
	const serviceAccount = join(home, 'serviceaccount');
	mkdirSync(serviceAccount, { recursive: true });
	const write = (name: string, content: string | object) => {
		writeFileSync(join(home, name), typeof content === 'string' ? content : JSON.stringify(content));
		return join(home, name);
	};
	write('serviceaccount/ca.crt', ca);
	write('serviceaccount/token', token);
	write('serviceaccount/namespace', 'jasm');
	const server = { server: `https://${host}:${port}`, 'certificate-authority-data': btoa(ca) };
	return {
		write,
		serviceAccount,
		kubeconfig: write('kubeconfig', {
			'current-context': 'bench',
			clusters: [{ name: 'bench', cluster: server }],
			users: [{ name: 'bench', user: { token } }],
			contexts: [{ name: 'bench', context: { cluster: 'bench', user: 'bench' } }],
		}),
		config: write('config.yaml', {
			providers: {
				[PROVIDER]: {
					kind: 'aws-secretsmanager',
					region: provider.region,
					endpoint: provider.url,
					stsEndpoint: provider.url,
				},
			},
			policy: [{ namespaces: [`${PREFIX}*`], provider: PROVIDER, paths: ['/bench/{namespace}/**'] }],
			...config,
		}),
		awsToken: write('aws-token', unsignedToken('sts.amazonaws.com')),
	};
}

/** A token as the kubelet projects it for one audience; the embedded STS and Entra read only its claims. */
export function unsignedToken(audience: string): string {
	const exp = Math.floor(Date.now() / 1000) + 86_400;
	const claims = {
		iss: 'https://oidc.bench',
		sub: 'system:serviceaccount:jasm:jasm',
		aud: audience,
		exp,
	};
	return [{ alg: 'RS256' }, claims]
		.map(part => Buffer.from(JSON.stringify(part)).toString('base64url'))
		.concat('signature')
		.join('.');
}

function environment(
	access: Access,
	provider: StoreOfAws,
	files: Files,
	home: string,
): Record<string, string> {
	return {
		PATH: process.env['PATH'] ?? '',
		POD_NAME: `jasm-${home.split('/').at(-1)}`,
		POD_NAMESPACE: 'jasm',
		KUBERNETES_SERVICE_HOST: access.host,
		KUBERNETES_SERVICE_PORT: String(access.port),
		AWS_EC2_METADATA_DISABLED: 'true',
		AWS_REGION: provider.region,
		AWS_ROLE_ARN: `arn:aws:iam::${provider.accountId}:role/jasm`,
		AWS_WEB_IDENTITY_TOKEN_FILE: files.awsToken,
		// For the floor alone.
		BENCH_SERVICE_ACCOUNT: files.serviceAccount,
		BENCH_PROVIDER: provider.url,
	};
}
