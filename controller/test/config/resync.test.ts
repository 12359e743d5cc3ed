// The configuration of reads without a notice: off, or often enough to matter and rare enough to be no polling.
import test from 'ava';
import { readConfigFile } from '../../src/config/file.ts';

const changes = (text: string) =>
	readConfigFile({
		path: '/etc/jasm/config.yaml',
		env: {},
		extraProviders: [],
		readFile: () =>
			'providers: {v: {kind: vault, address: "https://vault.example", role: jasm}}\n' +
			`policy: [{namespaces: [a], provider: v, paths: [x]}]\nchanges: ${text}\n`,
	});

test('resyncHours needs no source, is 0 or at least 6, and without both changes would do nothing', t => {
	t.deepEqual(changes('{resyncHours: 6}').faults, []);
	t.like(changes('{resyncHours: 24}').content.changes, { sources: [], resyncHours: 24 });
	for (const hours of [1, 5]) {
		t.deepEqual(changes(`{resyncHours: ${hours}}`).faults, [
			'changes.resyncHours: must be 0 or at least 6: JASM polls no store',
		]);
	}

	t.regex(changes('{resyncHours: 721}').faults[0]!, /^changes\.resyncHours: must be at most 720/);
	t.deepEqual(changes('{minSeconds: 9}').faults, [
		'changes.sources: is required, or resyncHours: without both, JASM hears of no change',
	]);
});
