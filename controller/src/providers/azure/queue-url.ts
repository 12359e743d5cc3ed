// The URL of a Service Bus queue: what it may be; pure.
import { secureAddressFault } from '../shared/schema-fields.ts';
import { serviceBusOf } from './clouds.ts';

/** Names of queues may have slashes; the parts of JASM's own addresses are no names. */
const PATH = /^\/(?<name>[A-Za-z0-9]([A-Za-z0-9._/-]{0,258}[A-Za-z0-9])?)$/;
const NAMESPACE = /^[a-z][a-z0-9-]{4,48}[a-z0-9]$/;

/** The name of the queue; undefined where the text is no URL of one. */
export function queueNameIn(text: string): string | undefined {
	return secureAddressFault(text) === undefined
		? PATH.exec(URL.parse(text)?.pathname ?? '')?.groups?.['name']
		: undefined;
}

/** What is wrong with the URL of a queue for a provider of this configuration, or undefined. */
export function queueUrlFault(
	text: string,
	{
		vaultUrl = '',
		endpoint,
	}: { readonly vaultUrl?: string | undefined; readonly endpoint?: string | undefined },
): string | undefined {
	const suffix = serviceBusOf(vaultUrl) ?? 'servicebus.windows.net';
	if (queueNameIn(text) === undefined) {
		return `is not the URL of a Service Bus queue (https://NAMESPACE.${suffix}/QUEUE)`;
	}

	const { host } = new URL(text);
	const [namespace = '', ...rest] = host.split('.');
	const own = NAMESPACE.test(namespace) && rest.join('.') === suffix;
	// In an unknown cloud only the operator knows the hosts.
	return own || endpoint !== undefined || serviceBusOf(vaultUrl) === undefined
		? undefined
		: `is not a URL of the vault's cloud (*.${suffix}), and the provider has no endpoint of an emulator`;
}
