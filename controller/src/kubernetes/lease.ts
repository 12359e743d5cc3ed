// Leader election on a Lease: one leader at most; a standby takes over 35 s after a crash, 1 s after a release.
import type { Clock, Timer } from '../runtime/clock.ts';
import type { ObjectRef } from '../runtime/object-ref.ts';
import type { KubernetesClient } from './client.ts';
import { KubernetesError } from './errors.ts';
import { microTime } from './micro-time.ts';
import type { Lease } from './types.ts';

export type LeaderElectionOptions = {
	readonly client: Pick<KubernetesClient, 'getLease' | 'createLease' | 'replaceLease'>;
	readonly clock: Clock;
	readonly random: () => number;
	readonly lease: ObjectRef;
	/** Unique among all replicas and restarts. */
	readonly identity: string;
	readonly onStartedLeading: () => void;
	/** From now on this replica must not write. */
	readonly onStoppedLeading: () => void;
	/** Another replica leads. */
	readonly onOtherLeader?: (identity: string) => void;
	/** A call failed; the election goes on. */
	readonly onError?: (error: Error) => void;
};

/** A record that has not changed for this long may be taken over by any replica. */
const DURATION_MS = 30_000;
/** A leader without an acknowledged renewal for this long stops, well before another replica may start. */
const RENEW_DEADLINE_MS = 20_000;
const RENEW_MS = 5_000;
const RENEW_AGAIN_MS = 2_000;
/**
 * A standby reads the lease this often, so a released lease has a new holder within a second. The read needs the
 * right to `get` one name, and `resourceVersion=0` is answered from the API server's memory.
 */
const POLL_MS = 800;
const POLL_JITTER = 0.1;
const RELEASE_MS = 3_000;

export class LeaderElection {
	readonly #options: LeaderElectionOptions;
	#leading = false;
	/** Monotonic time at which the last acknowledged write was sent: earlier than any replica could see it. */
	#renewedAt = Number.NEGATIVE_INFINITY;
	#observed = { record: '', holder: '', at: 0 };

	constructor(options: LeaderElectionOptions) {
		this.#options = options;
	}

	/** Ask before every write: the result is right even after the process itself was suspended. */
	stillLeading(): boolean {
		return this.#leading && this.#options.clock.monotonic() < this.#renewedAt + RENEW_DEADLINE_MS;
	}

	/**
	 * Campaigns, leads, and releases the lease when the signal aborts: abort it last. Resolves after the release;
	 * rejects with code `lease-lost` when another replica may lead.
	 */
	async run(signal: AbortSignal): Promise<void> {
		const lease = await this.#acquire(signal);
		if (lease === undefined) return;
		this.#leading = true;
		let held: Lease;
		try {
			this.#options.onStartedLeading();
			held = await this.#hold(lease, signal);
		} finally {
			this.#leading = false;
			this.#options.onStoppedLeading();
		}
		await this.#release(held);
	}

	async #acquire(signal: AbortSignal): Promise<Lease | undefined> {
		const { client, clock, random, onError } = this.#options;
		while (!signal.aborted) {
			let waitMs = POLL_MS * (1 - POLL_JITTER + 2 * POLL_JITTER * random());
			try {
				const lease = await client.getLease(this.#options.lease, { cached: true, signal });
				if (lease === undefined || this.#isFree(lease)) {
					const at = clock.monotonic();
					const mine = this.#claim(lease);
					const taken = await (lease ? client.replaceLease(mine, signal) : client.createLease(mine, signal));
					if (taken !== undefined) {
						this.#renewedAt = at;
						return taken;
					}
				}
			} catch (error) {
				if (signal.aborted) return undefined;
				onError?.(error as Error);
				waitMs = Math.max(RENEW_MS * (1 + 0.2 * random()), (error as KubernetesError).retryAfterMs ?? 0);
			}
			await clock.sleep(waitMs, signal).catch(() => {});
		}
		return undefined;
	}

	/** Only changes of the record count, by the local clock: the times in the record come from another machine. */
	#isFree({ spec = {} }: Lease): boolean {
		const { clock, identity, onOtherLeader } = this.#options;
		const { holderIdentity: holder = '', leaseDurationSeconds = DURATION_MS / 1000 } = spec;
		if (holder === '' || holder === identity) return true;
		const now = clock.monotonic();
		const record = JSON.stringify(spec);
		if (record !== this.#observed.record) {
			if (holder !== this.#observed.holder) onOtherLeader?.(holder);
			this.#observed = { record, holder, at: now };
		}
		return now >= this.#observed.at + leaseDurationSeconds * 1000;
	}

	/** Resolves with the lease as last seen when the signal aborts; rejects with code `lease-lost`. */
	async #hold(acquired: Lease, signal: AbortSignal): Promise<Lease> {
		const { clock, onError } = this.#options;
		const lost = new AbortController();
		const stop = AbortSignal.any([signal, lost.signal]);
		let timer: Timer | undefined;
		const rearm = () => {
			timer?.cancel();
			timer = clock.schedule(this.#renewedAt + RENEW_DEADLINE_MS - clock.monotonic(), () => lost.abort());
		};
		rearm();
		let lease = acquired;
		try {
			for (let waitMs = RENEW_MS; ; ) {
				await clock.sleep(waitMs, stop).catch(() => {});
				if (signal.aborted) return lease;
				if (!this.stillLeading()) throw this.#lost('it could not be renewed in time');
				try {
					lease = await this.#renew(lease, stop);
					waitMs = RENEW_MS;
					rearm();
				} catch (error) {
					if (signal.aborted) return lease;
					if (isLost(error)) throw error;
					if (!lost.signal.aborted) onError?.(error as Error);
					waitMs = Math.max(RENEW_AGAIN_MS, (error as KubernetesError).retryAfterMs ?? 0);
				}
			}
		} finally {
			timer?.cancel();
		}
	}

	async #renew(lease: Lease, signal: AbortSignal): Promise<Lease> {
		const { client, clock, identity } = this.#options;
		let current: Lease | undefined = lease;
		for (;;) {
			const at = clock.monotonic();
			const renewTime = microTime(clock.now());
			const renewed: Lease | undefined = current
				? await client.replaceLease({ ...current, spec: { ...current.spec, renewTime } }, signal)
				: await client.createLease(this.#claim(undefined), signal);
			if (renewed !== undefined) {
				this.#renewedAt = at;
				return renewed;
			}
			// Another replica changed it, or our own write succeeded and its response was lost: see who holds it.
			current = await client.getLease(this.#options.lease, { signal });
			if (current !== undefined && current.spec?.holderIdentity !== identity) {
				throw this.#lost('another replica holds it');
			}
		}
	}

	async #release(held: Lease): Promise<void> {
		const { client, clock, identity, lease, onError } = this.#options;
		const late = new AbortController();
		const timer = clock.schedule(RELEASE_MS, () => late.abort());
		try {
			const released = (from: Lease): Lease => ({
				...from,
				spec: {
					...from.spec,
					holderIdentity: '',
					leaseDurationSeconds: 1,
					renewTime: microTime(clock.now()),
				},
			});
			if ((await client.replaceLease(released(held), late.signal)) !== undefined) return;
			// A renewal that was interrupted may have reached the server.
			const current = await client.getLease(lease, { signal: late.signal });
			if (current?.spec?.holderIdentity === identity)
				await client.replaceLease(released(current), late.signal);
		} catch (error) {
			onError?.(error as Error);
		} finally {
			timer.cancel();
		}
	}

	#claim(from: Lease | undefined): Lease {
		const { clock, identity, lease } = this.#options;
		const now = microTime(clock.now());
		return {
			apiVersion: 'coordination.k8s.io/v1',
			kind: 'Lease',
			metadata: from?.metadata ?? lease,
			spec: {
				holderIdentity: identity,
				leaseDurationSeconds: DURATION_MS / 1000,
				acquireTime: now,
				renewTime: now,
				leaseTransitions: from === undefined ? 0 : (from.spec?.leaseTransitions ?? 0) + 1,
			},
		};
	}

	#lost(why: string): KubernetesError {
		const { namespace, name } = this.#options.lease;
		return new KubernetesError({ code: 'lease-lost', doing: `holding lease "${namespace}/${name}"`, why });
	}
}

const isLost = (error: unknown) => error instanceof KubernetesError && error.code === 'lease-lost';
