// Reads flags, environment and file into one checked configuration; every fault is reported at once.
import { readFileSync } from 'node:fs';
import { readConfigFile } from './config-file.ts';
import type { ConfigFile } from './config-schema.ts';
import { JasmError } from './errors.ts';
import { type FlagName, parseFlags, usage } from './flags.ts';
import { isNamespace } from './kubernetes-names.ts';
import type { PolicyRule } from './policy.ts';
import { printable } from './printable.ts';
import type { Environment, ProviderConfig } from './providers/provider.ts';

export { FLAGS } from './flags.ts';

/** The ports of the default addresses. */
export const PORTS = { metrics: 8080, health: 8081 } as const;

/** The environment variables that are read, and by whom. */
export const ENVIRONMENT = {
	POD_NAME: 'the identity in the Lease and in Events',
	POD_NAMESPACE: "JASM's own namespace, where --namespace is not given",
	KUBECONFIG: 'how to reach the API server, where --kubeconfig is not given',
	KUBERNETES_SERVICE_HOST: 'the API server, in a cluster',
	KUBERNETES_SERVICE_PORT: 'the API server, in a cluster',
	AWS_REGION: 'the region of providers that name none',
	AWS_ROLE_ARN: 'the role of providers with credentials web-identity that name none',
	AWS_WEB_IDENTITY_TOKEN_FILE: 'the token of providers with credentials web-identity that name none',
	AWS_ROLE_SESSION_NAME: 'the session name of credentials web-identity',
	AWS_CONTAINER_CREDENTIALS_FULL_URI: 'credentials container',
	AWS_CONTAINER_AUTHORIZATION_TOKEN_FILE: 'credentials container',
	AWS_ACCESS_KEY_ID: 'credentials environment',
	AWS_SECRET_ACCESS_KEY: 'credentials environment',
	AWS_SESSION_TOKEN: 'credentials environment',
	AZURE_FEDERATED_TOKEN_FILE: 'the token of providers with credentials workload-identity that name none',
	AZURE_CLIENT_SECRET: 'credentials client-secret',
} as const;

/** Where the kubelet tells a pod its namespace. */
const NAMESPACE_FILE = '/var/run/secrets/kubernetes.io/serviceaccount/namespace';

const DEFAULT_NAMESPACE = 'jasm';

export type LogLevel = 'trace' | 'debug' | 'info' | 'error' | 'fatal';

/**
 * Everything that can be configured, checked; `ConfigFile` describes what comes from the file. The environment
 * is not part of it, as it can hold credentials: a configuration may be logged.
 */
export type Config = Readonly<Omit<ConfigFile, '$schema' | 'providers' | 'policy'>> & {
	/** By name, without a prototype. */
	readonly providers: Readonly<Record<string, ProviderConfig>>;
	readonly policy: readonly PolicyRule[];
	/** From --kubeconfig alone; the rest is looked for by `kubernetes/config.ts`. */
	readonly kubeconfig: string | undefined;
	/** JASM's own namespace. */
	readonly namespace: string;
	readonly podName: string | undefined;
	readonly leaderElect: boolean;
	readonly allowUnguarded: boolean;
	/** `host:port`, `:port`, or `0` for no listener. */
	readonly metricsAddress: string;
	readonly healthAddress: string;
	readonly logLevel: LogLevel;
	/** What a person should know at start, to be logged once. */
	readonly notices: readonly string[];
};

export type ConfigSources = {
	/** Without node and script. */
	readonly argv?: readonly string[];
	readonly env?: Environment;
	readonly readFile?: (path: string) => string;
	/** Providers that an embedding program brings along: policy rules may name them. */
	readonly extraProviders?: readonly string[];
};

/** What `--help` or `--version` print, or undefined where neither is asked for. */
export function helpText(
	version: string,
	argv: readonly string[] = process.argv.slice(2),
): string | undefined {
	const { values } = parseFlags(argv);
	if (values.get('help')) {
		return usage();
	}

	return values.get('version') ? `${version}\n` : undefined;
}

/** Throws one JasmError CONFIG_INVALID that lists every fault, each with its path or flag; so do its details. */
export function loadConfig({
	argv = process.argv.slice(2),
	env = process.env,
	readFile = path => readFileSync(path, 'utf8'),
	extraProviders = [],
}: ConfigSources = {}): Config {
	const { values, faults: flagFaults, ignored } = parseFlags(argv);
	const flag = (name: FlagName): string | undefined => {
		const value = values.get(name);
		return typeof value === 'string' && value !== '' ? value : undefined;
	};

	const faults = [...flagFaults];
	const notices = ignored.length > 0 ? [`flags without effect: ${ignored.join(', ')}`] : [];
	const checked = <T>(name: string, read: () => T | undefined, fallback: T, expected: string): T => {
		const value = read();
		if (value === undefined) {
			faults.push(`${name}: ${expected}`);
		}

		return value ?? fallback;
	};

	const address = (name: FlagName, port: number): string => {
		const value = flag(name) ?? `:${port}`;
		const quoted = `"${printable(value, 64)}"`;
		return checked(`--${name}`, () => readAddress(value), value, `${quoted} is not HOST:PORT, :PORT or 0`);
	};

	const metricsAddress = address('metrics-bind-address', PORTS.metrics);
	const healthAddress = address('health-probe-bind-address', PORTS.health);
	if (metricsAddress === healthAddress && !/^0$|:0$/.test(metricsAddress)) {
		faults.push('--health-probe-bind-address: must differ from --metrics-bind-address');
	}

	const level = flag('zap-log-level') ?? 'info';
	const logLevel = checked(
		'--zap-log-level',
		() => readLevel(level),
		'info',
		`"${printable(level, 64)}" is not debug, info, error, panic or a number above 0`,
	);

	const [namespaceSource, namespace] = ownNamespace(flag('namespace'), env, readFile);
	if (!isNamespace(namespace)) {
		faults.push(`${namespaceSource}: "${printable(namespace, 64)}" is not the name of a namespace`);
	}

	const file = readConfigFile({ path: flag('config'), env, readFile, extraProviders });
	faults.push(...file.faults);
	notices.push(...file.notices);
	if (faults.length > 0) {
		// One line, which a log may cut; the details hold each fault by itself.
		throw new JasmError(`reading the configuration: ${faults.join('; ')}`, {
			code: 'CONFIG_INVALID',
			details: Object.fromEntries(faults.map((text, index) => [`fault ${index + 1}`, text])),
		});
	}

	const { $schema: _, ...fromFile } = file.content;
	return Object.freeze({
		...fromFile,
		kubeconfig: flag('kubeconfig'),
		namespace,
		podName: env['POD_NAME'] || undefined,
		leaderElect: values.get('leader-elect') === true,
		allowUnguarded: values.get('allow-unguarded') === true,
		metricsAddress,
		healthAddress,
		logLevel,
		notices,
	});
}

/** JASM's own namespace, after where it comes from. */
function ownNamespace(
	flag: string | undefined,
	env: Environment,
	readFile: (path: string) => string,
): readonly [source: string, namespace: string] {
	if (flag !== undefined) {
		return ['--namespace', flag];
	}

	if (env['POD_NAMESPACE']) {
		return ['POD_NAMESPACE', env['POD_NAMESPACE']];
	}

	try {
		return [NAMESPACE_FILE, readFile(NAMESPACE_FILE).trim() || DEFAULT_NAMESPACE];
	} catch {
		// Not in a cluster.
		return ['', DEFAULT_NAMESPACE];
	}
}

/** Host names, IPv4, IPv6 in brackets or nothing; a port, or `0` alone. */
function readAddress(address: string): string | undefined {
	const [, port] = /^(?:[A-Za-z0-9.-]*|\[[0-9A-Fa-f:.]+\]):(\d{1,5})$/.exec(address) ?? [];
	return address === '0' || Number(port) <= 65_535 ? address : undefined;
}

/** zap's levels; its numbers are verbosities of debugging. */
function readLevel(level: string): LogLevel | undefined {
	switch (level.toLowerCase()) {
		case 'debug':
		case 'info':
		case 'error':
			return level.toLowerCase() as LogLevel;
		case 'panic':
			return 'fatal';
		default:
			return /^[1-9]\d{0,8}$/.test(level) ? (Number(level) === 1 ? 'debug' : 'trace') : undefined;
	}
}
