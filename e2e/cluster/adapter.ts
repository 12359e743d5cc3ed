// The one place that knows WHICH minikube, vault and Pulumi plugins are on PATH.
//
// The documented behaviour of the real tools is the normal case. Each exception below says which other tool needs it:
// a minikube whose components are processes of this host, a vault that is a server without a command line, and a
// Pulumi without the plugin for AWS. Everything else in this folder asks here and treats all of them alike.
import {
	chmodSync,
	existsSync,
	mkdirSync,
	readdirSync,
	readFileSync,
	symlinkSync,
	writeFileSync,
} from 'node:fs';
import { homedir, networkInterfaces } from 'node:os';
import { join } from 'node:path';
import { onEnd } from './cleanup.ts';
import type { Cluster } from './cluster.ts';
import { must, run, start } from './processes.ts';
import { find } from './tools.ts';
import { until } from './until.ts';
import { type Environment, PATHS, ROOT } from './workspace.ts';

/** What can be done on the machine that runs the cluster's node. */
export type NodeAccess = {
	/** Runs a command as root; it must succeed. */
	readonly command: (...words: string[]) => Promise<string>;
	/** Kills a component with SIGKILL. */
	readonly crash: (component: 'apiserver' | 'kubelet') => Promise<void>;
	/** The kubelet's copy of a pod's token; undefined if its folder cannot be read. */
	readonly token: (podUid: string, volume: string) => string | undefined;
	/** Drops what pods send to a port of this host until the answer is called; undefined if that is not possible. */
	readonly dropPackets: (port: number) => Promise<(() => Promise<void>) | undefined>;
};

/**
 * Folder with logs and process ids of the cluster's components, where they are processes of this host. Undefined for
 * minikube itself, whose node is a machine or a container.
 */
export function hostFolder(profile: string): string | undefined {
	const folder = join(PATHS.minikube, 'machines', profile);
	return existsSync(join(folder, 'apiserver.pid')) ? folder : undefined;
}

/** The name by which pods reach servers of this host. */
export async function hostAddress(cluster: Cluster): Promise<string> {
	if (hostFolder(cluster.profile) === undefined) return 'host.minikube.internal';
	// Without minikube's DNS the name is unknown to pods; where the node is the host, its address does.
	const ip = (await cluster.minikube('ip')).trim();
	const own = Object.values(networkInterfaces()).flatMap(addresses => addresses ?? []);
	if (!own.some(({ address }) => address === ip))
		throw new Error(`the node's address ${ip} is not of this host`);
	return ip;
}

/** Whether the node can pull images and build them. Where the node is the host, images are loaded only. */
export function pullsImages(profile: string): boolean {
	return hostFolder(profile) === undefined;
}

/** Flags for a second cluster: without a node if the host can be the node of only one cluster. */
export function withoutNode(profile: string): string[] {
	return hostFolder(profile) === undefined ? [] : ['--control-plane-only'];
}

export function nodeAccess(cluster: Cluster, env: Environment): NodeAccess {
	const folder = hostFolder(cluster.profile);
	return folder === undefined ? minikubeNode(cluster) : hostNode(folder, env);
}

function minikubeNode(cluster: Cluster): NodeAccess {
	const command = (...words: string[]) => cluster.minikube('ssh', '--', 'sudo', ...words);
	return {
		command,
		crash: async component =>
			void (await command('pkill', '-9', component === 'kubelet' ? 'kubelet' : 'kube-apiserver')),
		token: () => undefined,
		dropPackets: async () => undefined,
	};
}

function hostNode(folder: string, env: Environment): NodeAccess {
	const filter = (verb: '-I' | '-D', port: number) => {
		const rule = [verb, 'INPUT', '-p', 'tcp', '--dport', String(port), '-s', '10.244.0.0/16', '-j', 'DROP'];
		return run('iptables', rule, { env }).catch(() => ({ code: 127 }));
	};
	return {
		command: (...words) => must(words[0] ?? '', words.slice(1), { env }),
		async crash(component) {
			const pid = Number(readFileSync(join(folder, `${component}.pid`), 'utf8'));
			process.kill(pid, 'SIGKILL');
			// A dead process is listed until its parent has collected it.
			await until(`the end of the ${component}`, () => !existsSync(`/proc/${pid}`), { everyMs: 20 });
		},
		token(podUid, volume) {
			const volumes = join(folder, 'kubelet/pods', podUid, 'volumes/kubernetes.io~projected');
			const file = join(volumes, volume, 'token');
			return existsSync(file) ? readFileSync(file, 'utf8') : undefined;
		},
		async dropPackets(port) {
			if (process.getuid?.() !== 0 || (await filter('-I', port)).code !== 0) return undefined;
			return onEnd('the packet filter', async () => void (await filter('-D', port)));
		},
	};
}

/** Whether the vault on PATH is a server only: it is started by flags, in memory and unsealed, and has no commands. */
export async function vaultIsServerOnly(env: Environment): Promise<boolean> {
	// Both answer `-h` and end. A server without commands would start if it were asked for its version.
	const { stdout, stderr } = await run('vault', ['-h'], { env, timeoutMs: 10_000 });
	return /-root-token/.test(stdout + stderr);
}

/**
 * A folder whose `vault` understands the commands of the manual, to be put first on PATH. Undefined if the vault on
 * PATH does that itself.
 */
export async function vaultCommands(env: Environment): Promise<string | undefined> {
	if (!(await vaultIsServerOnly(env))) return undefined;
	const folder = join(PATHS.home, 'vault-commands');
	mkdirSync(folder, { recursive: true });
	const script = [
		'#!/bin/sh',
		`export VAULT_SERVER='${find('vault', env['PATH'])}'`,
		`exec '${process.execPath}' '${join(ROOT, 'e2e/cloud/vault-commands.ts')}' "$@"`,
	];
	writeFileSync(join(folder, 'vault'), `${script.join('\n')}\n`);
	chmodSync(join(folder, 'vault'), 0o755);
	return folder;
}

/** The environment of `pulumi`, and whether the stub stands in for Pulumi's plugin for AWS. */
type PulumiPlugins = { readonly env: Environment; readonly stub: boolean };

/**
 * What `pulumi` needs in its environment. Pulumi's own plugin for AWS is used where it is installed: the profile leads
 * it to `endpoint`. On machines that cannot have the plugin a provider of this project stands in for it.
 */
export async function pulumiPlugins(env: Environment, endpoint: string): Promise<PulumiPlugins> {
	// A CLI that brings plugins along fetches no other ones.
	const complete = find('pulumi-resource-kubernetes', env['PATH']) !== undefined;
	const own: Environment = complete ? { PULUMI_DISABLE_AUTOMATIC_PLUGIN_ACQUISITION: 'true' } : {};
	if (find('pulumi-resource-aws', env['PATH']) !== undefined) return { env: own, stub: false };
	const installed = awsPlugin();
	if (installed !== undefined) {
		mkdirSync(join(PATHS.pulumi, 'plugins'), { recursive: true });
		symlinkSync(installed, join(PATHS.pulumi, 'plugins', installed.split('/').at(-1) ?? ''));
		return { env: own, stub: false };
	}
	const stub = [join(ROOT, 'e2e/pulumi-aws-stub/main.ts'), endpoint];
	const { captured } = await start('aws-provider', process.execPath, stub, { env, ready: /^(\d+)$/m });
	return { env: { ...own, PULUMI_DEBUG_PROVIDERS: `aws:${captured}` }, stub: true };
}

/** Folder of Pulumi's plugin for AWS among the plugins of the person who runs this. */
function awsPlugin(): string | undefined {
	const plugins = join(process.env['PULUMI_HOME'] ?? join(homedir(), '.pulumi'), 'plugins');
	if (!existsSync(plugins)) return undefined;
	const name = readdirSync(plugins).find(entry => /^resource-aws-v7\.[\d.]+$/.test(entry));
	return name === undefined ? undefined : join(plugins, name);
}
