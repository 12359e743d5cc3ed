// How the Key Vault client reaches the network: our own bounded HTTPS, no proxies, no compressed answers.
import { createHttpHeaders, type HttpClient } from '@azure/core-rest-pipeline';
import { jsonOf } from './azure-errors.ts';
import { ProviderFailure } from './failure.ts';
import type { HttpAnswer, HttpsCaller } from './https-call.ts';

/** Carries requests without a body or with a text: the client sends no others. */
export function azureTransport(caller: HttpsCaller): HttpClient {
	return {
		async sendRequest(request) {
			// Decompressing is unbounded, and secrets are small.
			const { 'accept-encoding': _, ...headers } = request.headers.toJSON();
			const answer = await caller.call(
				{
					url: new URL(request.url),
					method: request.method,
					headers,
					body: typeof request.body === 'string' ? request.body : undefined,
				},
				(request.abortSignal as AbortSignal | undefined) ?? NEVER,
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
				headers: createHttpHeaders(single(answer)),
				// A refusal that is no JSON object is none of Key Vault's: the client would stumble over it.
				bodyAsText: accepted ? answer.body.toString() : JSON.stringify(json),
			};
		},
	};
}

/** What is no secret the client would quote in its error, or take apart as if it were one. */
const isBundle = ({ id, value }: Readonly<Record<string, unknown>>): boolean =>
	typeof id === 'string' && URL.canParse(id) && (value === undefined || typeof value === 'string');

const NEVER = new AbortController().signal;

const single = ({ headers }: HttpAnswer): Record<string, string> =>
	Object.fromEntries(Object.entries(headers).map(([name, value]) => [name, [value].flat().join(', ')]));
