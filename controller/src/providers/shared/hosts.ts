// Whom a provider connects to, as firewalls and network policies want it; pure.
import type { Environment, Host } from '../provider.ts';
import { proxyRules } from './proxy.ts';

/** Host and port of each URL that is given, or of the proxy that leads there. */
export function hostsOf(
	{ proxy }: { readonly proxy?: string | undefined },
	env: Environment,
	...urls: readonly (string | undefined)[]
): Host[] {
	const proxyOf = proxyRules(proxy, env);
	const hosts = urls.flatMap(text => {
		const url = URL.parse(text ?? '');
		return url === null ? [] : [proxyOf(url) ?? hostOf(url)];
	});
	const byName = new Map(hosts.map(({ host, port }) => [`${host}:${port}`, { host, port }]));
	return [...byName.values()];
}

const hostOf = ({ hostname, port, protocol }: URL): Host => ({
	host: hostname,
	port: Number(port || (protocol === 'http:' ? 80 : 443)),
});

/** The files of those fields that are set. */
export const filesOf = (...files: readonly (string | undefined)[]): string[] =>
	files.filter(file => file !== undefined);
