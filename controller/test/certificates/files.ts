// The certificates of the folder files/, which files/make.sh made with OpenSSL.
import { readFileSync } from 'node:fs';

export const fileOf = (name: string): Buffer => readFileSync(new URL(`files/${name}`, import.meta.url));

const textOf = (name: string) => fileOf(name).toString();

export const ROOT = textOf('root.pem');
export const INTERMEDIATE = textOf('intermediate.pem');
export const LEAF = textOf('leaf.pem');
/** The key of LEAF. */
export const KEY = textOf('leaf.key');
