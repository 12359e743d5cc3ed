// Creates or replaces a Secret with one request where it guesses right and with two where it does not.
import { JasmError } from '../errors.ts';
import { type Key, keyOf } from '../runtime/object-ref.ts';
import type { KubernetesClient } from './client.ts';
import type { ObjectMeta, SecretManifest } from './types.ts';

export type WriteHints = {
	/** Known or likely to exist: replace first. */
	readonly likelyExists: boolean;
	readonly signal: AbortSignal;
};

export type WrittenSecret = { readonly verb: 'created' | 'replaced'; readonly resourceVersion: string };

export type SecretWriter = {
	/** Idempotent. Rejects with a JasmError. */
	write(secret: SecretManifest, hints: WriteHints): Promise<WrittenSecret>;
};

/** What profile `self-heal` knows of a Secret that carries JASM's label. */
export type LiveSecret = Pick<ObjectMeta, 'resourceVersion' | 'labels' | 'annotations'> &
	Partial<Pick<ObjectMeta, 'finalizers' | 'ownerReferences'>>;

const MANAGED_BY = 'app.kubernetes.io/managed-by';
const OWN_PREFIX = 'jasm.codnod.io/';

/**
 * Profile `write-only`: replaces unconditionally. That the Secret is JASM's own is what the admission policy
 * sees to; one of another type than asked for counts as not owned, as JASM cannot look.
 */
export function writeOnlyWriter(
	client: Pick<KubernetesClient, 'createSecret' | 'replaceSecret'>,
): SecretWriter {
	const create = async (secret: SecretManifest, signal: AbortSignal) => {
		const { result, ...rest } = await client.createSecret(secret, { signal });
		return result === 'created' ? written(result, rest) : undefined;
	};
	const replace = async (secret: SecretManifest, signal: AbortSignal) => {
		try {
			const { result, ...rest } = await client.replaceSecret(secret, { signal });
			return result === 'replaced' ? written(result, rest) : undefined;
		} catch (error) {
			throw isOfAnotherType(error) ? ofAnotherType(secret) : error;
		}
	};
	return {
		async write(secret, { likelyExists, signal }) {
			const [first, second] = likelyExists ? [replace, create] : [create, replace];
			const done = (await first(secret, signal)) ?? (await second(secret, signal));
			if (done !== undefined) return done;
			throw changing(secret);
		},
	};
}

/**
 * Profile `self-heal`: replaces only the version that it saw, only what carries JASM's label, and keeps the
 * labels, annotations, finalizers and owners that others set. `live` looks into the managed Secrets.
 */
export function selfHealWriter(
	client: Pick<KubernetesClient, 'createSecret' | 'replaceSecret' | 'getSecretMetadata'>,
	live: (key: Key) => LiveSecret | undefined,
): SecretWriter {
	const replace = async (secret: SecretManifest, current: LiveSecret, signal: AbortSignal) => {
		if (current.labels?.[MANAGED_BY] !== secret.labels[MANAGED_BY]) throw notOwned(secret);
		const { resourceVersion, finalizers, ownerReferences } = current;
		return client.replaceSecret(
			{
				...secret,
				labels: merged(current.labels, secret.labels),
				annotations: merged(current.annotations, secret.annotations),
			},
			{
				signal,
				resourceVersion,
				keep: { ...(finalizers && { finalizers }), ...(ownerReferences && { ownerReferences }) },
			},
		);
	};
	return {
		async write(secret, { signal }) {
			const known = live(keyOf(secret));
			if (known !== undefined) {
				const { result, ...rest } = await replace(secret, known, signal);
				if (result === 'replaced') return written(result, rest);
				if (result === 'conflict') throw changing(secret);
			}
			const { result, ...rest } = await client.createSecret(secret, { signal });
			if (result === 'created') return written(result, rest);
			const found = await client.getSecretMetadata(secret, signal);
			if (found === undefined) throw changing(secret);
			const second = await replace(secret, found, signal);
			if (second.result === 'replaced') return written(second.result, second);
			throw changing(secret);
		},
	};
}

function written(
	verb: WrittenSecret['verb'],
	{ resourceVersion }: { resourceVersion?: string },
): WrittenSecret {
	return { verb, resourceVersion: resourceVersion! };
}

/** Ours win; what JASM set earlier and sets no more goes. */
function merged(
	others: Readonly<Record<string, string>> = {},
	ours: Readonly<Record<string, string>>,
): Record<string, string> {
	const kept = Object.entries(others).filter(([key]) => !key.startsWith(OWN_PREFIX));
	return { ...Object.fromEntries(kept), ...ours };
}

const changing = ({ namespace, name }: SecretManifest) =>
	new JasmError(`writing secret "${namespace}/${name}": it was changed at the same time`, {
		code: 'KUBERNETES_UNAVAILABLE',
	});

/** The API server compares types before it asks the admission policy, which would say that it is not ours. */
const isOfAnotherType = (error: unknown): boolean =>
	error instanceof JasmError &&
	error.code === 'SECRET_IMMUTABLE' &&
	/(^|, )type( |$)/.test(String(error.details['fields']));

const ofAnotherType = ({ namespace, name, type }: SecretManifest) =>
	new JasmError(
		`writing secret "${namespace}/${name}": it exists and is not of type ${type}: JASM takes it for somebody else's`,
		{ code: 'SECRET_NOT_OWNED' },
	);

const notOwned = ({ namespace, name }: SecretManifest) =>
	new JasmError(`writing secret "${namespace}/${name}": it exists and JASM does not own it`, {
		code: 'SECRET_NOT_OWNED',
	});
