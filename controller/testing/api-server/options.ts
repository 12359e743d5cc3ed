// The settings of the embedded API server.
import type { GuardOptions } from './auth/guard.ts';
import type { WatchListSupport } from './wire/faults.ts';

/** Every setting has a default. */
export type ApiServerOptions = {
	/** Default: any free port. */
	readonly port?: number;
	/** Time for tokens and timestamps; default the wall clock. */
	readonly now?: () => Date;
	/** Default 60,000, as on a real server. */
	readonly bookmarkIntervalMs?: number;
	/** Changes of each kind that watches can resume from; default 20,000. */
	readonly historySize?: number;
	/** Requests that the log keeps; default 20,000. */
	readonly logSize?: number;
	/** Default `on`. */
	readonly watchList?: WatchListSupport;
	/** Names of the installation whose admission policy is enforced natively. */
	readonly guard?: Partial<GuardOptions>;
};
