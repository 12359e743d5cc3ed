// The volumes of the controller's pod: its config file, authorities, tokens of their audience, and Secrets; pure.
import { AWS_TOKEN_FILE, CONFIG_FILE, NAME } from './contract.ts';
import { directoryOf, nameOf } from './files.ts';
import type { Requirements, Token } from './requirements.ts';
import { WEBHOOK } from './webhooks.ts';

/** ConfigMap of JASM's namespace with the files of `caFile`; a person makes it, an installation never does. */
export const AUTHORITIES = 'jasm-authorities';

/** Seconds. The kubelet renews a token at 80 % of it. */
const TOKEN_LIFETIME = 3_600;

type Item = { readonly key: string; readonly path: string };
type Source =
	| { readonly serviceAccountToken: { audience: string; expirationSeconds: number; path: string } }
	| { readonly configMap: { name: string; optional?: boolean; items?: Item[] } };

type Volume =
	| { readonly name: string; readonly configMap: { readonly name: string } }
	| { readonly name: string; readonly projected: { readonly sources: Source[] } }
	| { readonly name: string; readonly secret: { readonly secretName: string; readonly items: Item[] } };

export type PodFiles = {
	readonly volumes: Volume[];
	readonly mounts: { readonly name: string; readonly mountPath: string; readonly readOnly: true }[];
	/** Faults of the mounts as configured, a sentence each; empty if there is none. */
	readonly faults: string[];
};

export type FileSources = {
	/** Name of the ConfigMap of authorities. */
	readonly authorities?: string | undefined;
	readonly secrets?: Readonly<Record<string, string>> | undefined;
};

/** Where a mount would hide what is there. */
const TAKEN = ['', directoryOf(CONFIG_FILE), '/var/run/secrets/kubernetes.io/serviceaccount'];

/** `secrets`: the Secret of each directory; the others are filled from the one of webhooks. */
export function podFiles(
	{ tokens, authorityFiles, secretFiles }: Pick<Requirements, 'tokens' | 'authorityFiles' | 'secretFiles'>,
	{ authorities = AUTHORITIES, secrets = {} }: FileSources = {},
): PodFiles {
	const byDirectory = Object.groupBy(
		[...tokens].sort((a, b) => (a.file < b.file ? -1 : 1)),
		({ file }) => directoryOf(file),
	);
	const secretsByDirectory = Object.groupBy([...secretFiles].sort(), directoryOf);
	const ofTokens = Object.keys(byDirectory);
	const ofSecrets = Object.keys(secretsByDirectory);
	const faultsOf = (what: string, directories: readonly string[], others: readonly string[]) =>
		directories.flatMap(directory => {
			const taken = [...TAKEN, ...others];
			const other =
				[...taken, ...directories].find(
					each => each !== directory && (within(directory, each) || within(each, directory)),
				) ?? taken.find(each => each === directory);
			return other === undefined ? [] : [`${what} cannot be mounted at "${directory}/": it is ${other}`];
		});
	const faults = [
		...faultsOf('providers: tokens', ofTokens, ofSecrets),
		...faultsOf('changes: files of a webhook', ofSecrets, ofTokens).map(
			fault => `${fault}; use another directory, such as /etc/${WEBHOOK}`,
		),
	];
	const volumes = Object.entries(byDirectory).map(([directory, files = []], index) => ({
		name: volumeName(directory, index),
		mountPath: directory,
		sources: files.map(tokenSource),
	}));
	// Whole directories: a file of a subPath would never change.
	const mountedSecrets = Object.entries(secretsByDirectory).map(([directory, files = []], index) => ({
		name: `webhook-files-${index}`,
		mountPath: directory,
		secret: {
			secretName: secrets[directory] ?? WEBHOOK,
			items: files.map(file => ({ key: nameOf(file), path: nameOf(file) })),
		},
	}));
	return {
		volumes: [
			configVolume(authorityFiles, authorities),
			...volumes.map(({ name, sources }) => ({ name, projected: { sources } })),
			...mountedSecrets.map(({ name, secret }) => ({ name, secret })),
		],
		mounts: [
			{ name: 'config', mountPath: directoryOf(CONFIG_FILE), readOnly: true },
			...[...volumes, ...mountedSecrets].map(({ name, mountPath }) => ({
				...{ name, mountPath },
				readOnly: true as const,
			})),
		],
		faults,
	};
}

/** The EKS webhook leaves a pod as it is that has a volume of the webhook's own name. */
function volumeName(directory: string, index: number): string {
	return directory === directoryOf(AWS_TOKEN_FILE) ? 'aws-iam-token' : `store-token-${index}`;
}

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

const tokenSource = ({ file, audience }: Token): Source => ({
	serviceAccountToken: { audience, expirationSeconds: TOKEN_LIFETIME, path: nameOf(file) },
});

const within = (directory: string, parent: string) => parent !== '' && directory.startsWith(`${parent}/`);
