// Rules for the pages of docs/decisions: their numbers are 1, 2, 3 … and the index lists each by its title. Pure.

export type DecisionPage = { readonly file: string; readonly text: string };

/** What is wrong with the pages and their index, one sentence each. */
export function decisionErrors(pages: readonly DecisionPage[], index: string): string[] {
	const lines = new Set(index.split('\n'));
	const sorted = [...pages].sort((a, b) => (a.file < b.file ? -1 : 1));
	return sorted.flatMap(({ file, text }, at) => {
		const number = at + 1;
		const name = `${String(number).padStart(4, '0')}-`;
		const heading = text.split('\n')[0] ?? '';
		const line = `- [${heading.replace(/^# /, '')}](${file})`;
		return [
			...(file.startsWith(name)
				? []
				: [`${file}: the next number is ${name}: numbers are unique, without gaps`]),
			...(heading.startsWith(`# ${number}. `)
				? []
				: [`${file}: the first line must begin with "# ${number}. "`]),
			...(lines.has(line) ? [] : [`docs/decisions/README.md: add the line ${line}`]),
		];
	});
}
