// The wire of the embedded Secrets Manager: JSON 1.1 of the service, form and XML of STS.
import type { IncomingMessage, ServerResponse } from 'node:http';
import type { TransportFault } from '../shared/fault-plan.ts';
import { sendBody } from '../shared/faulty-body.ts';
import type { AwsFault } from './fault.ts';
import type { Input } from './secrets-manager-store.ts';
import { errorXml } from './sts.ts';

export type WireRequest = {
	readonly operation: string;
	readonly input: Input;
	/** Of a request to STS. */
	readonly form?: URLSearchParams;
	/** From the signature, which is not verified. */
	readonly region?: string;
	readonly accessKeyId?: string;
};

export type WireAnswer = { readonly status: number; readonly type: string; readonly body: string };

const CREDENTIAL = /\bCredential=(?<accessKeyId>[^/]+)\/\d+\/(?<region>[^/]+)\//;

export async function readRequest(request: IncomingMessage): Promise<WireRequest> {
	const chunks: Buffer[] = [];
	for await (const chunk of request) {
		chunks.push(chunk);
	}

	const body = Buffer.concat(chunks).toString();
	const signer = CREDENTIAL.exec(request.headers.authorization ?? '')?.groups ?? {};
	const target = String(request.headers['x-amz-target'] ?? '');
	if (target === '') {
		const form = new URLSearchParams(body);
		return { ...signer, operation: form.get('Action') ?? '', input: {}, form };
	}

	return { ...signer, operation: target.replace(/^secretsmanager\./, ''), input: JSON.parse(body) };
}

export const jsonAnswer = (content: object): WireAnswer => ({
	status: 200,
	type: 'application/x-amz-json-1.1',
	body: JSON.stringify(content),
});

export const xmlAnswer = (body: string): WireAnswer => ({ status: 200, type: 'text/xml', body });

/** A refusal in the language of the service that was asked. */
export function refusalAnswer(fault: AwsFault, form: boolean, requestId: string): WireAnswer {
	return form
		? { status: fault.status, type: 'text/xml', body: errorXml(fault, requestId) }
		: {
				status: fault.status,
				type: 'application/x-amz-json-1.1',
				// The services do spell the message both ways.
				body: JSON.stringify({ __type: fault.type, Message: fault.message, message: fault.message }),
			};
}

export const htmlAnswer = (status: number): WireAnswer => ({
	status,
	type: 'text/html',
	body: `<html><body><h1>${status} from a proxy</h1></body></html>`,
});

export type SendOptions = {
	readonly requestId: string;
	readonly fault?: TransportFault | undefined;
};

export function send(response: ServerResponse, answer: WireAnswer, { requestId, fault }: SendOptions): void {
	const { status, type, body } = answer;
	const headers = { 'content-type': type, 'x-amzn-requestid': requestId };
	sendBody(response, { status, headers, body, fault });
}
