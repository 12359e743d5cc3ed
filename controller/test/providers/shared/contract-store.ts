// What the contract of providers asks of a store under test, and what it expects of every provider alike.
import { type ErrorCode, JasmError } from '../../../src/errors.ts';
import type { Environment } from '../../../src/providers/provider.ts';
import type { ProviderConfig } from '../../../src/providers/registry.ts';
import type { SecretValue } from '../../../src/providers/secret-value.ts';
import type { WireFault } from '../../../testing/index.ts';

/** Ways in which a store can fail; each provider's test brings them about on the wire. */
export const FAULTS = [
	'denied',
	'unauthenticated',
	'throttled',
	'unavailable',
	'garbage',
	'truncated',
	'oversized',
	'endless',
	'compressed',
	'stalled',
	'hung',
] as const;

export type Fault = (typeof FAULTS)[number];

/** Faults below the language of a store, as every embedded store injects them. */
export const WIRE_FAULTS = {
	truncated: 'truncate',
	oversized: 'oversized',
	endless: 'endless',
	compressed: 'compressed',
	stalled: 'stall',
	hung: 'hang',
} as const satisfies Partial<Record<Fault, WireFault>>;

type MaybePromise<T> = T | Promise<T>;

/** A running store with what a provider needs to reach it. */
export type Store = {
	/** The provider's configuration; the contract adds `timeoutMs`. */
	readonly config: ProviderConfig;
	readonly env: Environment;
	/** Writes a new current version of a secret: JSON text, plain text or bytes. Over the network it takes time. */
	put(path: string, payload: string | Buffer): MaybePromise<{ readonly version: string }>;
	/** Removes a secret so that the store answers as if it had never been. */
	remove(path: string): MaybePromise<void>;
	/** Makes every read fail in one way until `stop`. */
	fail(fault: Fault): { stop(): void };
	/** Reads that arrived so far. */
	reads(): number;
	/** Resolves once so many reads have arrived. */
	arrived(reads: number): Promise<unknown>;
	close(): Promise<void>;
};

export type ProviderUnderTest = {
	/** Begins the titles. */
	readonly name: string;
	start(): Promise<Store>;
	/** Payloads other than JSON objects that the store can hold. */
	readonly forms: readonly ('text' | 'binary')[];
	/** What stands for a path such as prod/db, where names of this store cannot have slashes. Default: itself. */
	readonly pathOf?: (path: string) => string;
	/** Whether the store keeps versions. Default: true. */
	readonly versions?: boolean;
	/** Whether the store gives numbers back as they were written, or takes them for floats. Default: exact. */
	readonly numbers?: 'exact' | 'float';
	/** Paths that this provider refuses, beyond those that all refuse. */
	readonly refusedPaths?: readonly string[];
};

/** Refused by every provider, and by each before anything leaves the process. */
export const REFUSED = [
	'',
	'..',
	'../other',
	'a/../b',
	'a\u0000b',
	'a\n',
	'a\u202eb',
	'a\ud83db',
	'x'.repeat(2_000),
];

export const EXPECTED: Readonly<Record<Exclude<Fault, 'stalled' | 'hung'>, ErrorCode>> = {
	denied: 'PROVIDER_DENIED',
	unauthenticated: 'PROVIDER_AUTH',
	throttled: 'PROVIDER_THROTTLED',
	unavailable: 'PROVIDER_UNAVAILABLE',
	garbage: 'PROVIDER_UNAVAILABLE',
	truncated: 'PROVIDER_UNAVAILABLE',
	oversized: 'SECRET_TOO_LARGE',
	endless: 'SECRET_TOO_LARGE',
	compressed: 'PROVIDER_UNAVAILABLE',
};

/** A number that one store keeps and another rounds; both are given on as the store wrote them. */
export const NUMBERS = {
	exact: { int: '12345678901234567890', money: '1.10', deep: '{"n":[9007199254740993]}' },
	float: { int: '12345678901234567000', money: '1.1', deep: '{"n":[9007199254740992]}' },
} as const;

/** The coded error that a read fails with; anything else fails the test. */
export async function refusal(read: Promise<SecretValue>): Promise<JasmError> {
	const error = await read.then(
		() => new Error('expected the read to fail'),
		(reason: unknown) => reason,
	);
	if (error instanceof JasmError) {
		return error;
	}

	throw error;
}
