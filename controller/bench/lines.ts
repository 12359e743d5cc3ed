// The lines that a process prints, as they come.
import type { ChildProcess } from 'node:child_process';
import { createInterface } from 'node:readline';

export class Lines {
	readonly first: Promise<Record<string, unknown>>;
	firstAt = 0;
	readonly #waiters = new Set<{ readonly text: string; readonly resolve: (at: number) => void }>();

	constructor(child: ChildProcess) {
		const { promise, resolve, reject } = Promise.withResolvers<Record<string, unknown>>();
		this.first = promise;
		promise.catch(() => {});
		child.once('exit', (code, signal) => reject(new Error(`it ended at once (${code ?? signal})`)));
		createInterface({ input: child.stdout! }).on('line', line => {
			const at = performance.now();
			if (this.firstAt === 0) {
				this.firstAt = at;
				resolve(JSON.parse(line));
			}

			if (line.includes('"level":"fatal"')) {
				process.stderr.write(`${line}\n`);
			}

			for (const waiter of this.#waiters) {
				if (line.includes(waiter.text)) {
					this.#waiters.delete(waiter);
					waiter.resolve(at);
				}
			}
		});
	}

	next(text: string): Promise<number> {
		return new Promise(resolve => this.#waiters.add({ text, resolve }));
	}
}
