// Virtual time for a controller that speaks over real sockets: waits that nobody would notice pass by themselves.
import { setImmediate as turn } from 'node:timers/promises';
import { systemClock, type Timer } from '../../src/runtime/clock.ts';
import { VirtualClock } from './virtual-clock.ts';

/** Timers up to this many milliseconds run in real time: hesitations and jitter, no backoff and no deadline. */
const UNNOTICED_MS = 100;
/** So many turns of the event loop without anything new: what was sent over loopback has arrived. */
const QUIET_TURNS = 16;
const UNDER_WAY = /^(FSReq|TCPConnectWrap|GetAddrInfoReqWrap|WriteWrap|ShutdownWrap)/;

/** Between two timers everything comes to rest; `progress` grows with all that happens on the servers. */
export class StageClock extends VirtualClock {
	readonly #progress: () => number;
	#unnoticed = 0;

	constructor(progress: () => number) {
		super({ wallMs: Date.now(), settle: () => this.#rest() });
		this.#progress = progress;
	}

	override schedule(ms: number, callback: () => void): Timer {
		if (!(ms <= UNNOTICED_MS)) {
			return super.schedule(ms, callback);
		}

		this.#unnoticed++;
		let open = true;
		const over = () => {
			this.#unnoticed -= open ? 1 : 0;
			open = false;
		};
		const timer = systemClock.schedule(ms, () => {
			over();
			callback();
		});
		return {
			cancel() {
				over();
				timer.cancel();
			},
		};
	}

	async #rest(): Promise<void> {
		let last = this.#progress();
		for (let turns = 0; turns < QUIET_TURNS; turns++) {
			await turn();
			const now = this.#progress();
			if (now !== last || this.#unnoticed > 0 || isUnderWay()) {
				turns = 0;
				last = now;
			}
		}
	}
}

const isUnderWay = (): boolean => process.getActiveResourcesInfo().some(name => UNDER_WAY.test(name));
