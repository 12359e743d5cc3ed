// Compares the pages of docs/decisions with their numbers and their index.
import { readdirSync, readFileSync } from 'node:fs';
import { decisionErrors } from './decisions.ts';

const INDEX = 'README.md';
const folder = `${import.meta.dirname}/../docs/decisions`;
const read = (file: string) => readFileSync(`${folder}/${file}`, 'utf8');
const pages = readdirSync(folder).filter(file => file.endsWith('.md') && file !== INDEX);

const errors = decisionErrors(
	pages.map(file => ({ file, text: read(file) })),
	read(INDEX),
);
if (errors.length > 0) {
	process.stderr.write(`${errors.join('\n')}\n`);
	process.exitCode = 1;
}
