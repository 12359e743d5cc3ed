// Decrypts the parts of a PKCS #12 file that has no password, by Node's crypto; bounded work for every input; pure.
import { createDecipheriv, hash, pbkdf2Sync } from 'node:crypto';
import { type Der, integerOf, malformed, oidOf, part, TAG } from './der.ts';
import { CertificateFault } from './fault.ts';
import { decryptRc2 } from './rc2.ts';

/** Iterations of key derivation for one file, all its parts together: tools write 1,024 to 10,000 for each part. */
const MAX_ITERATIONS = 100_000;

/** The iterations that are left for one file. */
export type Work = { iterations: number };

export const workForOneFile = (): Work => ({ iterations: MAX_ITERATIONS });

/** "No password" is written in two ways: as nothing, and as an empty text with the zero that ends it. */
const NO_PASSWORD = [Buffer.alloc(2), Buffer.alloc(0)] as const;

type Decipher = (data: Buffer, key: Buffer, iv: Buffer) => Buffer;

const PKCS12_PBE: ReadonlyMap<string, readonly [keyBytes: number, decipher: Decipher]> = new Map([
	['1.2.840.113549.1.12.1.3', [24, decipher('des-ede3-cbc')]],
	['1.2.840.113549.1.12.1.4', [16, decryptTwoKeyTripleDes]],
	['1.2.840.113549.1.12.1.5', [16, decryptRc2]],
	['1.2.840.113549.1.12.1.6', [5, decryptRc2]],
]);

const PBES2 = '1.2.840.113549.1.5.13';
const PBKDF2 = '1.2.840.113549.1.5.12';

const PRFS: ReadonlyMap<string, string> = new Map([
	['1.2.840.113549.2.7', 'sha1'],
	['1.2.840.113549.2.8', 'sha224'],
	['1.2.840.113549.2.9', 'sha256'],
	['1.2.840.113549.2.10', 'sha384'],
	['1.2.840.113549.2.11', 'sha512'],
]);

const PBES2_CIPHERS: ReadonlyMap<string, readonly [keyBytes: number, decipher: Decipher]> = new Map([
	['2.16.840.1.101.3.4.1.2', [16, decipher('aes-128-cbc')]],
	['2.16.840.1.101.3.4.1.22', [24, decipher('aes-192-cbc')]],
	['2.16.840.1.101.3.4.1.42', [32, decipher('aes-256-cbc')]],
	['1.2.840.113549.3.7', [24, decipher('des-ede3-cbc')]],
]);

/**
 * What `read` makes of the plain text. It has to throw for a text that is not what it expects, because only that
 * tells a wrong password.
 *
 * @throws CertificateFault
 */
export function decrypted<T>(algorithm: Der, data: Buffer, work: Work, read: (plain: Buffer) => T): T {
	for (const plain of candidates(algorithm, data, work)) {
		try {
			return read(withoutPadding(plain));
		} catch {
			// Another form of "no password", or a password: the next candidate tells.
		}
	}

	throw new CertificateFault('the PKCS #12 file is protected by a password, which JASM has no place for');
}

function* candidates(algorithm: Der, data: Buffer, work: Work): Generator<Buffer> {
	const id = oidOf(part(algorithm, 0, TAG.oid));
	const parameters = part(algorithm, 1, TAG.sequence);
	if (id === PBES2) {
		yield pbes2(parameters, data, work);
		return;
	}

	const [keyBytes, decipher] = PKCS12_PBE.get(id) ?? unknown();
	const salt = part(parameters, 0, TAG.octets).bytes;
	const iterations = integerOf(part(parameters, 1, TAG.integer));
	for (const password of NO_PASSWORD) {
		spend(work, 3 * iterations);
		const [key, iv] = ([1, 2] as const).map(purpose =>
			pkcs12Key({ purpose, password, salt, iterations, bytes: purpose === 1 ? keyBytes : 8 }),
		);
		yield attempt(() => decipher(data, key!, iv!));
	}
}

function pbes2(parameters: Der, data: Buffer, work: Work): Buffer {
	const derivation = part(parameters, 0, TAG.sequence);
	const encryption = part(parameters, 1, TAG.sequence);
	if (oidOf(part(derivation, 0, TAG.oid)) !== PBKDF2) {
		return unknown();
	}

	const { parts } = part(derivation, 1, TAG.sequence);
	const [salt, count] = parts;
	const prf = parts.find(({ tag }) => tag === TAG.sequence);
	if (salt?.tag !== TAG.octets || count === undefined) {
		throw malformed();
	}

	const digest = prf === undefined ? 'sha1' : (PRFS.get(oidOf(part(prf, 0, TAG.oid))) ?? unknown());
	const [keyBytes, decipher] = PBES2_CIPHERS.get(oidOf(part(encryption, 0, TAG.oid))) ?? unknown();
	const iv = part(encryption, 1, TAG.octets).bytes;
	const iterations = integerOf(count);
	spend(work, iterations);
	const key = pbkdf2Sync('', salt.bytes, Math.max(1, iterations), keyBytes, digest);
	return attempt(() => decipher(data, key, iv));
}

function spend(work: Work, iterations: number): void {
	work.iterations -= iterations;
	if (work.iterations < 0) {
		throw new CertificateFault(
			`the PKCS #12 file needs more than ${MAX_ITERATIONS} iterations to be opened: export it with fewer`,
		);
	}
}

function unknown(): never {
	throw new CertificateFault(
		'the PKCS #12 file is encrypted in a way that JASM does not know: export it with AES-256 or 3DES',
	);
}

type KeyOptions = {
	readonly purpose: 1 | 2;
	readonly password: Buffer;
	readonly salt: Buffer;
	readonly iterations: number;
	readonly bytes: number;
};

/** RFC 7292, B.2, with SHA-1: blocks of 64 bytes, digests of 20. */
function pkcs12Key({ purpose, password, salt, iterations, bytes }: KeyOptions): Buffer {
	const diversifier = Buffer.alloc(64, purpose);
	const input = Buffer.concat([filled(salt), filled(password)]);
	const digests: Buffer[] = [];
	for (let have = 0; have < bytes; have += 20) {
		let digest = sha1(Buffer.concat([diversifier, input]));
		for (let round = 1; round < iterations; round++) {
			digest = sha1(digest);
		}

		digests.push(digest);
		const addend = Buffer.alloc(64, digest);
		for (let block = 0; block < input.length; block += 64) {
			let carry = 1;
			for (let index = 63; index >= 0; index--) {
				carry += input[block + index]! + addend[index]!;
				input[block + index] = carry & 0xff;
				carry >>= 8;
			}
		}
	}

	return Buffer.concat(digests).subarray(0, bytes);
}

const sha1 = (bytes: Buffer): Buffer => hash('sha1', bytes, 'buffer');

/** Repeated until its length is a multiple of a block's. */
const filled = (bytes: Buffer): Buffer =>
	bytes.length === 0 ? bytes : Buffer.alloc(64 * Math.ceil(bytes.length / 64), bytes);

function decipher(name: string): Decipher {
	return (data, key, iv) => {
		const stream = createDecipheriv(name, key, iv).setAutoPadding(false);
		return Buffer.concat([stream.update(data), stream.final()]);
	};
}

function decryptTwoKeyTripleDes(data: Buffer, key: Buffer, iv: Buffer): Buffer {
	return decipher('des-ede3-cbc')(data, Buffer.concat([key, key.subarray(0, 8)]), iv);
}

/** An initialisation vector or a length that does not fit is a fault of the file. */
function attempt(action: () => Buffer): Buffer {
	try {
		return action();
	} catch {
		throw malformed();
	}
}

function withoutPadding(plain: Buffer): Buffer {
	const count = plain.at(-1) ?? 0;
	if (count === 0 || count > 16 || plain.subarray(-count).some(byte => byte !== count)) {
		throw malformed();
	}

	return plain.subarray(0, -count);
}
