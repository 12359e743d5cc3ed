// What the demo prints: progress, the table, the Events, the cost, the verdict; never a value.
import type { SeenEvent } from './person.ts';

export type Row = {
	readonly what: string;
	readonly pod: string;
	/** Where it comes from; `-` where no store is asked. */
	readonly store: string;
	readonly secret: string;
	readonly keys: readonly string[] | undefined;
	readonly latencyMs?: number;
	/** Reason of the Event, where nothing was to be written. */
	readonly told?: string;
};

/** What one store was asked. */
export type StoreCalls = { readonly store: string; readonly reads: number; readonly signIns: number };

type Usage = { readonly residentMiB?: number; readonly peakMiB?: number; readonly cpuSeconds?: number };

const print = (line = '') => process.stdout.write(`${line}\n`);

export class Report {
	readonly #rows: Row[] = [];
	readonly #failures: string[] = [];
	#expectations = 0;
	#ended = false;

	/** Every expectation held, and the demo came to its end. */
	get passed(): boolean {
		return this.#ended && this.#failures.length === 0;
	}

	step(text: string): void {
		print(`\n${text}`);
	}

	row(row: Row): void {
		this.#rows.push(row);
		print(`  ${row.told === undefined ? '+' : '!'} ${row.pod}: ${row.what}`);
	}

	expect(promise: string, held: boolean): void {
		this.#expectations++;
		if (!held) {
			this.#failures.push(promise);
			print(`  x not so: ${promise}`);
		}
	}

	events(events: readonly SeenEvent[]): void {
		const shown = events.filter(({ pod }) => !pod.startsWith('replica-'));
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

	end(): void {
		this.#ended = true;
		const failed = this.#failures.length;
		print(`\n${this.#expectations - failed} of ${this.#expectations} expectations held.`);
	}

	hold(kubeconfigPath: string): void {
		print(`\nThe cluster stays until Ctrl-C. Try:\n
  export KUBECONFIG=${kubeconfigPath}
  kubectl run mine --image=example/app -n shop
  kubectl annotate pod mine -n shop jasm.codnod.io/secret-sync='{provider: aws-secretsmanager, path: /prod/shared/database, secretName: mine}'
  kubectl get secret mine -n shop -o jsonpath='{.data}'

The other stores: {provider: vault, path: prod/shop/payments}, {provider: azure-keyvault, path: shop-search}.`);
	}

	#table(): void {
		const rows = [
			['what', 'pod', 'store', 'Secret', 'keys', 'latency'],
			...this.#rows.map(({ what, pod, store, secret, keys, latencyMs, told }) => [
				what,
				pod,
				store,
				secret,
				keys?.join(' ') ?? `(${told})`,
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
