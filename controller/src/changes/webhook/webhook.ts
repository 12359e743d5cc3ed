// The webhook as a source of change notices: listens on every replica, and takes notices while this one leads.
//
// Read receiver.ts first (what a request is answered with), then body.ts (what it says), authentication.ts (who sends
// it), server.ts (the listener and its bounds) and files.ts (what is read again while it runs).
import { JasmError } from '../../errors.ts';
import type { Logger } from '../../observability/logger.ts';
import type { Metrics } from '../../observability/metrics.ts';
import type { Clock } from '../../runtime/clock.ts';
import type { ChangeIntake, Origin } from '../change-intake.ts';
import {
	Authentication,
	type AuthenticationConfig,
	type AuthenticationOptions,
	filesOf,
} from './authentication.ts';
import { Files } from './files.ts';
import { Receiver } from './receiver.ts';
import { type KeyPair, WebhookServer } from './server.ts';

/** One webhook as the configuration names it. */
export type WebhookConfig = AuthenticationConfig & {
	readonly kind: 'webhook';
	readonly address: string;
	readonly providers: readonly string[];
	readonly tlsCertFile?: string | undefined;
	readonly tlsKeyFile?: string | undefined;
	readonly clientCaFile?: string | undefined;
};

export type WebhookOptions = {
	readonly config: WebhookConfig;
	readonly origin: Origin;
	readonly intake: Pick<ChangeIntake, 'take'>;
	readonly isLeading: () => boolean;
	/** Says which proxy leads to an issuer. */
	readonly env: AuthenticationOptions['env'];
	readonly clock: Clock;
	readonly logger: Logger;
	readonly metrics: Metrics;
};

export class Webhook {
	readonly #options: WebhookOptions;
	readonly #receiver: Receiver;
	readonly #files: Files;
	readonly #authentication: Authentication;
	#server: WebhookServer | undefined;
	#up = false;

	constructor(options: WebhookOptions) {
		const { config, origin } = options;
		const { tlsCertFile, tlsKeyFile, clientCaFile } = config;
		this.#options = options;
		const tls = [tlsCertFile, tlsKeyFile, clientCaFile].filter(path => path !== undefined);
		this.#files = new Files({
			paths: [...tls, ...filesOf(config)],
			clock: options.clock,
			onChange: () => this.#reload(),
		});
		this.#authentication = new Authentication({ ...options, files: this.#files, source: origin.source });
		this.#receiver = new Receiver({ ...options, authentication: this.#authentication });
	}

	/** Whether it listens. */
	get up(): boolean {
		return this.#up;
	}

	get inHand(): number {
		return this.#receiver.inHand;
	}

	/**
	 * Listens until the signal aborts.
	 *
	 * @throws JasmError CONFIG_INVALID, ADDRESS_UNAVAILABLE: it could not begin
	 */
	async run(signal: AbortSignal): Promise<void> {
		const { config, origin, logger } = this.#options;
		const { source } = origin;
		const { promise: stopped, resolve } = Promise.withResolvers<void>();
		signal.addEventListener('abort', () => resolve(), { once: true });
		try {
			await this.#files.start();
			this.#authentication.load();
			const answer = this.#receiver.answer.bind(this.#receiver);
			this.#server = new WebhookServer({
				address: config.address,
				source,
				keyPair: this.#keyPair(),
				answer,
			});
			const port = await this.#server.listen();
			this.#up = true;
			logger.info({ source, port, tls: config.tlsCertFile !== undefined }, 'listening for change notices');
			if (!signal.aborted) {
				await stopped;
			}
		} finally {
			this.#up = false;
			this.#files.close();
			this.#authentication.close();
			await this.#server?.close();
		}
	}

	/** @throws JasmError CONFIG_INVALID where a file cannot be read */
	#keyPair(): KeyPair | undefined {
		const { tlsCertFile, tlsKeyFile, clientCaFile } = this.#options.config;
		if (tlsCertFile === undefined || tlsKeyFile === undefined) {
			return undefined;
		}

		const [cert, key] = [this.#content(tlsCertFile), this.#content(tlsKeyFile)];
		const clientCa = clientCaFile === undefined ? {} : { clientCa: this.#content(clientCaFile) };
		return { cert, key, ...clientCa };
	}

	#content(path: string): string {
		const content = this.#files.contentOf(path);
		if (content === undefined) {
			const { source } = this.#options.origin;
			throw new JasmError(`listening for change notices (${source}): the file "${path}" cannot be read`, {
				code: 'CONFIG_INVALID',
			});
		}

		return content;
	}

	/** A certificate that does not fit its key changes nothing: its other file may be on its way. */
	#reload(): void {
		const { logger, origin } = this.#options;
		this.#authentication.reload();
		try {
			const keyPair = this.#keyPair();
			if (keyPair !== undefined) {
				this.#server?.use(keyPair);
			}
		} catch (error) {
			logger.warn({ source: origin.source, error }, 'change notices: the earlier certificate stays in use');
		}
	}
}
