// What credentials promise: a token that is fresh enough, read once for all, and never lost to a failed read.
import { rmSync } from 'node:fs';
import test, { type ExecutionContext } from 'ava';
import { AuthorizationCache, serviceAccountCredentials } from '../../../src/kubernetes/auth/credentials.ts';
import { VirtualClock } from '../../helpers/clocks/virtual-clock.ts';
import { folder } from '../../helpers/environment/folder.ts';

function mounted(t: ExecutionContext) {
	const { write } = folder(t);
	const clock = new VirtualClock();
	const tokenFile = write('token', 'one\n');
	const caFile = write('ca.crt', 'a certificate');
	return { clock, write, tokenFile, credentials: serviceAccountCredentials({ tokenFile, caFile, clock }) };
}

test('the token is trimmed and kept for fifty seconds, so that none is used after a minute', async t => {
	const { clock, write, credentials } = mounted(t);
	t.is(await credentials.authorization(), 'Bearer one');
	write('token', ' two \n');
	await clock.advance(49_999);
	t.is(await credentials.authorization(), 'Bearer one');
	await clock.advance(1);
	t.is(await credentials.authorization(), 'Bearer two');
});

test('a refused token is read again at once', async t => {
	const { write, credentials } = mounted(t);
	await credentials.authorization();
	write('token', 'two');
	credentials.invalidate();
	t.is(await credentials.authorization(), 'Bearer two');
});

test('a read that fails leaves the token that was there, and is tried again', async t => {
	const { clock, write, tokenFile, credentials } = mounted(t);
	await credentials.authorization();
	rmSync(tokenFile);
	await clock.advance(60_000);
	t.is(await credentials.authorization(), 'Bearer one');
	write('token', '');
	credentials.invalidate();
	t.is(await credentials.authorization(), 'Bearer one', 'an empty file is no token');
	write('token', 'two');
	t.is(await credentials.authorization(), 'Bearer two');
});

test('a token that never could be read is a fault that names the file and nothing of its content', async t => {
	const { tokenFile, credentials } = mounted(t);
	rmSync(tokenFile);
	await t.throwsAsync(credentials.authorization(), {
		code: 'configuration',
		message: `reading "${tokenFile}": ENOENT`,
	});
});

test('many that ask at once cause one read, which may be slow', async t => {
	let reads = 0;
	const { promise, resolve } = Promise.withResolvers<string>();
	const cache = new AuthorizationCache({
		clock: new VirtualClock(),
		read: () => {
			reads++;
			return promise;
		},
	});
	const all = Promise.all([cache.get(), cache.get(), cache.get()]);
	resolve('Bearer x');
	t.deepEqual(await all, Array(3).fill('Bearer x'));
	t.is(reads, 1);
});

test('an authority is read for every connection, and missing it is a fault', async t => {
	const { write, credentials } = mounted(t);
	t.deepEqual(await credentials.tls(), { ca: 'a certificate' });
	write('ca.crt', 'another');
	t.deepEqual(await credentials.tls(), { ca: 'another' });
	rmSync(write('ca.crt', ''));
	await t.throwsAsync(credentials.tls(), { code: 'configuration', message: /ca\.crt": ENOENT$/ });
});
