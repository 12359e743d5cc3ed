// RC2 in CBC mode, decryption only (RFC 2268): PKCS #12 files of Windows and Key Vault use it, and OpenSSL 3 lacks it.

/** The table PITABLE of the RFC. */
const PI = Buffer.from(
	'd978f9c419ddb5ed28e9fd794aa0d89dc67e37832b76538e624c6488448bfba2' +
		'179a59f587b34f1361456d8d09817d32bd8f40eb86b77b0bf09521225c6b4e82' +
		'54d66593ce60b21c7356c014a78cf1dc1275ca1f3bbee4d1423dd430a33cb626' +
		'6fbf0eda4669075727f21d9bbc944303f811c7f690ef3ee706c3d52fc8661ed7' +
		'08e8eade8052eef784aa72ac354d6a2a961ad2715a1549744b9fd05e0418a4ec' +
		'c2e0416e0f51cbcc2491af50a1f47039997c3a8523b8b47afc02365b25559731' +
		'2d5dfa98e38a92ae05df2910676cbac9d300e6cfe19ea82c6316013f58e289a9' +
		'0d38341bab33ffb0bb480c5fb9b1cd2ec5f3db47e5a59c770aa62068fe7fc1ad',
	'hex',
);

const BLOCK_BYTES = 8;
/** Bits by which the words of a block are rotated. */
const ROTATIONS = [1, 2, 3, 5] as const;
/** After these rounds, counted from the end, a round of the other kind follows. */
const MASHES: ReadonlySet<number> = new Set([11, 5]);

/** The whole plain text, padding included. `data` is a multiple of eight bytes; the effective bits are those of the key. */
export function decryptRc2(data: Buffer, key: Buffer, iv: Buffer): Buffer {
	const words = expand(key);
	const plain = Buffer.alloc(data.length);
	let previous = iv;
	for (let at = 0; at + BLOCK_BYTES <= data.length; at += BLOCK_BYTES) {
		const block = data.subarray(at, at + BLOCK_BYTES);
		const decrypted = decryptBlock(block, words);
		for (let index = 0; index < BLOCK_BYTES; index++) {
			plain[at + index] = decrypted[index]! ^ previous[index]!;
		}

		previous = block;
	}

	return plain;
}

function expand(key: Buffer): Uint16Array {
	const bytes = Buffer.alloc(128);
	key.copy(bytes);
	const size = key.length;
	for (let index = size; index < 128; index++) {
		bytes[index] = PI[(bytes[index - 1]! + bytes[index - size]!) & 0xff]!;
	}

	bytes[128 - size] = PI[bytes[128 - size]!]!;
	for (let index = 127 - size; index >= 0; index--) {
		bytes[index] = PI[bytes[index + 1]! ^ bytes[index + size]!]!;
	}

	return Uint16Array.from({ length: 64 }, (_, index) => bytes.readUInt16LE(2 * index));
}

function decryptBlock(block: Buffer, words: Uint16Array): Buffer {
	const r = [0, 2, 4, 6].map(offset => block.readUInt16LE(offset));
	for (let round = 15; round >= 0; round--) {
		for (let index = 3; index >= 0; index--) {
			const [one, two, three] = [r[(index + 3) & 3]!, r[(index + 2) & 3]!, r[(index + 1) & 3]!];
			const bits = ROTATIONS[index]!;
			const rotated = ((r[index]! >>> bits) | (r[index]! << (16 - bits))) & 0xffff;
			r[index] = (rotated - words[4 * round + index]! - (one & two) - (~one & three)) & 0xffff;
		}

		if (MASHES.has(round)) {
			for (let index = 3; index >= 0; index--) {
				r[index] = (r[index]! - words[r[(index + 3) & 3]! & 63]!) & 0xffff;
			}
		}
	}

	const plain = Buffer.alloc(BLOCK_BYTES);
	for (const [index, word] of r.entries()) {
		plain.writeUInt16LE(word, 2 * index);
	}

	return plain;
}
