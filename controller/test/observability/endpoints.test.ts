// The endpoints that kubelet and Prometheus ask.
import test from 'ava';
import { startEndpoints } from '../../src/observability/endpoints.ts';

const metrics = async () => ({ text: 'jasm_leader 1\n', contentType: 'text/plain; version=0.0.4' });
const base = { healthAddress: '127.0.0.1:0', metricsAddress: '127.0.0.1:0', metrics };

test('probes answer 200 while nothing is wrong, and 503 with the reasons otherwise', async t => {
	const reasons: string[] = [];
	const endpoints = await startEndpoints({ ...base, live: () => [], ready: () => reasons });
	t.teardown(() => endpoints.close());
	const get = (path: string) => fetch(`http://127.0.0.1:${endpoints.healthPort}${path}`);
	t.is((await get('/readyz')).status, 200);
	reasons.push('the watch of pods is not synced');
	const refused = await get('/readyz');
	t.is(refused.status, 503);
	t.is(await refused.text(), 'the watch of pods is not synced\n');
	for (const path of ['/livez', '/healthz', '/healthz?verbose']) {
		t.is((await get(path)).status, 200, path);
	}
});

test('metrics are served on their own port, and nothing else on either', async t => {
	const endpoints = await startEndpoints({ ...base, live: () => [], ready: () => [] });
	t.teardown(() => endpoints.close());
	const answer = await fetch(`http://127.0.0.1:${endpoints.metricsPort}/metrics`);
	t.is(await answer.text(), 'jasm_leader 1\n');
	t.is(answer.headers.get('content-type'), 'text/plain; version=0.0.4');
	for (const [port, path] of [
		[endpoints.healthPort, '/metrics'],
		[endpoints.metricsPort, '/readyz'],
		[endpoints.metricsPort, '/__proto__'],
	]) {
		t.is((await fetch(`http://127.0.0.1:${port}${path}`)).status, 404, `${path}`);
	}

	t.is((await fetch(`http://127.0.0.1:${endpoints.healthPort}/livez`, { method: 'POST' })).status, 404);
});

test('an address that is taken is a coded error', async t => {
	const endpoints = await startEndpoints({ ...base, live: () => [], ready: () => [] });
	t.teardown(() => endpoints.close());
	const taken = `127.0.0.1:${endpoints.healthPort}`;
	await t.throwsAsync(startEndpoints({ ...base, healthAddress: taken, live: () => [], ready: () => [] }), {
		code: 'ADDRESS_UNAVAILABLE',
		message: `listening for health on ${taken} (--health-probe-bind-address): another process listens there`,
	});
});

test('the address 0 switches a listener off', async t => {
	const endpoints = await startEndpoints({ ...base, metricsAddress: '0', live: () => [], ready: () => [] });
	t.teardown(() => endpoints.close());
	t.is(endpoints.metricsPort, undefined);
});
