// Lets real sockets of this process come to rest between the timers of a virtual clock.
import { setImmediate as turn } from 'node:timers/promises';

/** So many turns of the event loop without anything new: what was sent over loopback has arrived. */
const QUIET_TURNS = 16;

const UNDER_WAY = /^(FSReq|TCPConnectWrap|GetAddrInfoReqWrap|WriteWrap|ShutdownWrap)/;

/** Resolves when nothing moves any more in this process; `progress` grows with all that happens elsewhere. */
export async function quiet(progress: () => number): Promise<void> {
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
