// Which proxy a provider's request goes through: the one of the configuration, or of the environment; pure.
import { BlockList, isIP } from 'node:net';
import type { Environment } from '../provider.ts';

/** A proxy. Its credentials are in no field, so that no log, error or dump can show them. */
export class ProxyServer {
	/** HOST:PORT, for messages. */
	readonly name: string;
	readonly host: string;
	readonly port: number;
	/** It speaks TLS itself. */
	readonly secure: boolean;
	readonly #url: URL;

	constructor(url: URL) {
		this.#url = url;
		this.host = url.hostname;
		this.port = Number(url.port || (url.protocol === 'https:' ? 443 : 80));
		this.secure = url.protocol === 'https:';
		this.name = `${this.host}:${this.port}`;
	}

	/** The URL with credentials; `credentials` (USER:PASSWORD) stand in for those that it lacks. */
	address(credentials?: string): string {
		const url = new URL(this.#url);
		if (credentials !== undefined && url.username === '') {
			const [user = '', ...password] = credentials.split(':');
			url.username = encodeURIComponent(user);
			url.password = encodeURIComponent(password.join(':'));
		}

		return url.href;
	}
}

/** The proxy for a request to this URL; undefined: it connects directly. */
export type ProxyRules = (target: URL) => ProxyServer | undefined;

/** The environment variables that the rules read, upper case before lower case. */
export const PROXY_VARIABLES = {
	HTTPS_PROXY: 'the proxy for https addresses of providers; `https_proxy` is read as well',
	HTTP_PROXY: 'the proxy for http addresses of providers; `http_proxy` is read as well',
	NO_PROXY: 'hosts that are reached without a proxy; `no_proxy` is read as well',
} as const;

const DIRECT = 'none';

/** What is wrong with a `proxy` of the configuration, or undefined. Never repeats it: it may hold a password. */
export function proxyFault(proxy: string): string | undefined {
	const url = proxy === DIRECT ? undefined : parse(proxy, false);
	if (url === null) {
		return `is not http://HOST:PORT, https://HOST:PORT or ${DIRECT}`;
	}

	return url?.username || url?.password
		? 'must not carry credentials: put USER:PASSWORD into the file of proxyCredentialsFile'
		: undefined;
}

/** What is wrong with the variables, as `NAME: what is wrong`; never repeats their values. */
export function proxyVariableFaults(env: Environment): string[] {
	return ['HTTPS_PROXY', 'HTTP_PROXY'].flatMap(name => {
		const value = variable(env, name);
		return value !== '' && parse(value, true) === null
			? [`${name}: is not the address of an http or https proxy (http://HOST:PORT)`]
			: [];
	});
}

/** A configured proxy is for every request. Those of the environment are for hosts outside NO_PROXY. */
export function proxyRules(proxy: string | undefined, env: Environment): ProxyRules {
	if (proxy !== undefined) {
		const url = proxy === DIRECT ? null : parse(proxy, false);
		const server = url === null ? undefined : new ProxyServer(url);
		return () => server;
	}

	const [https, http] = ['HTTPS_PROXY', 'HTTP_PROXY'].map(name => {
		const url = parse(variable(env, name), true);
		return url === null ? undefined : new ProxyServer(url);
	});
	const direct = exceptions(variable(env, 'NO_PROXY'));
	return target => (direct(target) ? undefined : target.protocol === 'https:' ? https : http);
}

const variable = (env: Environment, name: string): string =>
	(env[name] || env[name.toLowerCase()] || '').trim();

/** As curl and Go do, takes HOST:PORT in a variable for an http proxy. */
function parse(text: string, bare: boolean): URL | null {
	const url = URL.parse(bare && !/^[a-z][a-z0-9+.-]*:\/\//i.test(text) ? `http://${text}` : text);
	const plain = url !== null && url.pathname === '/' && url.search === '' && url.hash === '';
	return plain && /^https?:$/.test(url.protocol) && url.hostname !== '' ? url : null;
}

/**
 * NO_PROXY as Go reads it: `*`, HOST (with its subdomains), .HOST (only subdomains), an address or a CIDR, each
 * with an optional port. Loopback and link-local addresses, where the node serves credentials, are exceptions too.
 */
function exceptions(list: string): (target: URL) => boolean {
	const rules = list.split(/[\s,]+/).flatMap(entry => ruleOf(entry.toLowerCase()) ?? []);
	return ({ protocol, hostname, port }) => {
		const host = hostname
			.replace(/^\[(.*)\]$/, '$1')
			.replace(/\.$/, '')
			.toLowerCase();
		const number = Number(port || (protocol === 'https:' ? 443 : 80));
		return host === 'localhost' || contains(LOCAL, host) || rules.some(matches => matches(host, number));
	};
}

const LOCAL = new BlockList();
LOCAL.addSubnet('127.0.0.0', 8);
LOCAL.addSubnet('169.254.0.0', 16);
LOCAL.addAddress('::1', 'ipv6');
LOCAL.addSubnet('fe80::', 10, 'ipv6');

const familyOf = (host: string) => (isIP(host) === 6 ? 'ipv6' : 'ipv4');

const contains = (addresses: BlockList, host: string): boolean =>
	isIP(host) !== 0 && addresses.check(host, familyOf(host));

type Rule = (host: string, port: number) => boolean;

function ruleOf(entry: string): Rule | undefined {
	if (entry === '' || entry === '*') {
		return entry === '' ? undefined : () => true;
	}

	const [, address = '', bits] = /^([0-9a-f:.]+)\/(\d{1,3})$/.exec(entry) ?? [];
	if (isIP(address) !== 0 && Number(bits) <= (isIP(address) === 6 ? 128 : 32)) {
		const addresses = new BlockList();
		addresses.addSubnet(address, Number(bits), familyOf(address));
		return host => contains(addresses, host);
	}

	const bare = isIP(entry) === 6 ? entry : undefined;
	const [, bracketed, name, port] = /^(?:\[([0-9a-f:.]+)\]|([^:[\]]+))(?::(\d{1,5}))?$/.exec(entry) ?? [];
	const host = bare ?? bracketed ?? name?.replace(/^\*(?=\.)/, '').replace(/(?<=.)\.$/, '');
	if (host === undefined) {
		return undefined;
	}

	const hosts: (candidate: string) => boolean = host.startsWith('.')
		? candidate => candidate.endsWith(host)
		: candidate => candidate === host || (isIP(host) === 0 && candidate.endsWith(`.${host}`));
	return (candidate, number) => hosts(candidate) && (port === undefined || Number(port) === number);
}
