// Runs scenarios one after the other and ends with a table of what was seen.

/**
 * What one scenario returns for the table. Times depend on the machine as well, so a scenario over its budget is marked
 * and does not fail. A scenario fails only if a promise is broken that holds at any speed.
 */
export type Figure = string | { readonly seen: string; readonly overBudget: boolean };

type Row = {
	readonly scenario: string;
	readonly expectation: string;
	readonly figure: string;
	readonly ok: boolean;
	readonly overBudget: boolean;
};

export class Report {
	readonly #say: (line: string) => void;
	readonly #rows: Row[] = [];
	readonly #failed: () => Promise<void>;

	/** `failed` runs at once after a scenario failed, while the evidence is still there. */
	constructor({ say, failed }: { say: (line: string) => void; failed: () => Promise<void> }) {
		this.#say = say;
		this.#failed = failed;
	}

	/** Runs one scenario. It fails if `act` throws; later scenarios run in any case. */
	async scenario(scenario: string, expectation: string, act: () => Promise<Figure>): Promise<boolean> {
		const began = Date.now();
		let row: Row;
		try {
			const figure = await act();
			const { seen, overBudget } = typeof figure === 'string' ? { seen: figure, overBudget: false } : figure;
			row = {
				scenario,
				expectation,
				figure: `${overBudget ? 'OVER BUDGET: ' : ''}${seen}`,
				ok: true,
				overBudget,
			};
		} catch (error) {
			const message = (error as Error).message ?? String(error);
			this.#say(`    ${message.split('\n').join('\n    ')}`);
			const figure = `FAILED: ${message.split('\n')[0]?.slice(0, 160)}`;
			row = { scenario, expectation, figure, ok: false, overBudget: false };
			await this.#failed();
		}
		this.#rows.push(row);
		const took = ((Date.now() - began) / 1000).toFixed(1);
		this.#say(`${row.ok ? 'ok  ' : 'FAIL'} ${scenario} (${took} s): ${row.figure}`);
		return row.ok;
	}

	/** Names a promise that cannot be shown on this machine, and the reason. */
	cannotShow(scenario: string, why: string): void {
		this.#say(`--   ${scenario}: not shown here: ${why}`);
		this.#rows.push({ scenario, expectation: 'not shown here', figure: why, ok: true, overBudget: false });
	}

	get passed(): boolean {
		return this.#rows.every(({ ok }) => ok);
	}

	/** The last lines of a run. */
	table(): string {
		const shown = this.#rows.filter(({ expectation }) => expectation !== 'not shown here');
		const head = { scenario: 'scenario', expectation: 'expectation', figure: 'seen' };
		const width = (column: 'scenario' | 'expectation') =>
			Math.max(...[head, ...this.#rows].map(row => row[column].length));
		const line = (row: typeof head) =>
			`${row.scenario.padEnd(width('scenario'))}  ${row.expectation.padEnd(width('expectation'))}  ${row.figure}`;
		const failures = shown.filter(({ ok }) => !ok).length;
		const slow = shown.filter(({ overBudget }) => overBudget).map(({ scenario }) => scenario);
		return [
			line(head),
			...this.#rows.map(line),
			'',
			`over their budget: ${slow.length === 0 ? 'none' : slow.join(', ')}`,
			`${shown.length - failures} passed, ${failures} failed`,
		].join('\n');
	}
}

/** Milliseconds with their budget. */
export function within(ms: number, budgetMs: number, rest = ''): Figure {
	const seen = `${(ms / 1000).toFixed(1)} s (budget ${budgetMs / 1000} s)${rest}`;
	return { seen, overBudget: ms > budgetMs };
}

/** The middle and the 99th of a hundred, in milliseconds, as `p50 12 ms, p99 40 ms`. */
export function percentiles(values: readonly number[]): { p50: number; p99: number; text: string } {
	const sorted = [...values].sort((a, b) => a - b);
	const at = (share: number) =>
		sorted[Math.min(sorted.length - 1, Math.ceil(share * sorted.length) - 1)] ?? Number.NaN;
	const [p50, p99] = [at(0.5), at(0.99)];
	return { p50, p99, text: `p50 ${Math.round(p50)} ms, p99 ${Math.round(p99)} ms` };
}
