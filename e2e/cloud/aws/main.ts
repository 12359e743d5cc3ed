// The gate to AWS as a process, so that a busy run does not slow AWS down: `node main.ts EMULATOR`.
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { ACCOUNT, REGION } from '../moto.ts';
import { AwsGate, type Fault } from './gate.ts';

const [emulator = ''] = process.argv.slice(2);
const gate = new AwsGate({ emulator, account: ACCOUNT, region: REGION });

/** Orders of the run to the gate: a fault, a latency, to drop every connection. */
export type GateOrder = {
	readonly fault?: Fault | null;
	readonly latencyMs?: number;
	readonly drop?: boolean;
};

const control = createServer(async (request, response) => {
	let body = '';
	for await (const chunk of request.setEncoding('utf8')) body += chunk;
	if (request.method === 'PUT') {
		const order = JSON.parse(body) as GateOrder;
		if (order.fault !== undefined) gate.fault = order.fault ?? undefined;
		if (order.latencyMs !== undefined) gate.latencyMs = order.latencyMs;
		if (order.drop === true) gate.dropConnections();
		return response.end();
	}
	const from = Number(new URL(request.url ?? '/', 'http://gate').searchParams.get('from') ?? 0);
	response.end(JSON.stringify({ count: gate.calls.length, calls: gate.calls.slice(from) }));
});
control.listen(0, '127.0.0.1', async () => {
	const port = await gate.listen();
	process.stdout.write(`ports ${port} ${(control.address() as AddressInfo).port}\n`);
});
