// The fields that the schemas of the configuration file consist of, each with its own words for a fault.
import { BlockList, isIP } from 'node:net';
import * as z from 'zod/mini';
import { proxyFault } from './proxy.ts';

/** A text in which `faultOf` finds nothing wrong; a fault reads on after the field's name. */
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

export const flag = (description: string) => z.boolean().check(z.describe(description));

export const listOf = <T extends z.core.$ZodType>(item: T, description: string) =>
	z.array(item).check(z.minLength(1), z.describe(description));

export const filePath = (description: string) =>
	matching(/^\/[^\p{Cc}]+$/u, 'is not an absolute path', description);

/** What holds for a field that is left out, where that is no fixed value. */
export type Absence = {
	/** Environment variables that are read instead; the first that is set counts. */
	readonly variables?: readonly string[];
	/** In words, for the documentation. */
	readonly words?: string;
};

export const absences = z.registry<Absence>();

/** Reads environment variables where the configuration leaves the field out. */
export const fromEnvironment = <T extends z.core.$ZodType>(field: T, ...variables: readonly string[]): T => {
	absences.add(field, { ...absences.get(field), variables });
	return field;
};

/** An optional field; `words` say what holds without it. */
export const optional = <T extends z.core.$ZodType>(words: string, field: T) => {
	const schema = z.optional(field);
	absences.add(schema, { words });
	return schema;
};

/** A choice of credentials, with what is signed in by. */
export const credentials = <Name extends string>(name: Name, description: string) =>
	z.literal(name).check(z.describe(description));

/**
 * A rule about several fields, which is checked where `fields` have no faults of their own: what follows from
 * another fault is not a fault. `fault` gives the field that is at fault with the rest of the sentence.
 */
export const rule = <T>(
	fields: readonly (string & keyof T)[],
	fault: (value: T) => readonly [field: string, message: string] | undefined,
) => {
	const check = z.check<T>(context => {
		const [field, message] = fault(context.value) ?? [];
		if (field !== undefined && message !== undefined) {
			const params = { sentence: true };
			context.issues.push({ code: 'custom', path: [field], message, params, input: context.value });
		}
	});
	check._zod.def.when = ({ issues }) =>
		!issues.some(({ path = [] }) => fields.includes(path[0] as (typeof fields)[number]));
	return check;
};

/** The fields that every kind has. */
export const COMMON_FIELDS = {
	timeoutMs: z._default(
		integer(100, 60_000, 'Milliseconds of one request. A whole read takes at most twice as long.'),
		5_000,
	),
	concurrency: z._default(integer(1, 1_000, 'Maximum number of reads at the same time.'), 64),
	readsPerSecond: optional(
		'no limit',
		integer(1, 10_000, 'Sustained reads per second for all namespaces together.'),
	),
};

export const caFile = () =>
	optional(
		'the well-known authorities',
		filePath('PEM file with the certificate authorities to trust instead of the well-known ones.'),
	);

/** The fields that decide how the network is reached, which every kind has. */
export const NETWORK_FIELDS = {
	caFile: caFile(),
	proxy: optional(
		'`HTTPS_PROXY`, `HTTP_PROXY` and `NO_PROXY`',
		z.string().check(
			z.check(context => {
				const message = proxyFault(context.value);
				if (message !== undefined) {
					// A sentence of its own, because the value may hold a password.
					const params = { sentence: true };
					context.issues.push({ code: 'custom', message, params, input: context.value });
				}
			}),
			z.describe(
				'Proxy for every request of this provider or issuer: `http://HOST:PORT`, `https://HOST:PORT`, or `none` to connect directly.',
			),
		),
	),
	proxyCredentialsFile: z.optional(filePath('File with USER:PASSWORD for the proxy.')),
};

/** The only audience that a ServiceAccount token may have. */
export const audience = (value: string) =>
	z._default(
		matching(/^[\x21-\x7e]{1,256}$/, 'is not an audience', 'The only audience that the token may have.'),
		value,
	);

/** Where nodes serve credentials: no configured URL may lead there, and emulators do not live there. */
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
