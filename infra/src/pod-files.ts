// What the configured stores need in the controller's pod: tokens of their audience, authorities; pure.
import { azureSettings, vaultSettings } from '@jasm/controller';
import { AWS_TOKEN_DIRECTORY, CONFIG_FILE, NAME } from './contract.ts';
import type { ControllerConfig, ProviderConfig } from './controller-config.ts';

/** ConfigMap of JASM's namespace with the files of `caFile`; a person makes it, an installation never does. */
export const AUTHORITIES = 'jasm-authorities';

/** Seconds. The kubelet renews a token at 80 % of it. */
const TOKEN_LIFETIME = 3_600;

type Source =
	| { readonly serviceAccountToken: { audience: string; expirationSeconds: number; path: string } }
	| { readonly configMap: { name: string; optional?: boolean; items?: { key: string; path: string }[] } };

type Volume =
	| { readonly name: string; readonly configMap: { readonly name: string } }
	| { readonly name: string; readonly projected: { readonly sources: Source[] } };

export type PodFiles = {
	readonly env: { readonly name: string; readonly value: string }[];
	readonly volumes: Volume[];
	readonly mounts: { readonly name: string; readonly mountPath: string; readonly readOnly: true }[];
	/** What cannot be mounted as it is configured, as sentences; empty if nothing. */
	readonly faults: string[];
};

/** Where a provider's token is to be found, and for whom it is; undefined where it signs in otherwise. */
export function projectedToken(provider: ProviderConfig): { file: string; audience: string } | undefined {
	// The controller's own defaults, of its own checked configuration.
	if (provider.kind === 'vault') {
		const settings = vaultSettings(provider as unknown as Parameters<typeof vaultSettings>[0]);
		const { credentials, tokenFile, audience } = settings;
		return credentials === 'kubernetes' || credentials === 'jwt' ? { file: tokenFile, audience } : undefined;
	}
	if (provider.kind === 'azure-keyvault') {
		const settings = azureSettings(provider as unknown as Parameters<typeof azureSettings>[0], {});
		const { credentials, tokenFile, audience } = settings;
		return credentials === 'workload-identity' ? { file: tokenFile, audience } : undefined;
	}
	return undefined;
}

/** The pod's files and variables beside those of AWS, with the config file in any case. */
export function podFiles({ providers }: ControllerConfig, authorities = AUTHORITIES): PodFiles {
	const audiences = new Map<string, string>();
	const authorityFiles = new Set<string>();
	const env = new Map<string, string>();
	const faults: string[] = [];
	for (const [name, provider] of Object.entries(providers)) {
		const { caFile, tokenFile, kind } = provider;
		// Elsewhere it is a file of the image.
		if (typeof caFile === 'string' && directoryOf(caFile) === directoryOf(CONFIG_FILE)) {
			if (caFile === CONFIG_FILE) faults.push(`providers.${name}.caFile: "${caFile}" is the config file`);
			authorityFiles.add(caFile);
		}
		const token = projectedToken(provider);
		if (token === undefined) continue;
		const { file, audience } = token;
		if ((audiences.get(file) ?? audience) !== audience) {
			faults.push(`providers.${name}.tokenFile: "${file}" holds a token of another audience already`);
		}
		audiences.set(file, audience);
		if (kind === 'azure-keyvault' && tokenFile === undefined) env.set('AZURE_FEDERATED_TOKEN_FILE', file);
	}
	const byDirectory = Object.groupBy([...audiences.keys()].sort(), directoryOf);
	for (const directory of Object.keys(byDirectory)) {
		const other = [...TAKEN, ...Object.keys(byDirectory)].find(
			taken => taken !== directory && (within(directory, taken) || within(taken, directory)),
		);
		if (other !== undefined || TAKEN.includes(directory)) {
			faults.push(`providers: tokens cannot be mounted at "${directory}/": it is ${other ?? directory}`);
		}
	}
	const tokens = Object.entries(byDirectory).map(([directory, files = []], index) => ({
		name: `store-token-${index}`,
		mountPath: directory,
		sources: files.map(file => tokenSource(file, audiences.get(file) as string)),
	}));
	return {
		env: [...env].map(([name, value]) => ({ name, value })),
		volumes: [
			configVolume([...authorityFiles].sort(), authorities),
			...tokens.map(({ name, sources }) => ({ name, projected: { sources } })),
		],
		mounts: [
			{ name: 'config', mountPath: directoryOf(CONFIG_FILE), readOnly: true },
			...tokens.map(({ name, mountPath }) => ({ name, mountPath, readOnly: true as const })),
		],
		faults,
	};
}

/** Where a mount would hide what is there. */
const TAKEN = [
	'',
	directoryOf(CONFIG_FILE),
	AWS_TOKEN_DIRECTORY,
	'/var/run/secrets/kubernetes.io/serviceaccount',
];

/** One directory holds the config file and the authorities, so they are one volume. */
function configVolume(authorityFiles: readonly string[], authorities: string): Volume {
	if (authorityFiles.length === 0) return { name: 'config', configMap: { name: NAME } };
	const items = authorityFiles.map(file => ({ key: nameOf(file), path: nameOf(file) }));
	return {
		name: 'config',
		projected: {
			// Optional, so that the pod starts before a person made it: the namespace comes with the installation.
			sources: [{ configMap: { name: NAME } }, { configMap: { name: authorities, optional: true, items } }],
		},
	};
}

function tokenSource(file: string, audience: string): Source {
	return {
		serviceAccountToken: { audience, expirationSeconds: TOKEN_LIFETIME, path: nameOf(file) },
	};
}

function within(directory: string, parent: string): boolean {
	return parent !== '' && directory.startsWith(`${parent}/`);
}

function directoryOf(file: string): string {
	return file.slice(0, file.lastIndexOf('/'));
}

function nameOf(file: string): string {
	return file.slice(file.lastIndexOf('/') + 1);
}
