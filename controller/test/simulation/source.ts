// A provider that remembers every version of every secret and how long it was current; fails at a given rate.
import { JasmError } from '../../src/errors.ts';
import type { RemoteReference, SecretProvider } from '../../src/providers/provider.ts';
import { SecretValue } from '../../src/providers/secret-value.ts';
import type { Clock } from '../../src/runtime/clock.ts';
import type { Random } from './random.ts';

export type Version = {
	readonly id: string;
	readonly members: Readonly<Record<string, string>>;
	/** Monotonic milliseconds; Infinity while it is current. */
	until: number;
};

/** One read; times in monotonic milliseconds. */
export type Read = {
	readonly path: string;
	readonly startedAt: number;
	endedAt: number;
	/** Absent where the read gave no value. */
	versionId?: string;
};

export class Source implements SecretProvider {
	/** Chance of each kind of failure of a read, 0 once the faults are over. */
	faults = 0;
	/** Longest half of a read, in milliseconds; the value is taken between the halves. */
	readonly #halfMs: number;
	/** Hears of every new version. */
	onPut: (path: string, version: string) => void = () => {};
	readonly reads: Read[] = [];
	readonly #clock: Clock;
	readonly #random: Random;
	readonly #versions = new Map<string, Version[]>();
	#count = 0;

	constructor(clock: Clock, random: Random) {
		this.#clock = clock;
		this.#random = random;
		this.#halfMs = random.pick([20, 200, 1_000]);
	}

	put(path: string): void {
		this.remove(path);
		const id = `version-${++this.#count}`;
		const versions = this.#versions.get(path) ?? [];
		versions.push({
			id,
			members: { first: `${path} ${id}`, second: `other ${id}` },
			until: Number.POSITIVE_INFINITY,
		});
		this.#versions.set(path, versions);
		this.onPut(path, id);
	}

	remove(path: string): void {
		const current = this.current(path);
		if (current !== undefined) {
			current.until = this.#clock.monotonic();
		}
	}

	current(path: string): Version | undefined {
		const last = this.#versions.get(path)?.at(-1);
		return last?.until === Number.POSITIVE_INFINITY ? last : undefined;
	}

	version(path: string, id: string | undefined): Version | undefined {
		return this.#versions.get(path)?.find(version => version.id === id);
	}

	async read(reference: RemoteReference, signal: AbortSignal): Promise<SecretValue> {
		const startedAt = this.#clock.monotonic();
		const read: Read = { path: reference.path, startedAt, endedAt: Number.POSITIVE_INFINITY };
		this.reads.push(read);
		await this.#clock.sleep(this.#random.between(1, this.#halfMs), signal);
		this.#fail();
		const version = this.current(reference.path);
		await this.#clock.sleep(this.#random.between(1, this.#halfMs), signal);
		if (version === undefined) {
			throw new JasmError('reading a secret', { code: 'SECRET_NOT_FOUND' });
		}

		read.endedAt = this.#clock.monotonic();
		read.versionId = version.id;
		return new SecretValue({ payload: Buffer.from(JSON.stringify(version.members)), version: version.id });
	}

	#fail(): void {
		if (this.#random.chance(this.faults)) {
			const code = this.#random.pick([
				'PROVIDER_UNAVAILABLE',
				'PROVIDER_THROTTLED',
				'PROVIDER_DENIED',
			] as const);
			throw new JasmError('reading a secret', {
				code,
				...(code === 'PROVIDER_THROTTLED' && { retryAfterMs: this.#random.between(1, 20_000) }),
			});
		}
	}
}
