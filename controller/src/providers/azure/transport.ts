// How the Key Vault client reaches the network: our own bounded HTTPS, no proxies, no compressed answers.
import { createHttpHeaders, type HttpClient } from '@azure/core-rest-pipeline';
import type { Room } from '../provider.ts';
import { ProviderFailure } from '../shared/failure.ts';
import { type HttpsCaller, singleHeaders } from '../shared/https-client.ts';
import { jsonOf } from './errors.ts';

/** The client hands nothing through to its transport except the signal: the memory of a read is found by that. */
const rooms = new WeakMap<AbortSignal, Room>();

/** From here on requests with this signal ask the room before they keep an answer. */
export function countIn(room: Room, signal: AbortSignal): void {
	rooms.set(signal, room);
}

/** Carries requests without a body or with a text: the client sends no others. */
export function azureTransport(caller: HttpsCaller): HttpClient {
	return {
		async sendRequest(request) {
			// Decompressing is unbounded, and secrets are small.
			const { 'accept-encoding': _, ...headers } = request.headers.toJSON();
			const signal = (request.abortSignal as AbortSignal | undefined) ?? NEVER;
			const answer = await caller.call(
				{
					url: new URL(request.url),
					method: request.method,
					headers,
					body: typeof request.body === 'string' ? request.body : undefined,
					room: rooms.get(signal),
				},
				signal,
			);
			const json = jsonOf(answer.body);
			const accepted = answer.status >= 200 && answer.status < 300;
			if (accepted && !isBundle(json)) {
				throw new ProviderFailure('the answer is not one of Key Vault', {
					code: 'PROVIDER_UNAVAILABLE',
					details: { status: answer.status },
				});
			}

			return {
				request,
				status: answer.status,
				headers: createHttpHeaders(singleHeaders(answer.headers)),
				bodyAsText: accepted ? answer.body.toString() : JSON.stringify(codesIn(json)),
			};
		},
	};
}

/** The client would quote a body that is no secret in its error, or parse it as one. */
const isBundle = ({ id, value }: Readonly<Record<string, unknown>>): boolean =>
	typeof id === 'string' && URL.canParse(id) && (value === undefined || typeof value === 'string');

/**
 * The codes of a refusal, which are all that is looked at. The client would stumble over objects where texts belong,
 * and over a refusal that is none of Key Vault's.
 */
function codesIn(json: Readonly<Record<string, unknown>>): object {
	const { code, innererror } = Object(json['error']);
	const inner = Object(innererror).code;
	return {
		error: {
			...(typeof code === 'string' && { code }),
			...(typeof inner === 'string' && { innererror: { code: inner } }),
		},
	};
}

const NEVER = new AbortController().signal;
