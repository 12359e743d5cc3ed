// A refusal is believed once the API server has had the time to read its rules.
import test from 'ava';
import { ServerReturn } from '../../src/kubernetes/server-return.ts';

test('a server counts as just back for ten seconds after the last request that it did not answer', t => {
	let now = 0;
	const serverReturn = new ServerReturn({ monotonic: () => now });
	t.false(serverReturn.isRecent());
	serverReturn.unanswered();
	now = 4_000;
	serverReturn.unanswered();
	now = 13_999;
	t.true(serverReturn.isRecent());
	now = 14_000;
	t.false(serverReturn.isRecent());
});
