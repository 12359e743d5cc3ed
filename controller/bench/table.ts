// Prints figures as one Markdown table: a row per quantity, for each cluster JASM, the floor and their ratio.
import { type Figure, judgedValue, type Statistics, statisticsOf } from './figure.ts';

export function table(figures: readonly Figure[]): string {
	const clusters = [...new Set(figures.flatMap(({ cluster }) => cluster ?? []))];
	const head = ['', 'what', 'budget', ...clusters.flatMap(title => [`JASM, ${title}`, 'floor', 'ratio'])];
	const rows = [...groups(figures)].map(group => {
		const { id, what, budget } = group[0]!;
		return [
			id,
			what,
			budget === undefined ? '' : `≤ ${withUnit(budget, group[0]!)}`,
			...clusters.flatMap(title => cells(group.filter(({ cluster }) => cluster === title))),
		];
	});
	const line = (cells: readonly string[]) => `| ${cells.join(' | ')} |`;
	return [line(head), line(head.map(() => '---')), ...rows.map(line)].join('\n');
}

/** Notes of the figures, once each. */
export function notes(figures: readonly Figure[]): string {
	const lines = figures.flatMap(({ id, what, subject, note, cluster }) =>
		note === undefined ? [] : [`- ${id}, ${what}, ${subject} on ${cluster}: ${note}`],
	);
	return [...new Set(lines)].join('\n');
}

/** What of the budget does not hold, a line each. */
export function misses(figures: readonly Figure[]): string[] {
	return figures
		.filter(figure => isMet(figure) === false)
		.map(
			figure =>
				`${figure.id} ${figure.what} (${figure.cluster}): ${withUnit(judgedValue(figure)!, figure)}, budget ${withUnit(figure.budget!, figure)}`,
		);
}

/** Undefined where there is no budget, nothing was measured, or it is the floor's. */
export function isMet(figure: Figure): boolean | undefined {
	const value = judgedValue(figure);
	return figure.subject !== 'controller' || figure.budget === undefined || value === undefined
		? undefined
		: value <= figure.budget;
}

function groups(figures: readonly Figure[]): Iterable<Figure[]> {
	const byQuantity = new Map<string, Figure[]>();
	for (const figure of figures) {
		const key = `${figure.id} ${figure.what}`;
		byQuantity.set(key, [...(byQuantity.get(key) ?? []), figure]);
	}

	return byQuantity.values();
}

function cells(figures: readonly Figure[]): string[] {
	const controller = figures.find(({ subject }) => subject === 'controller');
	const other = figures.find(({ subject }) => subject !== 'controller');
	const values = [controller, other].map(figure => figure && judgedValue(figure));
	const [ours, theirs] = values;
	const ratio =
		ours !== undefined && theirs !== undefined && theirs > 0 ? `${(ours / theirs).toFixed(1)}×` : '';
	const name = other?.subject === 'informer' ? ' (informer)' : '';
	return [cell(controller, true), cell(other, false) + name, ratio];
}

function cell(figure: Figure | undefined, judged: boolean): string {
	if (figure === undefined) {
		return '';
	}

	if (figure.samples.length === 0) {
		return `not measured: ${figure.note}`;
	}

	const met = judged ? isMet(figure) : undefined;
	const mark = met === undefined ? '' : met ? ' ✓' : ' **missed**';
	return `${withUnit(judgedValue(figure)!, figure)}${mark}${spread(figure, statisticsOf(figure.samples))}`;
}

/** What the one number hides: how many there were and how far apart. */
function spread({ judged, unit }: Figure, { n, min, median, p99, max }: Statistics): string {
	if (n === 1 || min === max) {
		return '';
	}

	const other =
		judged === 'median'
			? `p99 ${number(p99, unit)}`
			: `p50 ${number(median, unit)}, worst ${number(max, unit)}`;
	return ` <sub>${other}, n ${n}</sub>`;
}

const withUnit = (value: number, { unit }: Pick<Figure, 'unit'>): string =>
	unit === '' ? number(value, unit) : `${number(value, unit)} ${unit}`;

function number(value: number, unit: Figure['unit']): string {
	if (unit === '' || unit === 'kB') {
		return value.toFixed(0);
	}

	return unit === '%' || value < 10 ? value.toFixed(value < 1 ? 2 : 1) : value.toFixed(0);
}
