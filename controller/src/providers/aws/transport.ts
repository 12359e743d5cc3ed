// How the AWS SDK reaches the network: by the client that all kinds share, and so with its proxy and authorities.
import { HttpResponse } from '@smithy/core/protocols';
import type { Clock } from '../../runtime/clock.ts';
import type { Environment, Room } from '../provider.ts';
import { CallError } from '../shared/call-error.ts';
import { beforeDeadline } from '../shared/deadline.ts';
import { HttpsCaller, singleHeaders } from '../shared/https-client.ts';
import type { NetworkConfig } from '../shared/network.ts';

/** Without a logger, parts of the SDK print to the console. */
export const SILENT = { trace() {}, debug() {}, info() {}, warn() {}, error() {} };

/** The SDK tries three times within a read's deadline, so that one address that is silent is not its end. */
const CONNECT_TIMEOUT_MS = 2_000;

/** What the SDK hands to its handler, as far as it matters here. */
type Request = {
	readonly protocol: string;
	readonly hostname: string;
	readonly port?: number | undefined;
	readonly path: string;
	readonly query?: Readonly<Record<string, string | readonly string[] | null>> | undefined;
	readonly method: string;
	readonly headers: Readonly<Record<string, string>>;
	readonly body?: unknown;
};

/** Options of one `send`; the SDK hands them through to its handler as they are. */
export type SendOptions = {
	/** Always one of the platform, although the SDK has a type of its own. */
	readonly abortSignal?: { readonly aborted: boolean };
	readonly room?: Room;
};

/** One for all regions and for STS, so that dropping a client of the SDK drops no connection. */
export class AwsTransport {
	readonly metadata = { handlerProtocol: 'http/1.1' };
	readonly #caller: HttpsCaller;
	readonly #clock: Clock;
	readonly #timeoutMs: number;

	constructor(config: NetworkConfig, env: Environment, clock: Clock) {
		this.#clock = clock;
		this.#timeoutMs = config.timeoutMs;
		const connectTimeoutMs = Math.min(CONNECT_TIMEOUT_MS, config.timeoutMs);
		this.#caller = new HttpsCaller({ config, env, clock, connectTimeoutMs });
	}

	/** One attempt with its own timeout. Fails with CallError, by whose code the SDK decides about the next attempt. */
	async handle(request: Request, { abortSignal, room }: SendOptions = {}) {
		const { method, headers, body } = request;
		const call = {
			url: urlOf(request),
			method,
			headers,
			body: body as string | Uint8Array | undefined,
			room,
		};
		const answer = await beforeDeadline(
			{
				clock: this.#clock,
				deadlineMs: this.#timeoutMs,
				late: () => new CallError('ETIMEDOUT'),
				signals: abortSignal === undefined ? [] : [abortSignal as AbortSignal],
			},
			signal => this.#caller.call(call, signal),
		);
		return {
			response: new HttpResponse({
				statusCode: answer.status,
				headers: singleHeaders(answer.headers),
				body: answer.body,
			}),
		};
	}

	/** Part of the SDK's interface; only the constructor configures. */
	updateHttpClientConfig(): void {}

	httpHandlerConfigs() {
		return {};
	}

	destroy(): void {
		this.#caller.close();
	}
}

function urlOf({ protocol, hostname, port, path, query = {} }: Request): URL {
	const url = new URL(`${protocol}//${hostname}${port === undefined ? '' : `:${port}`}${path}`);
	for (const [name, value] of Object.entries(query)) {
		for (const each of [value ?? ''].flat()) {
			url.searchParams.append(name, each);
		}
	}

	return url;
}
