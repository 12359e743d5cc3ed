// What writing promises of a Secret that does not stand: no success, no lost finalizer.
import test, { type ExecutionContext } from 'ava';
import type { JasmError } from '../../src/errors.ts';
import {
	again,
	first,
	foreign,
	liveOf,
	OURS,
	secret,
	selfHeal,
	stored,
	writeOnly,
} from './secret-fixtures.ts';

for (const profile of ['write-only', 'self-heal'] as const) {
	const writerOf = (t: ExecutionContext) => (profile === 'write-only' ? writeOnly(t) : selfHeal(t));

	test(`${profile}: a Secret that is being deleted is refused, keeps its finalizer, and is created once it is gone`, async t => {
		const { server, writer } = await writerOf(t);
		foreign(server, { labels: OURS, finalizers: ['example.com/keep'] });
		const { resourceVersion } = liveOf(server);
		server.delete('Secret', 'default', 'db');
		for (const hints of [first, again, { ...again, resourceVersion }]) {
			const error = await t.throwsAsync<JasmError>(writer.write(secret(), hints), {
				code: 'SECRET_BEING_DELETED',
				message: 'writing secret "default/db": it is being deleted, and a finalizer holds it',
			});
			t.is(error.reason, 'SecretBeingDeleted');
			t.is(error.retry, 'fast');
			t.deepEqual(stored(server).metadata.finalizers, ['example.com/keep']);
			t.deepEqual(stored(server)['data'], { theirs: 'eA==' });
		}

		server.update('Secret', 'default', 'db', ({ metadata }) => {
			delete metadata.finalizers;
		});
		t.like(await writer.write(secret(), { ...again, resourceVersion }), { verb: 'created' });
		t.deepEqual(stored(server)['data'], { password: 'aHVudGVyMg==' });
	});

	test(`${profile}: an answer with a deletion mark, or without the label, is no success`, async t => {
		const { server, writer } = await writerOf(t);
		const metadata = { name: 'db', namespace: 'default', resourceVersion: '7', labels: OURS };
		for (const [change, code] of [
			[{ deletionTimestamp: '2026-01-01T00:00:00Z' }, 'SECRET_BEING_DELETED'],
			[{ labels: {} }, 'SECRET_REJECTED'],
			[{ labels: { 'app.kubernetes.io/managed-by': 'Helm' } }, 'SECRET_REJECTED'],
		] as const) {
			const body = { kind: 'PartialObjectMetadata', metadata: { ...metadata, ...change } };
			server.faults.inject(
				{ verb: 'create', resource: 'secrets' },
				{ answer: { status: 201, body: JSON.stringify(body) } },
			);
			await t.throwsAsync<JasmError>(writer.write(secret(), first), { code });
		}
	});
}
