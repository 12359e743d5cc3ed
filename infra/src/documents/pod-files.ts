// The volumes of the controller's pod: its config file, authorities, and tokens of their audience; pure.
import { AWS_TOKEN_FILE, CONFIG_FILE, NAME } from './contract.ts';
import { directoryOf, type Requirements, type Token } from './requirements.ts';

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
	readonly volumes: Volume[];
	readonly mounts: { readonly name: string; readonly mountPath: string; readonly readOnly: true }[];
	/** Faults of the mounts as configured, a sentence each; empty if there is none. */
	readonly faults: string[];
};

/** Where a mount would hide what is there. */
const TAKEN = ['', directoryOf(CONFIG_FILE), '/var/run/secrets/kubernetes.io/serviceaccount'];

export function podFiles(
	{ tokens, authorityFiles }: Pick<Requirements, 'tokens' | 'authorityFiles'>,
	authorities = AUTHORITIES,
): PodFiles {
	const byDirectory = Object.groupBy(
		[...tokens].sort((a, b) => (a.file < b.file ? -1 : 1)),
		({ file }) => directoryOf(file),
	);
	const directories = Object.keys(byDirectory);
	const faults = directories.flatMap(directory => {
		const other = [...TAKEN, ...directories].find(
			taken => taken !== directory && (within(directory, taken) || within(taken, directory)),
		);
		return other !== undefined || TAKEN.includes(directory)
			? [`providers: tokens cannot be mounted at "${directory}/": it is ${other ?? directory}`]
			: [];
	});
	const volumes = Object.entries(byDirectory).map(([directory, files = []], index) => ({
		name: volumeName(directory, index),
		mountPath: directory,
		sources: files.map(tokenSource),
	}));
	return {
		volumes: [
			configVolume(authorityFiles, authorities),
			...volumes.map(({ name, sources }) => ({ name, projected: { sources } })),
		],
		mounts: [
			{ name: 'config', mountPath: directoryOf(CONFIG_FILE), readOnly: true },
			...volumes.map(({ name, mountPath }) => ({ name, mountPath, readOnly: true as const })),
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
const nameOf = (file: string) => file.slice(file.lastIndexOf('/') + 1);
