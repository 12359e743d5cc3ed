// Values of any size that follow from their path: the stores and the judge make the same ones.
import { createHash } from 'node:crypto';

export const STORES = ['vault', 'aws', 'azure'] as const;
export type Store = (typeof STORES)[number];

/** The text of a value: of its path, and of its version where it changes. */
export const storedText = (path: string, bytes: number, version?: number): string =>
	textOf(version === undefined ? path : `${path}#${version}`, bytes);

/** Text that cannot be compressed, another one for each seed. */
const textOf = (seed: string, bytes: number): string =>
	createHash('shake256', { outputLength: Math.ceil((bytes * 3) / 4) })
		.update(seed)
		.digest('base64url')
		.slice(0, bytes);
