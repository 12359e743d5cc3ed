// Finds the blocks of a PEM text, however its lines are broken; writes blocks in the form that every reader takes.

export type PemBlock = {
	/** Such as CERTIFICATE. */
	readonly label: string;
	/** The whole block in canonical form: lines of 64 characters. */
	readonly pem: string;
	/** The text had the block in a form that every reader takes. */
	readonly wellFormed: boolean;
};

/** Linear for every input: each part ends at the first hyphen. */
const BLOCK = /-----BEGIN ([A-Z0-9 ]{1,40})-----([^-]*(?:-[^-]+)*)-----END \1-----/g;
const HEADERS = /^[A-Za-z-]+: /m;
const STRICT = /^\r?\n(?:[A-Za-z0-9+/=]{1,76}\r?\n)+$/;

/** The blocks in their order. A block with headers, such as a key that is encrypted in the old form, stays as it is. */
export function pemBlocks(text: string): PemBlock[] {
	return Array.from(text.matchAll(BLOCK), ({ 0: whole, 1: label = '', 2: body = '', index }) => {
		if (HEADERS.test(body)) {
			return { label, pem: `${whole}\n`, wellFormed: true };
		}

		const startsLine = index === 0 || text[index - 1] === '\n';
		return {
			label,
			pem: pemOf(label, body.replace(/\s/g, '')),
			wellFormed: startsLine && STRICT.test(body),
		};
	});
}

/** `base64` without line breaks, or the bytes. */
export function pemOf(label: string, data: Buffer | string): string {
	const base64 = typeof data === 'string' ? data : data.toString('base64');
	const lines = base64.match(/.{1,64}/g) ?? [];
	return [`-----BEGIN ${label}-----`, ...lines, `-----END ${label}-----`, ''].join('\n');
}

export const isCertificate = ({ label }: PemBlock): boolean => label === 'CERTIFICATE';

export const isPrivateKey = ({ label }: PemBlock): boolean => label.endsWith('PRIVATE KEY');

/** All certificates of a text and its only private key; undefined for a text with anything less or with more keys. */
export function certificatesAndKey(
	text: string,
): { readonly certificates: string; readonly key: string } | undefined {
	const blocks = pemBlocks(text);
	const certificates = blocks.filter(isCertificate).map(({ pem }) => pem);
	const [key, ...more] = blocks.filter(isPrivateKey);
	return certificates.length > 0 && key !== undefined && more.length === 0
		? { certificates: certificates.join(''), key: key.pem }
		: undefined;
}
