// Files that people replace while the process runs: read at start and again every few seconds.
import { readFile } from 'node:fs/promises';
import type { Clock, Timer } from '../../runtime/clock.ts';

export type FilesOptions = {
	readonly paths: readonly string[];
	readonly clock: Clock;
	/** Called after a file has another content than before. */
	readonly onChange: () => void;
};

const EVERY_MS = 5_000;
/** Certificates with their chain need a few thousand bytes. */
const MAX_BYTES = 262_144;

export class Files {
	readonly #options: FilesOptions;
	/** Undefined: the file cannot be read now. */
	readonly #contents = new Map<string, string | undefined>();
	#timer: Timer | undefined;
	#closed = false;

	constructor(options: FilesOptions) {
		this.#options = options;
	}

	/** Reads all of them, and from now on again every few seconds. */
	async start(): Promise<void> {
		await this.#read();
		this.#schedule();
	}

	/** Undefined where the file cannot be read. */
	contentOf(path: string): string | undefined {
		return this.#contents.get(path);
	}

	close(): void {
		this.#closed = true;
		this.#timer?.cancel();
	}

	#schedule(): void {
		if (!this.#closed) {
			this.#timer = this.#options.clock.schedule(EVERY_MS, async () => {
				if (await this.#read()) {
					this.#options.onChange();
				}

				this.#schedule();
			});
		}
	}

	async #read(): Promise<boolean> {
		const { paths } = this.#options;
		const contents = await Promise.all(paths.map(textOf));
		const changed = paths.filter((path, index) => this.#contents.get(path) !== contents[index]);
		for (const [index, path] of paths.entries()) {
			this.#contents.set(path, contents[index]);
		}

		return changed.length > 0 && !this.#closed;
	}
}

async function textOf(path: string): Promise<string | undefined> {
	try {
		const content = await readFile(path);
		return content.length <= MAX_BYTES ? content.toString() : undefined;
	} catch {
		return undefined;
	}
}
