// The secrets of one region of the embedded Secrets Manager: names, ARNs, deletion, and the operations on them.
import { randomBytes, randomUUID } from 'node:crypto';
import { AwsFault } from './fault.ts';
import { Versions, valueIn } from './secrets-manager-versions.ts';

type Secret = {
	readonly name: string;
	readonly arn: string;
	readonly versions: Versions;
	deleted: boolean;
	/** The version that reads of AWSCURRENT return, as a replica that lags does. */
	lagging: string | undefined;
};

/** A staging label moved to a version. */
export type LabelMove = {
	readonly name: string;
	readonly arn: string;
	readonly label: string;
	readonly versionId: string;
};

/** The fields of requests that are understood; binary values are base64 on the wire. */
export type Input = {
	readonly Name?: string;
	readonly SecretId?: string;
	readonly SecretString?: string;
	readonly SecretBinary?: string;
	readonly ClientRequestToken?: string;
	readonly VersionId?: string;
	readonly VersionStage?: string;
	readonly VersionStages?: readonly string[];
	readonly MoveToVersionId?: string;
	readonly RemoveFromVersionId?: string;
	readonly ForceDeleteWithoutRecovery?: boolean;
};

export type Output = Readonly<Record<string, unknown>>;

export type SecretStoreOptions = {
	readonly region: string;
	readonly accountId: string;
	/** Milliseconds since the epoch. */
	readonly now: () => number;
	/** Hears of every label that moves. */
	readonly onLabel?: (move: LabelMove) => void;
};

const NAME = /^[A-Za-z0-9/_+=.@!-]{1,512}$/;

export class SecretStore {
	readonly #options: SecretStoreOptions;
	readonly #secrets = new Map<string, Secret>();

	constructor(options: SecretStoreOptions) {
		this.#options = options;
	}

	/** @throws AwsFault */
	run(operation: string, input: Input): Output {
		switch (operation) {
			case 'CreateSecret':
				return this.#create(input);
			case 'PutSecretValue':
				return this.#put(input);
			case 'GetSecretValue':
				return this.#get(input);
			case 'DescribeSecret':
				return this.#describe(input);
			case 'DeleteSecret':
				return this.#delete(input);
			case 'RestoreSecret':
				return this.#restore(input);
			case 'UpdateSecretVersionStage':
				return this.#moveStage(input);
			default:
				throw new AwsFault('UnknownOperationException', '', 404);
		}
	}

	/** Makes this the current value of the secret, whether it is missing, there or marked for deletion. */
	put(name: string, content: Input): { readonly arn: string; readonly versionId: string } {
		const existing = this.#secrets.get(name);
		if (existing !== undefined) {
			existing.deleted = false;
		}

		const answer =
			existing === undefined
				? this.#create({ Name: name, ...content })
				: this.#put({ SecretId: name, ...content });
		return { arn: String(answer['ARN']), versionId: String(answer['VersionId']) };
	}

	/** Reads of AWSCURRENT return the present version, whatever is written, until the function is called. */
	lag(name: string): () => void {
		const secret = this.#alive({ SecretId: name });
		secret.lagging = secret.versions.find(undefined, undefined).id;
		return () => {
			secret.lagging = undefined;
		};
	}

	/** The name behind a name, an ARN or a partial ARN; the id itself where there is no such secret. */
	nameOf(secretId = ''): string {
		return this.#find(secretId)?.name ?? /:secret:(.+?)(-\w{6})?$/.exec(secretId)?.[1] ?? secretId;
	}

	#create({ Name: name = '', ...input }: Input): Output {
		if (!NAME.test(name)) {
			throw new AwsFault(
				'ValidationException',
				'Invalid name. Must be a valid name containing alphanumeric characters, or any of the following: -/_+=.@!',
			);
		}

		const existing = this.#secrets.get(name);
		if (existing !== undefined) {
			throw existing.deleted
				? new AwsFault(
						'InvalidRequestException',
						"You can't create this secret because a secret with this name is already scheduled for deletion.",
					)
				: new AwsFault(
						'ResourceExistsException',
						`The operation failed because the secret ${name} already exists.`,
					);
		}

		const { region, accountId } = this.#options;
		const suffix = randomBytes(8).toString('base64').replace(/\W/g, 'x').slice(0, 6);
		const arn = `arn:aws:secretsmanager:${region}:${accountId}:secret:${name}-${suffix}`;
		const secret: Secret = { name, arn, versions: new Versions(), deleted: false, lagging: undefined };
		const version = this.#addVersion(secret, input);
		this.#secrets.set(name, secret);
		return { ARN: arn, Name: name, ...version };
	}

	#put(input: Input): Output {
		const secret = this.#alive(input);
		const version = this.#addVersion(secret, input);
		if (version === undefined) {
			throw new AwsFault(
				'InvalidParameterException',
				'You must provide either SecretString or SecretBinary.',
			);
		}

		return { ARN: secret.arn, Name: secret.name, ...version };
	}

	#get({ VersionId, VersionStage, ...input }: Input): Output {
		const { arn, name, versions, lagging } = this.#alive(input);
		const current = VersionId === undefined && (VersionStage ?? 'AWSCURRENT') === 'AWSCURRENT';
		const { id, stages, created, text, bytes } =
			current && lagging !== undefined
				? versions.find(lagging, undefined)
				: versions.find(VersionId, VersionStage);
		return {
			ARN: arn,
			Name: name,
			VersionId: id,
			VersionStages: [...stages],
			CreatedDate: created / 1_000,
			...(text !== undefined && { SecretString: text }),
			...(bytes !== undefined && { SecretBinary: bytes.toString('base64') }),
		};
	}

	#describe(input: Input): Output {
		const { arn, name, deleted, versions } = this.#known(input);
		return {
			ARN: arn,
			Name: name,
			...(deleted && { DeletedDate: this.#options.now() / 1_000 }),
			VersionIdsToStages: Object.fromEntries(versions.labelled().map(({ id, stages }) => [id, [...stages]])),
		};
	}

	#delete(input: Input): Output {
		const secret = this.#known(input);
		secret.deleted = true;
		if (input.ForceDeleteWithoutRecovery) {
			this.#secrets.delete(secret.name);
		}

		return { ARN: secret.arn, Name: secret.name, DeletionDate: this.#options.now() / 1_000 };
	}

	#restore(input: Input): Output {
		const secret = this.#known(input);
		secret.deleted = false;
		return { ARN: secret.arn, Name: secret.name };
	}

	#moveStage({ VersionStage = '', MoveToVersionId, RemoveFromVersionId, ...input }: Input): Output {
		const secret = this.#alive(input);
		secret.versions.moveStage(VersionStage, RemoveFromVersionId, MoveToVersionId);
		if (MoveToVersionId !== undefined) {
			this.#moved(secret, [VersionStage], MoveToVersionId);
		}

		return { ARN: secret.arn, Name: secret.name };
	}

	#moved({ name, arn }: Secret, labels: readonly string[], versionId: string): void {
		for (const label of labels) {
			this.#options.onLabel?.({ name, arn, label, versionId });
		}
	}

	#addVersion(secret: Secret, input: Input): Output | undefined {
		const { versions } = secret;
		const { ClientRequestToken: id = randomUUID(), VersionStages: stages = ['AWSCURRENT'] } = input;
		const value = valueIn(input);
		if (value === undefined) {
			return undefined;
		}

		versions.add({ ...value, id, created: this.#options.now() }, stages);
		this.#moved(secret, stages, id);
		return { VersionId: id, VersionStages: [...stages] };
	}

	#alive(input: Input): Secret {
		const secret = this.#known(input);
		if (secret.deleted) {
			throw new AwsFault(
				'InvalidRequestException',
				"You can't perform this operation on the secret because it was marked for deletion.",
			);
		}

		return secret;
	}

	#known({ SecretId: secretId = '' }: Input): Secret {
		if (secretId.length < 1 || secretId.length > 2_048) {
			throw new AwsFault('ValidationException', 'secretId must have a length between 1 and 2048');
		}

		const secret = this.#find(secretId);
		if (secret === undefined) {
			throw new AwsFault('ResourceNotFoundException', "Secrets Manager can't find the specified secret.");
		}

		return secret;
	}

	/** A partial ARN, without the suffix, finds its secret only if it is the only one. */
	#find(secretId: string): Secret | undefined {
		if (!secretId.startsWith('arn:')) {
			return this.#secrets.get(secretId);
		}

		const all = [...this.#secrets.values()];
		const partial = all.filter(({ arn }) => arn.slice(0, -7) === secretId);
		return all.find(({ arn }) => arn === secretId) ?? (partial.length === 1 ? partial[0] : undefined);
	}
}
