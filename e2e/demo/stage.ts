// The demo's stage: embedded cluster and stores, the installation, the built controller as a process.
import { type ChildProcess, spawn } from 'node:child_process';
import { mkdir, readFile, rm, writeFile } from 'node:fs/promises';
import { join, resolve } from 'node:path';
import { createInterface } from 'node:readline';
import { type ApiServer, startApiServer } from '@jasm/controller/testing';
import { dump, loadAll } from 'js-yaml';
import { type Stores, startStores } from './stores.ts';

const ROOT = resolve(import.meta.dirname, '../..');
/** The switches of the image. */
const NODE_FLAGS = ['--lite-mode', '--max-semi-space-size=1', '--max-old-space-size=64', '--disable-sigusr1'];

export type Stage = {
	readonly api: ApiServer;
	readonly stores: Stores;
	/** The administrator's, for kubectl. */
	readonly kubeconfigPath: string;
	/** Everything that the controller printed. */
	readonly log: readonly string[];
	/** Resident memory now and at its peak, in MiB, and CPU seconds so far; empty where /proc is not. */
	usage(): Promise<{
		readonly residentMiB?: number;
		readonly peakMiB?: number;
		readonly cpuSeconds?: number;
	}>;
	close(): Promise<void>;
};

/** Starts everything; files are written below `.demo/` of the workspace alone. */
export async function openStage(policy: readonly object[]): Promise<Stage> {
	const folder = join(ROOT, '.demo');
	await rm(folder, { recursive: true, force: true });
	await mkdir(folder, { recursive: true });
	const file = async (name: string, text: string) => {
		const path = join(folder, name);
		await writeFile(path, text, { mode: 0o600 });
		return path;
	};

	const api = await startApiServer();
	api.apply(loadAll(await readFile(join(ROOT, 'deploy/write-only.yaml'), 'utf8')) as object[]);
	const stores = await startStores(api, file);
	const config = dump({ providers: stores.providers, policy });
	const controller = await startController({
		args: [
			`--kubeconfig=${await file('controller.kubeconfig', api.kubeconfig({ token: api.createToken('jasm', 'jasm') }))}`,
			`--config=${await file('config.yaml', config)}`,
			'--namespace=jasm',
			'--metrics-bind-address=127.0.0.1:0',
			'--health-probe-bind-address=127.0.0.1:0',
		],
		env: stores.env,
	});
	return {
		api,
		stores,
		kubeconfigPath: await file('kubeconfig', api.kubeconfig({ namespace: 'shop' })),
		log: controller.log,
		usage: () => usageOf(controller.process.pid),
		async close() {
			await controller.stop();
			await Promise.all([api.close(), stores.close()]);
		},
	};
}

type Started = { readonly process: ChildProcess; readonly log: string[]; stop(): Promise<void> };

/** Resolves once the controller says that it leads; rejects with its last lines where it ends before. */
async function startController(options: {
	readonly args: string[];
	readonly env: Readonly<Record<string, string>>;
}): Promise<Started> {
	const bundle = join(ROOT, 'controller/dist/controller.js');
	// Nothing of the caller's environment: no credentials, no kubeconfig of theirs.
	const child = spawn(process.execPath, [...NODE_FLAGS, bundle, ...options.args], {
		env: options.env,
		stdio: ['ignore', 'pipe', 'inherit'],
	});
	const log: string[] = [];
	const exited = new Promise<void>(done => child.once('exit', () => done()));
	await new Promise<void>((leading, failed) => {
		createInterface(child.stdout!).on('line', line => {
			log.push(line);
			if (line.includes('"message":"leading"')) {
				leading();
			}
		});
		void exited.then(() => failed(new Error(`the controller ended:\n${log.slice(-5).join('\n')}`)));
	});
	return {
		process: child,
		log,
		async stop() {
			child.kill('SIGTERM');
			await exited;
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
