// The kinds of fields that the schema of the configuration file consists of, each with its own words for a fault.
import { BlockList, isIP } from 'node:net';
import * as z from 'zod/mini';

/** A text that `faultOf` finds nothing wrong with; a fault reads on after the field's name. */
export const text = (faultOf: (value: string) => string | undefined, description: string) =>
	z.string().check(
		z.check(context => {
			const message = faultOf(context.value);
			if (message !== undefined) {
				context.issues.push({ code: 'custom', message, input: context.value });
			}
		}),
		z.describe(description),
	);

export const matching = (pattern: RegExp, fault: string, description: string) =>
	z.string().check(z.regex(pattern, fault), z.describe(description));

export const integer = (minimum: number, maximum: number, description: string) =>
	z.int().check(z.minimum(minimum), z.maximum(maximum), z.describe(description));

export const listOf = <T extends z.core.$ZodType>(item: T, description: string) =>
	z.array(item).check(z.minLength(1), z.describe(description));

/** Where nodes serve credentials: nothing of ours goes there by way of a URL, emulators do not live there. */
const METADATA_ADDRESSES = new BlockList();
METADATA_ADDRESSES.addSubnet('169.254.0.0', 16);
METADATA_ADDRESSES.addSubnet('fe80::', 10, 'ipv6');
METADATA_ADDRESSES.addSubnet('fd00:ec2::', 32, 'ipv6');

/** What is wrong with the address of a server or an emulator, or undefined. */
export function endpointFault(endpoint: string): string | undefined {
	const url = URL.parse(endpoint);
	if (url === null || !/^https?:$/.test(url.protocol)) {
		return 'is not an http or https URL';
	}

	if (url.username || url.password || url.search || url.hash) {
		return 'must not carry credentials, a query or a fragment';
	}

	// The parser has written every spelling of an address in its one normal form.
	const host = url.hostname.replace(/^\[(.*)\]$/, '$1').replace(/\.$/, '');
	const family = isIP(host);
	return family !== 0 && METADATA_ADDRESSES.check(host, family === 6 ? 'ipv6' : 'ipv4')
		? 'is a link-local address or one of a metadata service'
		: undefined;
}

/** What is wrong with an address that credentials are sent to, or undefined. */
export function secureAddressFault(address: string): string | undefined {
	return /^https:/i.test(address) ? endpointFault(address) : 'is not an https URL';
}

export const filePath = (description: string) =>
	matching(/^\/[^\p{Cc}]+$/u, 'is not an absolute path', description);
