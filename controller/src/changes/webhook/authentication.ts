// Who may send change notices: one of the configured ways has to say yes.
import type { IncomingMessage } from 'node:http';
import { JasmError } from '../../errors.ts';
import type { Logger } from '../../observability/logger.ts';
import type { Clock } from '../../runtime/clock.ts';
import { BearerTokens, bearerIn, tokenFault } from './bearer.ts';
import { clientNames } from './client-names.ts';
import type { Files } from './files.ts';
import { type Claim, claimIn, keyFault, SigningKeys } from './hmac.ts';
import { Issuer, type IssuerConfig, type IssuerOptions } from './issuer.ts';

export type AuthenticationConfig = {
	readonly bearerFiles?: readonly string[] | undefined;
	readonly hmacFiles?: readonly string[] | undefined;
	/** Names in certificates that the listener trusts already. */
	readonly clientNames?: readonly string[] | undefined;
	readonly oidc?: IssuerConfig | undefined;
};

export type AuthenticationOptions = {
	readonly config: AuthenticationConfig;
	readonly files: Pick<Files, 'contentOf'>;
	readonly env: IssuerOptions['env'];
	readonly clock: Clock;
	readonly logger: Logger;
	/** The label of metrics and the name in the log. */
	readonly source: string;
};

/** The files that authentication needs. */
export const filesOf = ({ bearerFiles = [], hmacFiles = [] }: AuthenticationConfig): readonly string[] => [
	...bearerFiles,
	...hmacFiles,
];

export class Authentication {
	readonly #options: AuthenticationOptions;
	#tokens = new BearerTokens([]);
	#keys: SigningKeys | undefined;
	readonly #issuer: Issuer | undefined;

	/** Before its files are loaded it accepts no sender. */
	constructor(options: AuthenticationOptions) {
		const { oidc } = options.config;
		this.#options = options;
		this.#issuer = oidc && new Issuer({ ...options, config: oidc });
	}

	close(): void {
		this.#issuer?.close();
	}

	/** @throws JasmError CONFIG_INVALID where a file is no credential: a start without it would look like a success */
	load(): void {
		const faults = this.#faults();
		if (faults.length > 0) {
			const { source } = this.#options;
			throw new JasmError(`listening for change notices (${source}): ${faults.join('; ')}`, {
				code: 'CONFIG_INVALID',
				faults,
			});
		}

		this.#take();
	}

	/** After files have changed. A file that is no credential any more admits no sender. */
	reload(): void {
		const { logger, source } = this.#options;
		for (const fault of this.#faults()) {
			logger.warn({ source }, `change notices: ${fault}: no sender is admitted by it`);
		}

		this.#take();
		logger.info({ source }, 'change notices: credentials read again');
	}

	/**
	 * Whether headers and connection say who sends this, or claim it by a signature of the body. `limited`: that was
	 * not found out, because too many tokens were sent from this address.
	 */
	async senderOf({ headers, socket }: IncomingMessage): Promise<'known' | 'limited' | Claim | undefined> {
		const { config, clock } = this.#options;
		if (config.clientNames !== undefined) {
			const names = clientNames(socket);
			if (config.clientNames.some(name => names.includes(name))) {
				return 'known';
			}
		}

		const token = bearerIn(headers);
		if (token !== undefined && this.#tokens.accepts(token)) {
			return 'known';
		}

		const accepted = token !== undefined && (await this.#issuer?.accepts(token, socket.remoteAddress ?? ''));
		return accepted === true
			? 'known'
			: ((this.#keys && claimIn(headers, clock.now())) ?? (accepted || undefined));
	}

	signed(claim: Claim, body: Uint8Array): boolean {
		return this.#keys?.signed(claim, body) ?? false;
	}

	#take(): void {
		const { config, files } = this.#options;
		const contentsOf = (paths: readonly string[]) => paths.map(path => files.contentOf(path));
		this.#tokens = new BearerTokens(contentsOf(config.bearerFiles ?? []));
		this.#keys = config.hmacFiles && new SigningKeys(contentsOf(config.hmacFiles));
	}

	#faults(): string[] {
		const { config, files } = this.#options;
		const faultsOf = (paths: readonly string[], faultOf: typeof tokenFault) =>
			paths.flatMap(path => {
				const fault = faultOf(files.contentOf(path));
				return fault === undefined ? [] : [`the file "${path}" ${fault}`];
			});
		return [...faultsOf(config.bearerFiles ?? [], tokenFault), ...faultsOf(config.hmacFiles ?? [], keyFault)];
	}
}
