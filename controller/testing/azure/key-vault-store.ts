// The secrets of the embedded Key Vault: versions, attributes, certificates, soft deletion.
import { randomBytes } from 'node:crypto';
import { KeyVaultFault, secretNotFound } from './key-vault-fault.ts';

export type SecretInput = {
	readonly value: string;
	readonly contentType?: string;
	readonly enabled?: boolean;
	/** Of a secret that belongs to a certificate. */
	readonly certificate?: boolean;
	readonly tags?: Readonly<Record<string, string>>;
};

type Version = SecretInput & {
	readonly id: string;
	readonly created: number;
	enabled: boolean;
	updated: number;
};

type Secret = { readonly name: string; readonly versions: Version[]; deletedAt: number | undefined };

export type KeyVaultStoreOptions = {
	/** Begins the ids of secrets. */
	readonly vaultUrl: string;
	/** Milliseconds since the epoch. */
	readonly now: () => number;
	/** Called after each new version. */
	readonly onVersion?: (name: string, version: string) => void;
};

const NAME = /^[0-9a-zA-Z-]{1,127}$/;
const MAX_BYTES = 25_600;
const RECOVERABLE_DAYS = 90;

/** Names do not tell upper from lower case. */
export class KeyVaultStore {
	readonly #options: KeyVaultStoreOptions;
	readonly #secrets = new Map<string, Secret>();

	constructor(options: KeyVaultStoreOptions) {
		this.#options = options;
	}

	/** Adds a version; its id. */
	add(name: string, input: SecretInput): string {
		if (!NAME.test(name)) {
			throw new KeyVaultFault(400, 'BadParameter', `The request URI contains an invalid name: ${name}`);
		}

		if (Buffer.byteLength(input.value) > MAX_BYTES) {
			throw new KeyVaultFault(
				400,
				'BadParameter',
				'Secret value is larger than the allowed size of 25600 bytes.',
			);
		}

		const secret = this.#secrets.get(name.toLowerCase()) ?? { name, versions: [], deletedAt: undefined };
		if (secret.deletedAt !== undefined) {
			throw new KeyVaultFault(
				409,
				'Conflict',
				`Secret ${name} is currently in a deleted but recoverable state, and its name cannot be reused.`,
				{ reason: 'ObjectIsDeletedButRecoverable' },
			);
		}

		const created = this.#options.now();
		const id = randomBytes(16).toString('hex');
		secret.versions.push({ ...input, id, created, updated: created, enabled: input.enabled ?? true });
		this.#secrets.set(name.toLowerCase(), secret);
		this.#options.onVersion?.(secret.name, id);
		return id;
	}

	/** The bundle of a version, with its value; of the newest where none is named. */
	get(name: string, version?: string): object {
		const secret = this.#alive(name);
		const found = this.#version(secret, version);
		if (!found.enabled) {
			throw new KeyVaultFault(403, 'Forbidden', 'Operation get is not allowed on a disabled secret.', {
				reason: 'SecretDisabled',
			});
		}

		return { value: found.value, ...this.#item(secret, found) };
	}

	update(
		name: string,
		version: string | undefined,
		{ enabled }: { readonly enabled?: boolean | undefined },
	): object {
		const secret = this.#alive(name);
		const found = this.#version(secret, version);
		found.enabled = enabled ?? found.enabled;
		found.updated = this.#options.now();
		return this.#item(secret, found);
	}

	versions(name: string): object[] {
		const secret = this.#alive(name);
		return secret.versions.map(version => this.#item(secret, version));
	}

	/** Makes the secret recoverable; the bundle that says until when. */
	delete(name: string): object {
		const secret = this.#alive(name);
		secret.deletedAt = this.#options.now();
		return this.deleted(name);
	}

	deleted(name: string): object {
		const secret = this.#deleted(name);
		const at = Math.floor(secret.deletedAt! / 1_000);
		return {
			recoveryId: `${this.#options.vaultUrl}/deletedsecrets/${secret.name}`,
			deletedDate: at,
			scheduledPurgeDate: at + RECOVERABLE_DAYS * 86_400,
			...this.#item(secret, this.#version(secret, undefined)),
		};
	}

	recover(name: string): object {
		const secret = this.#deleted(name);
		secret.deletedAt = undefined;
		return this.#item(secret, this.#version(secret, undefined));
	}

	/** Removes the secret for good, be it deleted or not. */
	purge(name: string): void {
		this.#secrets.delete(name.toLowerCase());
	}

	#alive(name: string): Secret {
		const secret = this.#secrets.get(name.toLowerCase());
		if (secret === undefined || secret.deletedAt !== undefined) {
			throw secretNotFound(name);
		}

		return secret;
	}

	#deleted(name: string): Secret {
		const secret = this.#secrets.get(name.toLowerCase());
		if (secret?.deletedAt === undefined) {
			throw new KeyVaultFault(404, 'SecretNotFound', `Deleted Secret not found: ${name}`);
		}

		return secret;
	}

	#version({ name, versions }: Secret, id: string | undefined): Version {
		const found =
			id === undefined ? versions.at(-1) : versions.find(version => version.id === id.toLowerCase());
		if (found === undefined) {
			throw secretNotFound(`${name}/${id}`);
		}

		return found;
	}

	#item(
		{ name }: Secret,
		{ id, contentType, enabled, created, updated, certificate, tags }: Version,
	): object {
		const { vaultUrl } = this.#options;
		return {
			id: `${vaultUrl}/secrets/${name}/${id}`,
			...(contentType !== undefined && { contentType }),
			attributes: {
				enabled,
				created: Math.floor(created / 1_000),
				updated: Math.floor(updated / 1_000),
				recoveryLevel: 'Recoverable+Purgeable',
				recoverableDays: RECOVERABLE_DAYS,
			},
			...(tags && { tags }),
			...(certificate && { managed: true, kid: `${vaultUrl}/keys/${name}/${id}` }),
		};
	}
}
