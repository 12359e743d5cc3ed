// Prints figures as one Markdown table: a row per quantity, for each cluster JASM, the floor and their ratio.
import { judgedValue, type Measurement, type Statistics, statisticsOf } from './measurement.ts';

export function table(measurements: readonly Measurement[]): string {
	const clusters = [...new Set(measurements.flatMap(({ cluster }) => cluster ?? []))];
	const head = ['what', 'budget', ...clusters.flatMap(title => [`JASM, ${title}`, 'floor', 'ratio'])];
	const rows = [...groups(measurements)].map(group => {
		const { what, budget } = group[0]!;
		return [
			what,
			budget === undefined ? '' : `≤ ${withUnit(budget, group[0]!)}`,
			...clusters.flatMap(title => cells(group.filter(({ cluster }) => cluster === title))),
		];
	});
	const line = (cells: readonly string[]) => `| ${cells.join(' | ')} |`;
	return [line(head), line(head.map(() => '---')), ...rows.map(line)].join('\n');
}

/** Notes of the figures, once each. */
export function notes(measurements: readonly Measurement[]): string {
	const lines = measurements.flatMap(({ what, processUnderTest, note, cluster }) =>
		note === undefined ? [] : [`- ${what}, ${processUnderTest} on ${cluster}: ${note}`],
	);
	return [...new Set(lines)].join('\n');
}

/** What of the budget does not hold, a line each. */
export function misses(measurements: readonly Measurement[]): string[] {
	return measurements
		.filter(measurement => isMet(measurement) === false)
		.map(
			measurement =>
				`${measurement.what} (${measurement.cluster}): ${withUnit(judgedValue(measurement)!, measurement)}, budget ${withUnit(measurement.budget!, measurement)}`,
		);
}

/** Undefined where there is no budget, nothing was measured, or it is the floor's. */
export function isMet(measurement: Measurement): boolean | undefined {
	const value = judgedValue(measurement);
	return measurement.processUnderTest !== 'controller' ||
		measurement.budget === undefined ||
		value === undefined
		? undefined
		: value <= measurement.budget;
}

function groups(measurements: readonly Measurement[]): Iterable<Measurement[]> {
	const byQuantity = new Map<string, Measurement[]>();
	for (const measurement of measurements) {
		const key = measurement.what;
		byQuantity.set(key, [...(byQuantity.get(key) ?? []), measurement]);
	}

	return byQuantity.values();
}

function cells(measurements: readonly Measurement[]): string[] {
	const controller = measurements.find(({ processUnderTest }) => processUnderTest === 'controller');
	const other = measurements.find(({ processUnderTest }) => processUnderTest !== 'controller');
	const values = [controller, other].map(measurement => measurement && judgedValue(measurement));
	const [ours, theirs] = values;
	const ratio =
		ours !== undefined && theirs !== undefined && theirs > 0 ? `${(ours / theirs).toFixed(1)}×` : '';
	const name = other?.processUnderTest === 'informer' ? ' (informer)' : '';
	return [cell(controller, true), cell(other, false) + name, ratio];
}

function cell(measurement: Measurement | undefined, judged: boolean): string {
	if (measurement === undefined) {
		return '';
	}

	if (measurement.samples.length === 0) {
		return `not measured: ${measurement.note}`;
	}

	const met = judged ? isMet(measurement) : undefined;
	const mark = met === undefined ? '' : met ? ' ✓' : ' **missed**';
	return `${withUnit(judgedValue(measurement)!, measurement)}${mark}${spread(measurement, statisticsOf(measurement.samples))}`;
}

/** What the one number hides: how many there were and how far apart. */
function spread({ judged, unit }: Measurement, { n, min, median, p99, max }: Statistics): string {
	if (n === 1 || min === max) {
		return '';
	}

	const other =
		judged === 'median'
			? `p99 ${number(p99, unit)}`
			: `p50 ${number(median, unit)}, worst ${number(max, unit)}`;
	return ` <sub>${other}, n ${n}</sub>`;
}

const withUnit = (value: number, { unit }: Pick<Measurement, 'unit'>): string =>
	unit === '' ? number(value, unit) : `${number(value, unit)} ${unit}`;

function number(value: number, unit: Measurement['unit']): string {
	if (unit === '' || unit === 'kB') {
		return value.toFixed(0);
	}

	if (unit === '×') {
		return value.toFixed(2);
	}

	return unit === '%' || value < 10 ? value.toFixed(value < 1 ? 2 : 1) : value.toFixed(0);
}
