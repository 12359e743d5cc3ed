// Virtual time for a controller that speaks over real sockets: between two timers everything comes to rest.
import { setImmediate as turn } from 'node:timers/promises';
import { VirtualClock } from './virtual-clock.ts';

/** So many turns of the event loop without anything new: what was sent over loopback has arrived. */
const QUIET_TURNS = 16;
const UNDER_WAY = /^(FSReq|TCPConnectWrap|GetAddrInfoReqWrap|WriteWrap|ShutdownWrap)/;
/** What passes while a test waits for the world: enough for hesitations and jitter, not for a deadline. */
const NUDGE_MS = 50;
const NUDGES = 40;

export class StageClock extends VirtualClock {
	readonly #waiting = new Set<Promise<unknown>>();
	#nudging = false;
	#nudges = 0;
	#wake: () => void = () => {};
	#step: Promise<void> | undefined;

	/** `progress` grows with all that happens on the servers. */
	constructor(progress: () => number) {
		super({ wallMs: Date.now(), settle: () => rest(progress) });
	}

	/** Something happened, somewhere: what it leads to may hesitate. */
	readonly stir = (): void => {
		this.#nudges = NUDGES;
		this.#wake();
	};

	/** The outcome of `awaited`; until it is there, a little time passes after everything that stirs. */
	async passing<T>(awaited: Promise<T>): Promise<T> {
		this.#waiting.add(awaited);
		this.stir();
		if (!this.#nudging) {
			this.#nudging = true;
			void this.#nudge();
		}

		try {
			return await awaited;
		} finally {
			this.#waiting.delete(awaited);
			// Time stands still again when the caller goes on.
			await this.#step;
		}
	}

	async #nudge(): Promise<void> {
		while (this.#waiting.size > 0) {
			const { promise, resolve } = Promise.withResolvers<unknown>();
			this.#wake = () => resolve(undefined);
			this.#step = this.#nudges-- > 0 ? this.advance(NUDGE_MS) : undefined;
			await (this.#step ?? Promise.race([promise, ...this.#waiting]).catch(() => {}));
		}

		this.#nudging = false;
	}
}

async function rest(progress: () => number): Promise<void> {
	let last = progress();
	for (let turns = 0; turns < QUIET_TURNS; turns++) {
		await turn();
		const now = progress();
		if (now !== last || process.getActiveResourcesInfo().some(name => UNDER_WAY.test(name))) {
			turns = 0;
			last = now;
		}
	}
}
