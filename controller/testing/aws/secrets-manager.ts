// An embedded AWS Secrets Manager with the STS that its clients need: real HTTP, scripted faults, a call log.
import { randomUUID } from 'node:crypto';
import { once } from 'node:events';
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { setTimeout as sleep } from 'node:timers/promises';
import { CallLog } from '../shared/call-log.ts';
import type { ActiveFault, FaultOptions } from '../shared/fault-plan.ts';
import { AwsFault } from './fault.ts';
import { type LabelEvent, labelEvent } from './label-event.ts';
import { type SecretsManagerFault, secretsManagerFaults } from './secrets-manager-faults.ts';
import { type Input, SecretStore } from './secrets-manager-store.ts';
import {
	htmlAnswer,
	jsonAnswer,
	readRequest,
	refusalAnswer,
	send,
	type WireAnswer,
	type WireRequest,
	xmlAnswer,
} from './secrets-manager-wire.ts';
import { Sts, type WebIdentityTrust } from './sts.ts';

export type { WebIdentityTrust } from './sts.ts';

/** Every setting has a default. */
export type SecretsManagerOptions = {
	/** Default: a free one. */
	readonly port?: number;
	/** Where `put` and `delete` write; requests see the region that they are signed for. Default: eu-west-1. */
	readonly region?: string;
	/** Default: 123456789012. */
	readonly accountId?: string;
	/** Whether a principal (an ARN) may read a secret (by name), be it there or not. Default: all may. */
	readonly allow?: (name: string, principal: string) => boolean;
	/** What AssumeRoleWithWebIdentity demands. Default: any unexpired JWT for any role. */
	readonly trust?: WebIdentityTrust;
	/** Every answer comes this many milliseconds late. Default: 0. */
	readonly latencyMs?: number;
	/** Milliseconds since the epoch. */
	readonly now?: () => number;
	/** Receives the event that the service publishes when a staging label moves. Default: none is published. */
	readonly onLabelUpdated?: (event: LabelEvent) => void;
};

/** One request as it came in. */
export type SecretsManagerCall = {
	/** GetSecretValue, AssumeRoleWithWebIdentity, ... */
	readonly operation: string;
	/** The secret's name, whichever way the request named it; empty for STS. */
	readonly name: string;
	/** The version id or stage that was asked for. */
	readonly version: string | undefined;
	readonly region: string;
	readonly accessKeyId: string | undefined;
	/** `performance.now()` when the request had arrived. */
	readonly at: number;
};

/** An embedded AWS Secrets Manager with its STS. The methods act at once, as the owner of the account. */
export type SecretsManager = {
	/** Endpoint of Secrets Manager and of STS. */
	readonly url: string;
	readonly region: string;
	readonly accountId: string;
	/** Every request so far, oldest first. */
	readonly calls: readonly SecretsManagerCall[];
	/** Requests so far: of one operation, and for one secret, where these are given. */
	count(operation?: string, name?: string): number;
	/** The first call that matches, past or future; rejects after `timeoutMs` (default 10,000). */
	waitForCall(
		matches: (call: SecretsManagerCall) => boolean,
		timeoutMs?: number,
	): Promise<SecretsManagerCall>;
	/** Creates the secret or a new current version of it; objects are written as JSON. */
	put(
		name: string,
		value: string | Uint8Array | object,
	): { readonly arn: string; readonly versionId: string };
	/** Marks the secret for deletion, as the console does; `forever` removes it at once. */
	delete(name: string, options?: { readonly forever?: boolean }): void;
	/** Makes requests fail, until `stop`. */
	inject(fault: SecretsManagerFault, options?: FaultOptions<SecretsManagerCall>): ActiveFault;
	/** Reads of AWSCURRENT return the present version, as a replica that lags does, until the function is called. */
	lag(name: string): () => void;
	/** Ends every session that STS gave out. */
	expireSessions(): void;
	/** Ends every connection and stops. */
	close(): Promise<void>;
};

/**
 * Starts the store on 127.0.0.1. It holds the event loop open until `close`.
 *
 * @example
 * ```ts
 * import { startSecretsManager } from '@jasm/controller/testing';
 *
 * const secretsManager = await startSecretsManager();
 * secretsManager.put('/prod/db', { user: 'app' });
 * const fault = secretsManager.inject('throttling', { times: 2 });
 * console.log(secretsManager.url, secretsManager.count('GetSecretValue'));
 * fault.stop();
 * await secretsManager.close();
 * ```
 */
export async function startSecretsManager(options: SecretsManagerOptions = {}): Promise<SecretsManager> {
	const secretsManager = new EmbeddedSecretsManager(options);
	await secretsManager.listen(options.port ?? 0);
	return secretsManager;
}

class EmbeddedSecretsManager implements SecretsManager {
	readonly region: string;
	readonly accountId: string;
	readonly #allow: NonNullable<SecretsManagerOptions['allow']>;
	readonly #latencyMs: number;
	readonly #now: () => number;
	readonly #onLabelUpdated: (event: LabelEvent) => void;
	readonly #sts: Sts;
	readonly #stores = new Map<string, SecretStore>();
	readonly #faults = secretsManagerFaults<SecretsManagerCall>();
	readonly #log = new CallLog<SecretsManagerCall>();
	readonly #server: Server;

	constructor(options: SecretsManagerOptions) {
		this.region = options.region ?? 'eu-west-1';
		this.accountId = options.accountId ?? '123456789012';
		this.#allow = options.allow ?? (() => true);
		this.#latencyMs = options.latencyMs ?? 0;
		this.#now = options.now ?? Date.now;
		this.#onLabelUpdated = options.onLabelUpdated ?? (() => {});
		this.#sts = new Sts({ accountId: this.accountId, trust: options.trust, now: this.#now });
		this.#server = createServer({ keepAliveTimeout: 120_000 }, (request, response) => {
			// A client that hangs up in the middle of a request gets no answer.
			this.#serve(request, response).catch(() => response.destroy());
		});
	}

	async listen(port: number): Promise<void> {
		this.#server.listen(port, '127.0.0.1');
		await once(this.#server, 'listening');
	}

	get url(): string {
		return `http://127.0.0.1:${(this.#server.address() as AddressInfo).port}`;
	}

	get calls(): readonly SecretsManagerCall[] {
		return this.#log.calls;
	}

	count(operation?: string, name?: string): number {
		return this.calls.filter(
			call => (operation ?? call.operation) === call.operation && (name ?? call.name) === call.name,
		).length;
	}

	waitForCall(matches: (call: SecretsManagerCall) => boolean, timeoutMs?: number) {
		return this.#log.waitFor(matches, timeoutMs);
	}

	put(name: string, value: string | Uint8Array | object) {
		const content: Input =
			value instanceof Uint8Array
				? { SecretBinary: Buffer.from(value).toString('base64') }
				: { SecretString: typeof value === 'string' ? value : JSON.stringify(value) };
		return this.#storeOf(this.region).put(name, content);
	}

	delete(name: string, { forever = false }: { readonly forever?: boolean } = {}): void {
		const input = { SecretId: name, ForceDeleteWithoutRecovery: forever };
		this.#storeOf(this.region).run('DeleteSecret', input);
	}

	lag(name: string): () => void {
		return this.#storeOf(this.region).lag(name);
	}

	inject(fault: SecretsManagerFault, options?: FaultOptions<SecretsManagerCall>) {
		return this.#faults.inject(fault, options);
	}

	expireSessions(): void {
		this.#sts.expireSessions();
	}

	async close(): Promise<void> {
		const closed = once(this.#server, 'close');
		this.#server.close();
		this.#server.closeAllConnections();
		await closed;
	}

	#storeOf(region: string): SecretStore {
		let store = this.#stores.get(region);
		if (store === undefined) {
			store = new SecretStore({
				region,
				accountId: this.accountId,
				now: this.#now,
				onLabel: move => {
					const event = labelEvent(move, this.#now());
					if (event !== undefined) {
						this.#onLabelUpdated(event);
					}
				},
			});
			this.#stores.set(region, store);
		}

		return store;
	}

	async #serve(request: IncomingMessage, response: ServerResponse): Promise<void> {
		const wire = await readRequest(request);
		const call = this.#callOf(wire);
		const { latencyMs, transport, html, refusal } = this.#faults.hit(call);
		this.#log.record(call);
		if (this.#latencyMs + latencyMs > 0) {
			await sleep(this.#latencyMs + latencyMs, undefined, { ref: false });
		}

		if (transport === 'hang') {
			return;
		}

		if (transport === 'reset') {
			response.destroy();
			return;
		}

		const requestId = randomUUID();
		const answer = html === undefined ? this.#answer(wire, call, requestId, refusal) : htmlAnswer(html);
		send(response, answer, { requestId, fault: transport });
	}

	#callOf({ operation, input, form, region = this.region, accessKeyId }: WireRequest): SecretsManagerCall {
		return {
			operation,
			name: form === undefined ? this.#storeOf(region).nameOf(input.SecretId ?? input.Name) : '',
			version: input.VersionId ?? input.VersionStage,
			region,
			accessKeyId,
			at: performance.now(),
		};
	}

	#answer(
		{ input, form }: WireRequest,
		call: SecretsManagerCall,
		requestId: string,
		refusal: AwsFault | undefined,
	): WireAnswer {
		try {
			if (refusal !== undefined) {
				throw refusal;
			}

			if (form !== undefined) {
				return xmlAnswer(this.#sts.answer(form, call.accessKeyId));
			}

			this.#authorise(call, this.#sts.principalOf(call.accessKeyId));
			return jsonAnswer(this.#storeOf(call.region).run(call.operation, input));
		} catch (error) {
			if (error instanceof AwsFault) {
				return refusalAnswer(error, form !== undefined, requestId);
			}

			throw error;
		}
	}

	/** As under a scoped IAM policy, what is missing is denied like what is there. */
	#authorise({ operation, name }: SecretsManagerCall, principal: string): void {
		if (operation === 'GetSecretValue' && !this.#allow(name, principal)) {
			throw new AwsFault(
				'AccessDeniedException',
				`User: ${principal} is not authorized to perform: secretsmanager:GetSecretValue on resource: ` +
					`${name} because no identity-based policy allows the secretsmanager:GetSecretValue action`,
			);
		}
	}
}
