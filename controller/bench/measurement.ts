// One measured figure: what it is, what the budget says, and the samples it was read from.
import type { ProcessUnderTest } from './process-under-test.ts';

/** What is measured, of whichever process on whichever cluster. */
export type Quantity = {
	readonly what: string;
	readonly unit: 'ms' | 's' | 'MB' | 'kB' | '%' | 'µs' | '×' | '';
	/** The most that is allowed, in that unit. */
	readonly budget?: number;
	/** The number that the budget is about and that the table shows. */
	readonly judged: 'median' | 'p99' | 'max';
};

export type Measurement = Quantity & {
	/** Title of the cluster; none for what needs no cluster. */
	readonly cluster?: string;
	readonly processUnderTest: ProcessUnderTest | 'informer';
	/** Empty: not measured, and `note` says why. */
	readonly samples: readonly number[];
	readonly note?: string;
};

export type Statistics = {
	readonly n: number;
	readonly min: number;
	readonly median: number;
	readonly p99: number;
	readonly max: number;
};

export function statisticsOf(samples: readonly number[]): Statistics {
	const sorted = [...samples].sort((a, b) => a - b);
	const at = (share: number) => sorted[Math.min(sorted.length - 1, Math.ceil(share * sorted.length) - 1)]!;
	return {
		n: sorted.length,
		min: sorted[0]!,
		median: at(0.5),
		p99: at(0.99),
		max: sorted.at(-1)!,
	};
}

/** The number that counts; undefined where nothing was measured. */
export const judgedValue = ({ samples, judged }: Measurement): number | undefined =>
	samples.length === 0 ? undefined : statisticsOf(samples)[judged];
