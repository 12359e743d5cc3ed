// Where the demo runs: the embedded cluster and stores, the installation, the built controller as a process.
import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { createWriteStream } from 'node:fs';
import { mkdir, readFile, rm, writeFile } from 'node:fs/promises';
import { type AddressInfo, createServer } from 'node:net';
import { join, resolve } from 'node:path';
import { createInterface } from 'node:readline';
import { type ApiServer, startApiServer, startWorkloads } from '@jasm/controller/testing';
import { dump, loadAll } from 'js-yaml';
import { type Stores, startStores } from './stores.ts';

const ROOT = resolve(import.meta.dirname, '../..');
const OWN_POD = 'jasm-of-the-demo';
/** Exists from the start, because JASM gets a right in it: to restart workloads. */
const RESTARTED_NAMESPACE = 'shop';
/** The switches of the image. */
const NODE_FLAGS = ['--lite-mode', '--max-semi-space-size=1', '--max-old-space-size=64', '--disable-sigusr1'];

export type TestEnvironment = {
	readonly api: ApiServer;
	readonly stores: Stores;
	/** The administrator's, for kubectl. */
	readonly kubeconfigPath: string;
	/** Where the demo's files are: kubeconfig, configuration, tokens, the controller's log. */
	readonly folder: string;
	readonly metricsUrl: string;
	readonly controllerPid: number | undefined;
	/** Resident memory now and at its peak, in MiB, and CPU seconds so far; empty where /proc is not. */
	usage(): Promise<{
		readonly residentMiB?: number;
		readonly peakMiB?: number;
		readonly cpuSeconds?: number;
	}>;
	/** Stops everything and removes the folder; `keepLog` leaves the controller's log there. */
	close(options?: { readonly keepLog: boolean }): Promise<void>;
};

type Manifest = { readonly kind: string; readonly metadata: { readonly name: string }; data?: object };

/**
 * Starts everything; files are written only below `.demo/` of the workspace. Rejects while another demo runs there.
 */
export async function openEnvironment(policy: readonly object[]): Promise<TestEnvironment> {
	const folder = join(ROOT, '.demo');
	await takeFolder(folder);
	const file = async (name: string, text: string) => {
		const path = join(folder, name);
		await writeFile(path, text, { mode: 0o600 });
		return path;
	};

	const api = await startApiServer();
	const manifests = loadAll(await readFile(join(ROOT, 'deploy/write-only.yaml'), 'utf8')) as Manifest[];
	// The tokens that the stores need belong to the ServiceAccount, so the installation comes first.
	api.apply(manifests.filter(({ kind }) => kind !== 'Deployment' && kind !== 'PodDisruptionBudget'));
	api.apply(loadAll(await readFile(join(ROOT, 'deploy/start-gate.yaml'), 'utf8')) as Manifest[]);
	api.create({ kind: 'Namespace', metadata: { name: RESTARTED_NAMESPACE } });
	const restarts = await readFile(join(ROOT, 'deploy/restarts.yaml'), 'utf8');
	api.apply(loadAll(restarts.replaceAll('NAMESPACE', RESTARTED_NAMESPACE)) as Manifest[]);
	// The controller is a process outside of the cluster; it proves its guard on the pod that it would be.
	api.create({
		kind: 'Pod',
		metadata: { name: OWN_POD, namespace: 'jasm' },
		spec: { serviceAccountName: 'jasm', containers: [{ name: 'controller', image: 'jasm' }] },
	});
	const workloads = startWorkloads(api);
	const stores = await startStores(api, file);
	const config = dump({
		...{ providers: stores.providers, policy, changes: stores.changes },
		start: { release: true },
		// A real installation waits half a minute for further changes.
		restarts: { namespaces: [RESTARTED_NAMESPACE], windowSeconds: 1 },
	});
	api.update('ConfigMap', 'jasm', 'jasm', object => {
		object['data'] = { 'config.yaml': config };
	});
	const metrics = `127.0.0.1:${await freePort()}`;
	const controller = await startController({
		args: [
			`--kubeconfig=${await file('controller.kubeconfig', api.kubeconfig({ token: api.createToken('jasm', 'jasm', { seconds: 24 * 3600 }) }))}`,
			`--config=${await file('config.yaml', config)}`,
			'--namespace=jasm',
			`--metrics-bind-address=${metrics}`,
			'--health-probe-bind-address=127.0.0.1:0',
		],
		env: { ...stores.env, POD_NAME: OWN_POD },
		logFile: join(folder, 'controller.log'),
	});
	return {
		api,
		stores,
		kubeconfigPath: await file('kubeconfig', api.kubeconfig({ namespace: 'shop' })),
		folder,
		metricsUrl: `http://${metrics}/metrics`,
		controllerPid: controller.process.pid,
		usage: () => usageOf(controller.process.pid),
		async close({ keepLog } = { keepLog: false }) {
			await controller.stop();
			workloads.stop();
			await Promise.all([api.close(), stores.close()]);
			const log = await readFile(join(folder, 'controller.log'));
			await rm(folder, { recursive: true });
			if (keepLog) {
				await mkdir(folder);
				await file('controller.log', log.toString());
			}
		},
	};
}

/** Empties the folder, unless it belongs to a demo that runs. */
export async function takeFolder(folder: string): Promise<void> {
	const owner = join(folder, 'pid');
	const pid = Number(await readFile(owner, 'utf8').catch(() => ''));
	if (pid > 0 && runs(pid)) {
		throw new Error(
			`a demo runs in this workspace already, as process ${pid}: end it with Ctrl-C first. ` +
				`If that process is no demo, remove ${folder}`,
		);
	}

	await rm(folder, { recursive: true, force: true });
	await mkdir(folder, { recursive: true });
	await writeFile(owner, String(process.pid));
}

function runs(pid: number): boolean {
	try {
		process.kill(pid, 0);
		return true;
	} catch (error) {
		// A process of another user exists too.
		return (error as { code?: unknown }).code === 'EPERM';
	}
}

/** A port that the kernel calls free at this moment. */
async function freePort(): Promise<number> {
	const server = createServer().listen(0, '127.0.0.1');
	await once(server, 'listening');
	const { port } = server.address() as AddressInfo;
	server.close();
	return port;
}

type Started = { readonly process: ChildProcess; stop(): Promise<void> };

/** Resolves once the controller says that it leads; rejects with its last lines where it ends before. */
async function startController(options: {
	readonly args: string[];
	readonly env: Readonly<Record<string, string>>;
	readonly logFile: string;
}): Promise<Started> {
	const bundle = join(ROOT, 'controller/dist/controller.js');
	// Nothing of the caller's environment: no credentials, no kubeconfig of theirs.
	const child = spawn(process.execPath, [...NODE_FLAGS, bundle, ...options.args], {
		env: options.env,
		stdio: ['ignore', 'pipe', 'inherit'],
	});
	const log: string[] = [];
	const file = createWriteStream(options.logFile, { mode: 0o600 });
	const exited = new Promise<void>(done => child.once('exit', () => done()));
	await new Promise<void>((leading, failed) => {
		createInterface(child.stdout!).on('line', line => {
			file.write(`${line}\n`);
			if (log.push(line) > 5) {
				log.shift();
			}
			if (line.includes('"message":"leading"')) {
				leading();
			}
		});
		void exited.then(() => failed(new Error(`the controller ended:\n${log.join('\n')}`)));
	});
	return {
		process: child,
		async stop() {
			child.kill('SIGTERM');
			await exited;
			await new Promise<void>(done => file.end(done));
		},
	};
}

async function usageOf(pid: number | undefined) {
	try {
		const status = await readFile(`/proc/${pid}/status`, 'utf8');
		const stat = (await readFile(`/proc/${pid}/stat`, 'utf8')).split(') ')[1]!.split(' ');
		const mib = (name: string) => Number(new RegExp(`${name}:\\s+(\\d+)`).exec(status)?.[1]) / 1024;
		// User and system time stand at 14 and 15 of all fields, in hundredths of a second.
		return {
			residentMiB: mib('VmRSS'),
			peakMiB: mib('VmHWM'),
			cpuSeconds: (Number(stat[11]) + Number(stat[12])) / 100,
		};
	} catch {
		return {};
	}
}
