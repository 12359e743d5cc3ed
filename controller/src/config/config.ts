// Reads flags, environment and file into one checked configuration; every fault is reported at once.
import { readFileSync } from 'node:fs';
import { JasmError } from '../errors.ts';
import { isNamespace } from '../kubernetes/names.ts';
import type { PolicyRule } from '../policy/policy.ts';
import type { Environment, ProviderKind } from '../providers/provider.ts';
import type { ProviderConfig } from '../providers/registry.ts';
import { proxyVariableFaults } from '../providers/shared/proxy.ts';
import { printable } from '../util/printable.ts';
import { readAddress } from './address.ts';
import { readConfigFile } from './file.ts';
import { type FlagName, parseFlags, usage } from './flags.ts';
import type { ConfigFile } from './schema.ts';

export { ENVIRONMENT } from './environment.ts';
export { FLAGS } from './flags.ts';

/** The ports of the default addresses. */
export const PORTS = { metrics: 8080, health: 8081 } as const;

/** Where the kubelet tells a pod its namespace. */
const NAMESPACE_FILE = '/var/run/secrets/kubernetes.io/serviceaccount/namespace';

const DEFAULT_NAMESPACE = 'jasm';

/** Least level that the log shows. */
export type LogLevel = 'trace' | 'debug' | 'info' | 'error' | 'fatal';

/**
 * Everything that can be configured, checked; `ConfigFile` describes what comes from the file. The environment
 * is not part of it, as it can hold credentials: a configuration may be logged.
 */
export type Config = Readonly<Omit<ConfigFile, '$schema' | 'providers' | 'policy'>> & {
	/** By name, without a prototype. */
	readonly providers: Readonly<Record<string, ProviderConfig>>;
	readonly policy: readonly PolicyRule[];
	/** Only from --kubeconfig. The Kubernetes client looks in the other places. */
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
	/** What a person should know at start. */
	readonly notices: readonly string[];
	/** What a person should change: something cannot work as it is. */
	readonly warnings: readonly string[];
};

/** Where a configuration is read from. Default: the process's own arguments, environment and files. */
export type ConfigSources = {
	/** Without node and script. */
	readonly argv?: readonly string[];
	readonly env?: Environment;
	/** Reads the configuration file. Default: from the disk. */
	readonly readFile?: (path: string) => string;
	/** Providers that an embedding program brings along: policy rules may name them. */
	readonly extraProviders?: readonly string[];
	/** Kinds of providers that an embedding program brings along, beside those that are built in. */
	readonly kinds?: readonly ProviderKind[];
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

/**
 * Reads flags, environment and configuration file, and checks them together. Throws one JasmError CONFIG_INVALID that
 * lists every fault, each with its path or flag; `faults` has them one by one.
 *
 * @example
 * ```ts
 * import { loadConfig } from '@jasm/controller';
 *
 * const config = loadConfig({ argv: ['--config', 'config.yaml', '--log-level', 'debug'], env: process.env });
 * console.log(config.profile, config.warnings);
 * ```
 */
export function loadConfig({
	argv = process.argv.slice(2),
	env = process.env,
	readFile = path => readFileSync(path, 'utf8'),
	extraProviders = [],
	kinds = [],
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

	faults.push(...proxyVariableFaults(env));
	const file = readConfigFile({ path: flag('config'), env, readFile, extraProviders, kinds });
	faults.push(...file.faults);
	if (faults.length > 0) {
		throw new JasmError(`reading the configuration: ${faults.join('; ')}`, {
			code: 'CONFIG_INVALID',
			faults,
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
		warnings: file.warnings,
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

/** A host name, IPv4, IPv6 in brackets or nothing, and a port; or only `0`. */
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
