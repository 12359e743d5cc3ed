// What a controller logged, line by line, to assert on and to wait for.
import { eventually } from '../clocks/eventually.ts';

/** One line of the log, parsed. */
export type LogLine = {
	readonly level: string;
	readonly message?: string;
	readonly error?: { readonly code?: string; readonly message?: string; readonly details?: object };
	readonly [field: string]: unknown;
};

/** Fields that a line must have; errors are compared by their code. */
export type LogMatch = Readonly<Record<string, unknown>> & { readonly code?: string };

export class LogSink {
	/** Every line as it was written. */
	readonly text: string[] = [];
	readonly lines: LogLine[] = [];
	readonly #listeners = new Set<() => void>();

	/** Takes one line, or several; for pino and for the output of a process. */
	write(chunk: string): void {
		for (const line of chunk.split('\n').filter(text => text !== '')) {
			this.text.push(line);
			this.lines.push(line.startsWith('{') ? JSON.parse(line) : { level: 'none', message: line });
		}

		for (const listener of [...this.#listeners]) {
			listener();
		}
	}

	filter(match: LogMatch): LogLine[] {
		return this.lines.filter(line => matches(line, match));
	}

	count(match: LogMatch): number {
		return this.filter(match).length;
	}

	/** The `nth` line (from 1) that matches, past or future. */
	waitFor(match: LogMatch, nth = 1): Promise<LogLine> {
		return eventually(this.subscribe, () => this.filter(match)[nth - 1], {
			what: `line ${nth} of the log with ${JSON.stringify(match)}`,
			seen: () => this.text.slice(-12),
		});
	}

	readonly subscribe = (listener: () => void) => {
		this.#listeners.add(listener);
		return () => void this.#listeners.delete(listener);
	};
}

function matches(line: LogLine, { code, ...fields }: LogMatch): boolean {
	return (
		(code === undefined || line.error?.code === code) &&
		Object.entries(fields).every(([name, value]) => line[name] === value)
	);
}
