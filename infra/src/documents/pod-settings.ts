// Checks settings of the pod against what the installation itself puts there; pure.

/** Settings as far as they are known: anything may be absent. */
export type KnownSettings = {
	readonly env?: readonly ({ readonly name?: unknown } | undefined)[];
	readonly volumes?: readonly ({ readonly name?: unknown } | undefined)[];
	readonly volumeMounts?: readonly ({ readonly name?: unknown; readonly mountPath?: unknown } | undefined)[];
};

/** What the installation itself puts into the pod. */
type Own = {
	readonly env: readonly string[];
	readonly volumes: readonly string[];
	readonly paths: readonly string[];
};

/** Names and paths that the installation uses itself, as sentences; empty if there are none. */
export function podSettingsFaults(settings: KnownSettings, own: Own): string[] {
	const clashes = (field: keyof KnownSettings, key: 'name' | 'mountPath', taken: readonly string[]) =>
		(settings[field] ?? []).flatMap((item: Record<string, unknown> | undefined, index) => {
			const value = item?.[key];
			return typeof value === 'string' && taken.includes(value)
				? [`pod.${field}[${index}].${key}: the installation itself sets "${value}"`]
				: [];
		});
	return [
		...clashes('env', 'name', own.env),
		...clashes('volumes', 'name', own.volumes),
		...clashes('volumeMounts', 'mountPath', own.paths),
	];
}

/** Files that neither the installation nor a mount of the settings provides, as sentences. */
export function missingFiles(
	files: readonly { readonly file: string; readonly reader: string }[],
	mounts: readonly ({ readonly mountPath?: unknown } | undefined)[],
): string[] {
	const paths = [...IN_THE_IMAGE, ...mounts.map(mount => String(mount?.mountPath))];
	const provided = (file: string) => paths.some(path => file === path || file.startsWith(`${path}/`));
	return files
		.filter(({ file }) => !provided(file))
		.map(
			({ file, reader }) =>
				`${reader} reads "${file}", which the image does not have: mount it with ` +
				'pod.volumes and pod.volumeMounts',
		);
}

const IN_THE_IMAGE = ['/etc/ssl/certs'];
