// Runs scenarios one after the other and ends with a table of what was seen.

/** What one scenario answers: a figure or a fact for the table. */
export type Figure = string;

type Row = {
	readonly scenario: string;
	readonly expectation: string;
	readonly figure: string;
	readonly ok: boolean;
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

	/** Runs one scenario. It fails where `act` throws; the ones after it run all the same. */
	async scenario(scenario: string, expectation: string, act: () => Promise<Figure>): Promise<boolean> {
		const began = Date.now();
		let row: Row;
		try {
			row = { scenario, expectation, figure: await act(), ok: true };
		} catch (error) {
			const message = (error as Error).message ?? String(error);
			this.#say(`    ${message.split('\n').join('\n    ')}`);
			row = { scenario, expectation, figure: `FAILED: ${message.split('\n')[0]?.slice(0, 160)}`, ok: false };
			await this.#failed();
		}
		this.#rows.push(row);
		const took = ((Date.now() - began) / 1000).toFixed(1);
		this.#say(`${row.ok ? 'ok  ' : 'FAIL'} ${scenario} (${took} s): ${row.figure}`);
		return row.ok;
	}

	/** Names a promise that this machine cannot show, and why. */
	cannotShow(scenario: string, why: string): void {
		this.#say(`--   ${scenario}: not shown here: ${why}`);
		this.#rows.push({ scenario, expectation: 'not shown here', figure: why, ok: true });
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
		return [
			line(head),
			...this.#rows.map(line),
			'',
			`${shown.length - failures} passed, ${failures} failed`,
		].join('\n');
	}
}

/** The middle and the 99th of a hundred, in milliseconds, as `p50 12 ms, p99 40 ms`. */
export function percentiles(values: readonly number[]): { p50: number; p99: number; text: string } {
	const sorted = [...values].sort((a, b) => a - b);
	const at = (share: number) =>
		sorted[Math.min(sorted.length - 1, Math.ceil(share * sorted.length) - 1)] ?? Number.NaN;
	const [p50, p99] = [at(0.5), at(0.99)];
	return { p50, p99, text: `p50 ${Math.round(p50)} ms, p99 ${Math.round(p99)} ms` };
}
