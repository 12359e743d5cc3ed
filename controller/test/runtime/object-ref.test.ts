// A key names one object, and nothing else.
import test from 'ava';
import { keyOf, refOf } from '../../src/runtime/object-ref.ts';

test('a reference survives the conversion to a key and back', t => {
	const ref = { namespace: 'team-a', name: 'db.credentials' };
	t.is(keyOf(ref), 'team-a/db.credentials');
	t.deepEqual(refOf(keyOf(ref)), ref);
});
