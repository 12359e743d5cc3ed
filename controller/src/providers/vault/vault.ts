// Vault and OpenBao as a provider: KV versions 1 and 2 over their HTTP API, with a token that is shared and revoked.
import type { Clock } from '../../runtime/clock.ts';
import { asRecord, isRawNumber } from '../../util/source-json.ts';
import type { Environment, RemoteReference, Room, SecretProvider } from '../provider.ts';
import { SecretValue } from '../secret-value.ts';
import { withDeadline } from '../shared/deadline.ts';
import { ProviderFailure, toJasmError } from '../shared/failure.ts';
import { UNCOUNTED } from '../shared/read-body.ts';
import { type SignedIn, TokenCache } from '../shared/token-cache.ts';
import { VaultClient } from './client.ts';
import { malformedResponse, readFailure, saysInvalidToken, type VaultAnswer } from './errors.ts';
import { signIn } from './login.ts';
import { apiPath } from './reference.ts';
import type { VaultSettings } from './settings.ts';

export type VaultOptions = {
	/** The provider's name in messages. */
	readonly name: string;
	readonly settings: VaultSettings;
	readonly env: Environment;
	readonly clock: Clock;
};

type Token = SignedIn<string>;

type Call = { readonly signal: AbortSignal; readonly room: Room };

/**
 * A refusal may mean that the token is over, or that the role was given further policies since: a new token
 * tells. Where the refusals go on, no more than one is made in this time.
 */
const RENEW_MS = 10_000;
/** What revoking tokens and leases may take. */
const REVOKE_MS = 2_000;

export class Vault implements SecretProvider {
	readonly #options: VaultOptions;
	readonly #client: VaultClient;
	readonly #tokenCache: TokenCache<string>;
	readonly #closing = new AbortController();

	constructor(options: VaultOptions) {
		const { settings, env, clock } = options;
		this.#options = options;
		this.#client = new VaultClient({ settings, env, clock });
		this.#tokenCache = new TokenCache({
			clock,
			deadlineMs: 1.5 * settings.timeoutMs,
			signIn: signal => signIn(this.#client, settings, signal),
		});
	}

	async read(reference: RemoteReference, signal: AbortSignal, room: Room = UNCOUNTED): Promise<SecretValue> {
		const { name, settings, clock } = this.#options;
		const path = apiPath(reference, settings);
		const subject = `reading secret "${reference.path}" from ${name}`;
		const signals = [signal, this.#closing.signal];
		try {
			return await withDeadline(
				{ clock, deadlineMs: 2 * settings.timeoutMs, subject, signals },
				async abortSignal => {
					const { answer, token } = await this.#get(path, { signal: abortSignal, room });
					return await this.#valueOf(answer, reference, token);
				},
			);
		} catch (error) {
			throw toJasmError(subject, error);
		}
	}

	async close(): Promise<void> {
		this.#closing.abort();
		const token = this.#tokenCache.close();
		if (token !== undefined) {
			await this.#revoke(token);
		}

		this.#client.close();
	}

	async #get(path: string, call: Call): Promise<{ answer: VaultAnswer; token: Token }> {
		const askedAt = this.#options.clock.monotonic();
		const token = await this.#tokenCache.get();
		const answer = await this.#ask(path, token, call);
		if (answer.status !== 403 || token.since >= askedAt) {
			return { answer, token };
		}

		const renewed = await this.#renew(token, answer);
		return renewed === token
			? { answer, token }
			: { answer: await this.#ask(path, renewed, call), token: renewed };
	}

	#ask(path: string, token: Token, { signal, room }: Call): Promise<VaultAnswer> {
		const { namespace } = this.#options.settings;
		return this.#client.send({ method: 'GET', path, namespace, token: token.value }, signal, room);
	}

	/** A token other than the one that was refused, where there is reason to hope for one. */
	async #renew(refused: Token, answer: VaultAnswer): Promise<Token> {
		const invalid = saysInvalidToken(answer);
		const age = this.#options.clock.monotonic() - refused.since;
		if (this.#tokenCache.current === refused) {
			if (!invalid && age < RENEW_MS) {
				return refused;
			}

			this.#tokenCache.drop(refused);
			if (!invalid) {
				// Else they would pile up in Vault, one for each refusal.
				void this.#revoke(refused);
			}
		}

		const renewed = await this.#tokenCache.get();
		return renewed.value === refused.value ? refused : renewed;
	}

	async #valueOf(answer: VaultAnswer, reference: RemoteReference, token: Token): Promise<SecretValue> {
		const { status, json } = answer;
		const leaseId = json?.['lease_id'];
		if (typeof leaseId === 'string' && leaseId !== '') {
			throw await this.#refuseLease(leaseId, token);
		}

		if (status !== 200) {
			throw readFailure(answer);
		}

		const data = asRecord(json?.['data']);
		if (this.#options.settings.kvVersion === 1) {
			return secretValue(data, '', answer);
		}

		const number = asRecord(data?.['metadata'])?.['version'];
		const version = isRawNumber(number) ? number.rawJSON : '';
		if (version === '' || version !== (reference.version ?? version)) {
			throw malformedResponse(answer);
		}

		return secretValue(data?.['data'], version, answer);
	}

	/** Credentials made for one reader would die with JASM's token while the Secret lives on. */
	async #refuseLease(leaseId: string, token: Token): Promise<ProviderFailure> {
		const { namespace } = this.#options.settings;
		const body = { lease_id: leaseId };
		let ended = await this.#end({ path: 'sys/leases/revoke', namespace, token: token.value, body });
		if (!ended) {
			// With the token everything ends that was leased by it.
			this.#tokenCache.drop(token);
			ended = await this.#revoke(token);
		}

		return new ProviderFailure('what the path leads to is leased: made for one reader, and not stored', {
			code: 'DYNAMIC_SECRET_UNSUPPORTED',
			details: { leaseRevoked: ended },
		});
	}

	/** Only tokens of JASM's own sign-in; a token from a file belongs to another program. */
	async #revoke({ value: token }: Token): Promise<boolean> {
		const { credentials, authNamespace: namespace } = this.#options.settings;
		return credentials !== 'token' && this.#end({ path: 'auth/token/revoke-self', namespace, token });
	}

	/** Whether it was done; never fails, and never takes long. */
	async #end(request: { path: string; namespace: string; token: string; body?: object }): Promise<boolean> {
		const timeout = new AbortController();
		const timer = this.#options.clock.schedule(REVOKE_MS, () => timeout.abort());
		try {
			const { status } = await this.#client.send({ method: 'PUT', ...request }, timeout.signal);
			return status < 300;
		} catch {
			return false;
		} finally {
			timer.cancel();
		}
	}
}

/** The payload is the JSON text of the data, numbers as Vault wrote them. */
function secretValue(data: unknown, version: string, answer: VaultAnswer): SecretValue {
	if (data === undefined) {
		throw malformedResponse(answer);
	}

	const object = asRecord(data);
	return new SecretValue(object ? { object, version } : { payload: JSON.stringify(data), version });
}
