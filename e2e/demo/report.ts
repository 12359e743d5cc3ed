// What the demo prints: progress, the table, the Events, the cost, the verdict; never a value.
import type { TestEnvironment } from './environment.ts';
import type { SeenEvent } from './user.ts';

export type Row = {
	readonly what: string;
	readonly pod: string;
	/** The store that it comes from; `-` where no store is asked. */
	readonly store: string;
	readonly secret: string;
	readonly keys: readonly string[] | undefined;
	readonly latencyMs?: number;
	/** Reason of the Event where no Secret is to be written. */
	readonly reason?: string;
};

/** The requests that one store got. */
export type StoreCalls = { readonly store: string; readonly reads: number; readonly signIns: number };

type Usage = { readonly residentMiB?: number; readonly peakMiB?: number; readonly cpuSeconds?: number };

type Held = Pick<TestEnvironment, 'kubeconfigPath' | 'folder' | 'metricsUrl' | 'controllerPid' | 'stores'>;

const print = (line = '') => process.stdout.write(`${line}\n`);

export class Report {
	readonly #rows: Row[] = [];
	readonly #failures: string[] = [];
	#expectations = 0;
	#ended = false;

	/** Every expectation held, and the demo reached its end. */
	get passed(): boolean {
		return this.#ended && this.#failures.length === 0;
	}

	step(text: string): void {
		print(`\n${text}`);
	}

	note(text: string): void {
		print(`  ${text}`);
	}

	row(row: Row): void {
		this.#rows.push(row);
		print(`  ${row.reason === undefined ? '+' : '!'} ${row.pod}: ${row.what}`);
	}

	expect(promise: string, held: boolean): void {
		this.#expectations++;
		if (!held) {
			this.#failures.push(promise);
			print(`  x not so: ${promise}`);
		}
	}

	events(events: readonly SeenEvent[]): void {
		const shown = events.filter(({ pod }) => !pod.startsWith('replicas-'));
		print('\nWhat `kubectl describe pod` shows:');
		for (const { type, reason, pod, note } of shown) {
			print(`  ${type.padEnd(7)} ${reason.padEnd(17)} ${pod.padEnd(9)} ${note}`);
		}
	}

	usage({ residentMiB, peakMiB, cpuSeconds }: Usage, calls: readonly StoreCalls[]): void {
		this.#table();
		const memory =
			residentMiB === undefined
				? 'memory unknown here'
				: `${residentMiB.toFixed(0)} MiB resident (peak ${peakMiB?.toFixed(0)})`;
		const counted = calls.map(({ store, reads, signIns }) => `${store} ${reads} (signed in ${signIns}x)`);
		print(`\nProvider calls: ${counted.join(', ')}.`);
		print(`Controller: ${memory}, ${cpuSeconds ?? '?'} s of CPU since its start.`);
	}

	/** Containers that the node started, and how many of them had to be tried again for want of their Secret. */
	containers(started: number, triedAgain: number): void {
		const first = started - triedAgain;
		print(`\nContainers: ${started} started, ${first} of them at the first try.`);
	}

	end(): void {
		this.#ended = true;
		const failed = this.#failures.length;
		print(`\n${this.#expectations - failed} of ${this.#expectations} expectations held.`);
	}

	hold({ kubeconfigPath, folder, metricsUrl, controllerPid, stores }: Held): void {
		const { AWS, Vault, 'Key Vault': keyVault } = stores.urls;
		print(`
The cluster stays until Ctrl-C. In a second terminal, in this folder:

  export KUBECONFIG=${kubeconfigPath}
  kubectl apply -f e2e/demo/workload.yaml                 # a Deployment whose pods ask for a secret
  kubectl rollout status deployment/orders
  kubectl describe pod -l app=orders                      # JASM's Event says what happened
  kubectl get secret orders-database -o jsonpath='{.data.DB_PASSWORD}' | base64 -d

JASM writes Secrets and can read none:

  kubectl auth can-i get secrets -n shop --as system:serviceaccount:jasm:jasm      # no

A value that changes at AWS reaches its Secret within seconds, and environment variables with the next pods:

  npx --yes pnpm@12 rotate /prod/shared/database DB_PASSWORD=changed
  kubectl get secret orders-database -o jsonpath='{.data.DB_PASSWORD}' | base64 -d
  kubectl rollout restart deployment/orders && kubectl rollout status deployment/orders

Providers and policy  ${folder}/config.yaml (in the cluster: kubectl get configmap jasm -n jasm -o yaml)
JASM's log            ${folder}/controller.log (process ${controllerPid}: no container runs here, JASM's neither)
JASM's metrics        ${metricsUrl}
Stores                AWS ${AWS}, Vault ${Vault}, Key Vault ${keyVault}
Other paths           {provider: vault, path: prod/shop/payments}, {provider: azure-keyvault, path: shop-search}`);
	}

	/** The demo's last line. */
	closed({ folder }: Held): void {
		const left = this.passed
			? `Removed ${folder}: kubeconfig, tokens, configuration and log.`
			: `Removed everything in ${folder} but controller.log.`;
		print(`\nStopped the controller, the stores and the cluster with all its objects. ${left}`);
	}

	#table(): void {
		const rows = [
			['what', 'pod', 'store', 'Secret', 'keys', 'latency'],
			...this.#rows.map(({ what, pod, store, secret, keys, latencyMs, reason }) => [
				what,
				pod,
				store,
				secret,
				keys?.join(' ') ?? `(${reason})`,
				latencyMs === undefined ? '' : `${latencyMs.toFixed(0)} ms`,
			]),
		];
		const widths = rows[0]!.map((_, column) => Math.max(...rows.map(row => row[column]!.length)));
		print();
		for (const row of rows) {
			print(
				`  ${row
					.map((cell, column) => cell.padEnd(widths[column]!))
					.join('  ')
					.trimEnd()}`,
			);
		}
	}
}
