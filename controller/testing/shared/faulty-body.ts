// How the embedded stores send a body, whole or with a fault of the wire.
import type { OutgoingHttpHeaders, ServerResponse } from 'node:http';
import { gzipSync } from 'node:zlib';
import type { TransportFault } from './fault-plan.ts';

const OVERSIZED_BYTES = 3 * 1_048_576;
const CHUNK = Buffer.alloc(65_536, 'x');

export type FaultyBody = {
	readonly status: number;
	readonly headers: OutgoingHttpHeaders;
	readonly body: string;
	readonly fault: TransportFault | undefined;
};

/** Sends head and body. `hang` and `reset` come before the head: they are not for this function. */
export function sendBody(response: ServerResponse, { status, headers, body, fault }: FaultyBody): void {
	const head = (length: number) => response.writeHead(status, { 'content-length': length, ...headers });
	switch (fault) {
		case 'oversized':
			head(OVERSIZED_BYTES).end(Buffer.alloc(OVERSIZED_BYTES, 'x'));
			return;
		case 'endless':
			response.writeHead(status, headers);
			flood(response);
			return;
		case 'compressed': {
			const bytes = gzipSync(body);
			response.writeHead(status, { ...headers, 'content-length': bytes.length, 'content-encoding': 'gzip' });
			response.end(bytes);
			return;
		}
		case 'stall':
		case 'truncate':
			head(Buffer.byteLength(body)).write(body.slice(0, body.length / 2), () => {
				if (fault === 'truncate') {
					response.destroy();
				}
			});
			return;
		default:
			head(Buffer.byteLength(body)).end(body);
	}
}

/** Writes until the other side hangs up. */
function flood(response: ServerResponse): void {
	const write = () => {
		while (!response.destroyed && response.write(CHUNK)) {}
	};
	response.on('drain', write);
	write();
}
