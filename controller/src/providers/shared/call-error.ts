// Why a request over the network got no usable answer, and how that is reported.
import { JasmError } from '../../errors.ts';
import { defect, type Facts, identifier, ProviderFailure } from './failure.ts';
import type { ProxyServer } from './proxy.ts';

export type CallErrorOptions = {
	/** The connection was an old one, which the other side may just have closed. */
	readonly stale?: boolean;
	/** The request went through this proxy. */
	readonly proxy?: ProxyServer | undefined;
	/** The proxy itself failed: with this status, or without an answer. */
	readonly proxyStatus?: number | undefined;
	readonly atProxy?: boolean;
	/** The file of the configuration that could not be read. */
	readonly file?: string;
};

/** Whom a request is for. */
export type Service = {
	readonly name: string;
	/** The fields of the configuration that its host comes from. */
	readonly host: string;
};

/** Nothing of the request or of Node's error is kept but Node's code for it. */
export class CallError extends Error {
	override readonly name = 'CallError';
	/** Node's code, under the name by which the AWS SDK looks for it. */
	readonly code: string;
	readonly options: CallErrorOptions;

	constructor(code: string, options: CallErrorOptions = {}) {
		super('no usable answer');
		this.code = code;
		this.options = options;
	}

	/** From what Node or a client threw. */
	static of(error: unknown, options: CallErrorOptions = {}): CallError {
		if (error instanceof CallError) {
			return error;
		}

		// A timeout of the AWS SDK has a name in place of a code.
		const { name, syscall, statusCode, ...node } = Object(error) as NodeError;
		const { code = name === 'TimeoutError' ? 'ETIMEDOUT' : 'UNKNOWN' } = node;
		const { proxy } = options;
		const tunnel = code === 'ERR_PROXY_TUNNEL';
		// Through a proxy every connection goes to it.
		const connecting = proxy !== undefined && (syscall === 'connect' || syscall === 'getaddrinfo');
		return new CallError(String(code), {
			...options,
			atProxy: tunnel || connecting,
			proxyStatus: tunnel && Number.isInteger(statusCode) ? Number(statusCode) : undefined,
		});
	}

	get stale(): boolean {
		return this.options.stale ?? false;
	}

	/** The certificate of the other side is not one that we trust for its name. */
	get untrusted(): boolean {
		return UNTRUSTED.test(this.code);
	}
}

/** The codes of OpenSSL for a certificate that does not stand, and Node's for one of another name. */
const UNTRUSTED =
	/^(CERT_|DEPTH_|SELF_|UNABLE_TO_(GET|VERIFY|DECRYPT|DECODE)|INVALID_(CA|PURPOSE)|ERROR_IN_CERT|HOSTNAME_|PATH_LENGTH|ERR_TLS_CERT)/;

type NodeError = {
	readonly name?: unknown;
	readonly code?: unknown;
	readonly syscall?: unknown;
	readonly statusCode?: unknown;
};

/** What a call failed with, whatever was thrown: only an error of the language itself is a defect of JASM. */
export function failureOf(
	error: unknown,
	service: Service,
	further: Facts = {},
): ProviderFailure | JasmError {
	if (isRefusal(error)) {
		return error;
	}

	if (error instanceof CallError) {
		return callFailure(error, service, further);
	}

	const { name, code } = Object(error) as NodeError;
	const details = { ...further, ...identifier('error', name), ...identifier('errno', code) };
	return code === undefined && DEFECT.test(String(name))
		? defect(error)
		: unavailable(`no usable answer from ${service.name}`, details);
}

/** An error that says something about the value rather than about the connection: it is reported as it is. */
export const isRefusal = (error: unknown): error is JasmError | ProviderFailure =>
	error instanceof JasmError || error instanceof ProviderFailure;

/** Errors of the language without a code of Node. All others come from outside. */
const DEFECT = /^(Type|Range|Reference|Eval|URI)Error$/;

function callFailure(error: CallError, service: Service, further: Facts): ProviderFailure {
	const { proxy, atProxy = false, proxyStatus, file } = error.options;
	const details = {
		...further,
		...identifier('errno', error.code),
		...(proxy && { proxy: proxy.name }),
		...(proxyStatus && { proxyStatus }),
		...(file && { file }),
	};
	if (proxy !== undefined && atProxy) {
		return proxyStatus === undefined
			? unavailable(`no answer from the proxy ${proxy.name}`, details)
			: refusedByProxy(proxy.name, proxyStatus, details);
	}

	if (error.untrusted) {
		return unavailable(untrustedText(error.code, service.name, proxy), details);
	}

	const field = UNREADABLE.get(error.code);
	if (field !== undefined) {
		return unavailable(`the file of ${field} cannot be read`, details);
	}

	const cause =
		proxy === undefined ? (CAUSES.get(error.code)?.(service) ?? '') : ` through the proxy ${proxy.name}`;
	return unavailable(`no usable answer from ${service.name}${cause}`, details);
}

/** What a person can check, by Node's code. */
const CAUSES: ReadonlyMap<string, (service: Service) => string> = new Map<
	string,
	(service: Service) => string
>([
	['ENOTFOUND', ({ host }) => `: its host name does not exist (ENOTFOUND), check ${host}`],
	['EAI_AGAIN', () => ': its host name could not be looked up (EAI_AGAIN), check the DNS of the cluster'],
	['ECONNREFUSED', ({ host }) => `: nothing listens at its address (ECONNREFUSED), check ${host}`],
	[
		'CONNECT_TIMEOUT',
		({ host }) => `: connecting took too long, check ${host} and what network policies and firewalls let out`,
	],
	['EPERM', () => ': the node forbids the connection (EPERM), check network policies'],
]);

/** Of a proxy that speaks TLS, Node does not say whose certificate it was; caFile is not for the proxy's. */
function untrustedText(code: string, service: string, proxy: ProxyServer | undefined): string {
	if (proxy?.secure) {
		return (
			`the certificate of the proxy ${proxy.name}, or that of ${service} behind it, is not trusted for its ` +
			`address (${code}): check NODE_EXTRA_CA_CERTS for the proxy, caFile for ${service}`
		);
	}

	const way = proxy === undefined ? '' : `, through the proxy ${proxy.name},`;
	return `the certificate of ${service}${way} is not trusted for its address (${code}): check caFile`;
}

const UNREADABLE: ReadonlyMap<string, string> = new Map([
	['UNABLE_TO_READ_CA_FILE', 'caFile'],
	['UNABLE_TO_READ_PROXY_CREDENTIALS', 'proxyCredentialsFile'],
]);

const unavailable = (text: string, details: Facts) =>
	new ProviderFailure(text, { code: 'PROVIDER_UNAVAILABLE', details });

/** A refusal is a matter of its rules; any other status says that the proxy could not connect. */
function refusedByProxy(name: string, status: number, details: Facts): ProviderFailure {
	if (status === 407) {
		return new ProviderFailure(
			`the proxy ${name} refused JASM's credentials (407): check proxyCredentialsFile`,
			{
				code: 'PROVIDER_MISCONFIGURED',
				details,
			},
		);
	}

	return status >= 400 && status < 500
		? new ProviderFailure(`the proxy ${name} refused the connection (${status})`, {
				code: 'PROVIDER_MISCONFIGURED',
				details,
			})
		: unavailable(`the proxy ${name} could not connect (${status})`, details);
}
