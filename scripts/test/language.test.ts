// The relapses that `pnpm check` finds, and the sentences that it must leave alone.
import test from 'ava';
import { findRelapses } from '../language.ts';

const relapses = {
	'an indefinite person': '// Nobody reads it, and whoever waits is served.',
	'an old word for "again"': '	/** Signs in anew. */',
	'an old word for "sustained"': 'Reads a second of one namespace, lastingly.',
	'a cause that is left open': '// The lease ends of its own accord.',
	'an old form of "by default"': '// Ten, unless told otherwise.',
	'a clause as the subject of a title': "test('what is missing is reported as missing', async t => {",
	'a person as the subject of a title': "test.serial('who asks late shares the flight', t => {",
	'a negated clause as the subject of a comment': '/** What is not parsed goes on as it is. */',
	'a negated clause as the subject of a second sentence': '// Pure. What cannot be read is refused.',
	'a person as the subject of a sentence': 'A limit holds. Who was refused comes back.',
	'a case number before a title': "test('F24: a reset connection fails its requests', async t => {",
	'a case number of a store before a title': "test('S3: a second account is refused', async t => {",
	'case numbers before a comment': '// B1, B2 and B7: ten thousand pods.',
	'a case number in parentheses': '- the newest pod wins (K1)',
	'a number of a gap': '// Closes gap 4.',
};

for (const [what, line] of Object.entries(relapses)) {
	test(`${what} is found`, t => {
		t.deepEqual(
			findRelapses(`// A plain line.\n${line}\n`).map(finding => [finding.line, finding.text]),
			[[2, line.trim()]],
		);
	});
}

const plain = {
	'a question': '## Who is the owner of a Secret?',
	'a noun phrase that begins with what': '/** What is wrong with a pattern, or undefined. */',
	'a noun phrase that begins with who':
		"described(z.array(z.unknown()), 'Who may read what. Empty: nothing is read.')",
	'a relative clause': '// A pod that waits asks who is next, and what is not ready stays.',
	'the name of a store': '// S3 serves two documents; the bucket is public.',
	'a word that contains another': '// The Danews agency.',
};

for (const [what, line] of Object.entries(plain)) {
	test(`${what} is left alone`, t => {
		t.deepEqual(findRelapses(line), []);
	});
}
