// The command line, in the syntax of Go's flag package, with the flags of the Go program and JASM's own.
import { nearestName } from '../util/nearest-name.ts';
import { printable } from '../util/printable.ts';

type FlagFacts = {
	/** What stands for the value in the usage; absent: a boolean. */
	readonly value?: string;
	readonly usage: string;
	/** Accepted for manifests of the Go program, changes nothing. */
	readonly ignored?: true;
};

export const FLAGS = {
	config: { value: 'FILE', usage: 'the configuration file: providers, policy, profile' },
	kubeconfig: {
		value: 'FILE',
		usage: 'how to reach the API server; else KUBECONFIG, the pod, ~/.kube/config',
	},
	namespace: { value: 'NAME', usage: "JASM's own namespace; else POD_NAMESPACE, the pod's, jasm" },
	'leader-elect': { usage: 'write only while holding the Lease: for more than one replica' },
	'allow-unguarded': { usage: 'run in profile write-only without the admission policy that guards it' },
	'metrics-bind-address': { value: 'ADDRESS', usage: 'HOST:PORT of /metrics, 0 for none (:8080)' },
	'health-probe-bind-address': { value: 'ADDRESS', usage: 'HOST:PORT of the probes, 0 for none (:8081)' },
	'zap-log-level': { value: 'LEVEL', usage: 'debug, info, error, panic, or a number of verbosity (info)' },
	'zap-devel': { usage: 'no effect', ignored: true },
	'zap-encoder': { value: 'NAME', usage: 'no effect: the log is JSON', ignored: true },
	'zap-stacktrace-level': { value: 'LEVEL', usage: 'no effect', ignored: true },
	'zap-time-encoding': { value: 'NAME', usage: 'no effect: times are ISO 8601', ignored: true },
	help: { usage: 'print this text' },
	version: { usage: 'print the version' },
} as const satisfies Record<string, FlagFacts>;

export type FlagName = keyof typeof FLAGS;

export type ParsedFlags = {
	/** Text, or for booleans whether it is set. The last one wins. */
	readonly values: ReadonlyMap<FlagName, string | boolean>;
	/** Every fault, as `--flag: what is wrong`. */
	readonly faults: readonly string[];
	/** Flags that were given and have no effect. */
	readonly ignored: readonly string[];
};

/** As Go's ParseBool has it. */
const BOOLEANS: ReadonlyMap<string, boolean> = new Map([
	...['1', 't', 'T', 'TRUE', 'true', 'True'].map(text => [text, true] as const),
	...['0', 'f', 'F', 'FALSE', 'false', 'False'].map(text => [text, false] as const),
]);

/** One dash or two; `--flag=value` or `--flag value`; booleans take a value only after `=`. */
export function parseFlags(argv: readonly string[]): ParsedFlags {
	const values = new Map<FlagName, string | boolean>();
	const faults: string[] = [];
	const ignored = new Set<string>();
	const rest = [...argv];
	while (rest.length > 0) {
		const argument = rest.shift()!;
		const [, written, attached] = /^--?([^-=][^=]*)(?:=(.*))?$/s.exec(argument) ?? [];
		if (written === undefined) {
			faults.push(`unexpected argument "${printable(argument, 64)}"`);
			continue;
		}

		const name = written === 'h' ? 'help' : written;
		const facts: FlagFacts | undefined = Object.hasOwn(FLAGS, name) ? FLAGS[name as FlagName] : foreign(name);
		if (facts === undefined) {
			faults.push(unknownFlag(name));
			// What follows is most likely its value, and not a fault of its own.
			if (attached === undefined && rest[0]?.startsWith('-') === false) {
				rest.shift();
			}

			continue;
		}

		let value: string | boolean | undefined = attached;
		if (facts.value === undefined) {
			value = BOOLEANS.get(attached ?? 'true');
		} else if (value === undefined && (facts !== FOREIGN || rest[0]?.startsWith('-') === false)) {
			value = rest.shift();
		}

		if (facts.ignored) {
			ignored.add(`--${printable(name, 64)}`);
		} else if (value === undefined) {
			faults.push(`--${name}: ${facts.value === undefined ? 'must be true or false' : 'needs a value'}`);
		} else {
			values.set(name as FlagName, value);
		}
	}

	return { values, faults, ignored: [...ignored] };
}

/** Other flags of the zap logger; whether they take a value is not known. */
const FOREIGN: FlagFacts = { value: 'VALUE', usage: '', ignored: true };

const foreign = (name: string): FlagFacts | undefined => (name.startsWith('zap-') ? FOREIGN : undefined);

function unknownFlag(name: string): string {
	const nearest = nearestName(name, Object.keys(FLAGS));
	const hint = nearest === undefined ? 'see --help' : `did you mean --${nearest}?`;
	return `unknown flag --${printable(name, 64)}, ${hint}`;
}

/** The text of `--help`. */
export function usage(): string {
	const flags = Object.entries<FlagFacts>(FLAGS).map(([name, { value, usage }]) => {
		const flag = value === undefined ? `--${name}` : `--${name} ${value}`;
		return `  ${flag.padEnd(37)}${usage}\n`;
	});
	return `Writes the Kubernetes Secrets that annotated pods ask for.\n\nUsage: controller [flags]\n\n${flags.join('')}`;
}
