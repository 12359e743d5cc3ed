// Writes ustar archives: the same bytes for the same entries, owned by root, without a clock; pure.

export type TarEntry = {
	/** Path without leading slash; a directory ends in one. At most 100 characters. */
	readonly path: string;
	readonly mode: number;
	readonly content?: Uint8Array;
	/** Target of a symbolic link. */
	readonly link?: string;
};

const BLOCK = 512;

/** The whole archive. Throws where a path is longer than the format's name field. */
export function tar(entries: readonly TarEntry[]): Buffer {
	const blocks: Uint8Array[] = [];
	for (const entry of entries) {
		const content = entry.content ?? new Uint8Array();
		blocks.push(header(entry, content.length), content);
		const rest = content.length % BLOCK;
		if (rest > 0) blocks.push(new Uint8Array(BLOCK - rest));
	}
	blocks.push(new Uint8Array(2 * BLOCK));
	return Buffer.concat(blocks);
}

/** The entries with every missing parent directory before what is in it. */
export function withDirectories(entries: readonly TarEntry[]): TarEntry[] {
	const known = new Set(entries.map(({ path }) => path));
	const directories = new Set<string>();
	for (const { path } of entries) {
		const parts = path.replace(/\/$/, '').split('/').slice(0, -1);
		parts.forEach((_, index) => {
			const directory = `${parts.slice(0, index + 1).join('/')}/`;
			if (!known.has(directory)) directories.add(directory);
		});
	}
	return [...[...directories].sort().map(path => ({ path, mode: 0o755 })), ...entries];
}

function header({ path, mode, link = '' }: TarEntry, size: number): Buffer {
	if (Buffer.byteLength(path) > 100) throw new RangeError(`path too long for the archive: ${path}`);
	const block = Buffer.alloc(BLOCK);
	const octal = (value: number, offset: number, length: number) =>
		block.write(`${value.toString(8).padStart(length - 1, '0')}\0`, offset);
	block.write(path, 0);
	octal(mode, 100, 8);
	octal(0, 108, 8);
	octal(0, 116, 8);
	octal(size, 124, 12);
	octal(0, 136, 12);
	block.write(link !== '' ? '2' : path.endsWith('/') ? '5' : '0', 156);
	block.write(link, 157);
	block.write('ustar\x0000', 257, 'latin1');
	// The checksum is computed as if its own field were blanks.
	block.fill(' ', 148, 156);
	const sum = block.reduce((total, byte) => total + byte, 0);
	block.write(`${sum.toString(8).padStart(6, '0')}\0 `, 148);
	return block;
}
