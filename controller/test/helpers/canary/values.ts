// Values that must come out nowhere, and the search for them in everything that comes out.
import { createHash } from 'node:crypto';

/** Text by the name of the place where it came out. */
export type Outlets = Readonly<Record<string, string>>;

/** What a cut or a quoting parser leaves of a value; also the length of every needle's head. */
const PART = 8;

type Needle = { readonly text: string; readonly found: string };

export class Canaries {
	readonly #names = new Set<string>();
	readonly #byHead = new Map<string, Needle[]>();

	/** Letters and digits, the same for the same name; no JSON from the first letter on, so parsers quote it. */
	text(name: string): string {
		return this.add(name, `Q${digest(name).toString('base64').replaceAll(/[+/=]/g, '')}`.slice(0, 24));
	}

	/** A whole number beyond what JavaScript can count to. */
	number(name: string): string {
		return this.add(name, `7${BigInt(`0x${digest(name).toString('hex')}`)}`.slice(0, 20));
	}

	/** Bytes that are no text, around text that any decoding would show. */
	bytes(name: string): Buffer {
		return Buffer.concat([Buffer.from([0xff, 0]), Buffer.from(this.text(name)), Buffer.from([0xfe])]);
	}

	/** Looks for a value from here on: for its beginning, its end, and thereby the whole. */
	add(name: string, value: string): string {
		if (this.#names.has(name)) {
			throw new Error(`there is a canary of the name "${name}" already`);
		}

		this.#names.add(name);
		const bytes = Buffer.from(value);
		for (const [part, of] of [
			['beginning', bytes.subarray(0, PART)],
			['end', bytes.subarray(-PART)],
		] as const) {
			for (const [form, text] of formsOf(of)) {
				this.#seek({ text, found: `the ${part} of ${name} as ${form}` });
			}
		}

		return value;
	}

	/** What of the values came out, and where; empty where nothing did. */
	foundIn(outlets: Outlets): string[] {
		const found = new Set<string>();
		for (const [outlet, text] of Object.entries(outlets)) {
			for (let at = 0; at + PART <= text.length; at++) {
				for (const needle of this.#byHead.get(text.slice(at, at + PART)) ?? []) {
					if (text.startsWith(needle.text, at)) {
						found.add(`${outlet}: ${needle.found}`);
					}
				}
			}
		}

		return [...found].sort();
	}

	#seek(needle: Needle): void {
		const head = needle.text.slice(0, PART);
		this.#byHead.set(head, [...(this.#byHead.get(head) ?? []), needle]);
	}
}

const digest = (name: string): Buffer => createHash('sha256').update(`canary of ${name}`).digest();

/** Every way in which bytes come out by accident. */
function* formsOf(part: Buffer): Generator<readonly [form: string, text: string]> {
	yield ['text', part.toString('latin1')];
	yield ['hex', part.toString('hex')];
	yield ['hex, as inspect() prints it', part.toString('hex').replaceAll(/..(?!$)/g, '$& ')];
	yield ['numbers', [...part].join(',')];
	for (const alignment of [0, 1, 2]) {
		const encoded = Buffer.concat([Buffer.alloc(alignment), part]).toString('base64');
		// Without the characters that hold bits of a neighbour.
		const [first, last] = [alignment * 8, (alignment + PART) * 8].map(bits => bits / 6) as [number, number];
		const stable = encoded.slice(Math.ceil(first), Math.floor(last));
		yield [`base64, shifted by ${alignment}`, stable];
		if (/[+/]/.test(stable)) {
			yield [`base64url, shifted by ${alignment}`, stable.replaceAll('+', '-').replaceAll('/', '_')];
		}
	}
}
