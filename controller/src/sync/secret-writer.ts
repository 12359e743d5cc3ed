// Creates or replaces a Secret, and judges from the answer whether the Secret stands.
//
// Every write names the version that it replaces. A Secret that is being deleted has a newer version than any
// write of JASM saw, so no write can strip the finalizers that hold it. A dry-run replace answers with that version
// and with the deletion mark, and needs no right beyond `update`.
import { JasmError } from '../errors.ts';
import type { KubernetesClient, ReplaceOptions } from '../kubernetes/client.ts';
import type { ObjectMeta, SecretManifest } from '../kubernetes/types.ts';
import { type Key, keyOf } from '../runtime/object-ref.ts';
import { FIELD_MANAGER, MANAGED_BY } from './desired-secret.ts';

export type WriteHints = {
	/** The version of JASM's last write, where that is known. */
	readonly resourceVersion?: string | undefined;
	/** The Secret exists already, most likely: looking at it comes before creating it. */
	readonly likelyExists: boolean;
	readonly signal: AbortSignal;
};

export type WrittenSecret = {
	readonly verb: 'created' | 'replaced';
	readonly resourceVersion: string;
	/**
	 * When JASM last changed the Secret, and when it was created: wall-clock milliseconds of the API server, which
	 * counts whole seconds. A write that changes nothing moves neither.
	 */
	readonly changedAt: number;
	readonly createdAt: number;
};

export type SecretWriter = {
	/** Idempotent. Resolves only if the Secret stands afterwards; rejects with a JasmError. */
	write(secret: SecretManifest, hints: WriteHints): Promise<WrittenSecret>;
};

/** What profile `self-heal` knows of a Secret that carries JASM's label. */
export type LiveSecret = Pick<ObjectMeta, 'resourceVersion' | 'labels' | 'annotations'> &
	Partial<Pick<ObjectMeta, 'deletionTimestamp' | 'finalizers' | 'ownerReferences'>>;

const OWN_PREFIX = 'jasm.codnod.io/';

/**
 * Profile `write-only`: the admission policy refuses writes to Secrets that JASM does not own. A Secret of another
 * type counts as not owned, because JASM cannot look.
 */
export function writeOnlyWriter(
	client: Pick<KubernetesClient, 'createSecret' | 'replaceSecret'>,
): SecretWriter {
	const send = async (secret: SecretManifest, options: ReplaceOptions) => {
		try {
			return await client.replaceSecret(secret, options);
		} catch (error) {
			throw isOfAnotherType(error) ? ofAnotherType(secret) : error;
		}
	};
	/** Replaces the version that was seen; otherwise says why that is impossible. */
	const replace = async (secret: SecretManifest, seen: Seen, signal: AbortSignal) => {
		const answer = await send(secret, { signal, ...seen });
		return answer.result === 'replaced' ? standing(secret, answer) : answer.result;
	};
	/** What there is to replace, by a dry run, which changes nothing. Undefined where there is no Secret. */
	const look = async (secret: SecretManifest, signal: AbortSignal): Promise<Seen | undefined> => {
		const answer = await send(secret, { signal, dryRun: true }).catch(rejection);
		// An old admission webhook can refuse dry runs: the real write decides then.
		if (answer instanceof JasmError) return {};
		if (answer.result !== 'replaced') return undefined;
		return { resourceVersion: standing(secret, answer).resourceVersion };
	};

	return {
		async write(secret, { resourceVersion, likelyExists, signal }) {
			let exists = likelyExists;
			if (resourceVersion !== undefined) {
				const done = await replace(secret, { resourceVersion }, signal);
				if (typeof done !== 'string') return done;
				exists = done === 'conflict';
			}

			// A full quota refuses the creation of what exists, too: then there may be something to replace.
			const first = exists ? undefined : await client.createSecret(secret, { signal }).catch(rejection);
			if (isCreated(first)) return standing(secret, first);

			const seen = await look(secret, signal);
			if (seen !== undefined) {
				const done = await replace(secret, seen, signal);
				if (typeof done !== 'string') return done;
				throw changing(secret);
			}

			if (first instanceof JasmError) throw first;
			const second = exists ? await client.createSecret(secret, { signal }) : undefined;
			if (isCreated(second)) return standing(secret, second);
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
		if (current.labels?.[MANAGED_BY.label] !== MANAGED_BY.value) throw notOwned(secret);
		if (current.deletionTimestamp !== undefined) throw beingDeleted(secret);
		const { resourceVersion, finalizers, ownerReferences } = current;
		const answer = await client.replaceSecret(
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
		return answer.result === 'replaced' ? standing(secret, answer) : answer.result;
	};

	return {
		async write(secret, { signal }) {
			const known = live(keyOf(secret));
			if (known !== undefined) {
				const done = await replace(secret, known, signal);
				if (typeof done !== 'string') return done;
				if (done === 'conflict') throw changing(secret);
			}

			const answer = await client.createSecret(secret, { signal });
			if (answer.result === 'created') return standing(secret, answer);
			const found = await client.getSecretMetadata(secret, signal);
			if (found === undefined) throw changing(secret);
			const done = await replace(secret, found, signal);
			if (typeof done !== 'string') return done;
			throw changing(secret);
		},
	};
}

/** The version to replace; without one any version is replaced. */
type Seen = { readonly resourceVersion?: string };

type Answer = { readonly result: 'created' | 'replaced'; readonly metadata: ObjectMeta };

/**
 * What was written, if it stands: the API server answers 200 to a write of a Secret that is being deleted, and an
 * admission webhook can take off the label without which the next write would be refused. The type needs no look:
 * a replace with another type is refused.
 */
function standing(secret: SecretManifest, { result: verb, metadata }: Answer): WrittenSecret {
	if (metadata.deletionTimestamp !== undefined) throw beingDeleted(secret);
	if (metadata.labels?.[MANAGED_BY.label] !== MANAGED_BY.value) throw unmarked(secret);
	const createdAt = Date.parse(metadata.creationTimestamp) || 0;
	return {
		verb,
		resourceVersion: metadata.resourceVersion,
		changedAt: changedAtOf(metadata) ?? createdAt,
		createdAt,
	};
}

function changedAtOf({ managedFields = [] }: ObjectMeta): number | undefined {
	const times = managedFields
		.filter(({ manager, operation }) => manager === FIELD_MANAGER && operation === 'Update')
		.map(({ time = '' }) => Date.parse(time))
		.filter(time => !Number.isNaN(time));
	return times.length === 0 ? undefined : Math.max(...times);
}

/** The labels of JASM win; labels that JASM set earlier and no longer sets are dropped. */
function merged(
	others: Readonly<Record<string, string>> = {},
	own: Readonly<Record<string, string>>,
): Record<string, string> {
	const kept = Object.entries(others).filter(([key]) => !key.startsWith(OWN_PREFIX));
	return { ...Object.fromEntries(kept), ...own };
}

const isCreated = (answer: object | undefined): answer is Answer =>
	(answer as Partial<Answer> | undefined)?.result === 'created';

/** A refusal as a value; throws every other error. */
function rejection(error: unknown): JasmError {
	if (error instanceof JasmError && error.code === 'SECRET_REJECTED') return error;
	throw error;
}

/** The API server compares types before it asks the admission policy, which would refuse it as not owned. */
const isOfAnotherType = (error: unknown): boolean =>
	error instanceof JasmError &&
	error.code === 'SECRET_IMMUTABLE' &&
	/(^|, )type( |$)/.test(String(error.details['fields']));

const refused = ({ namespace, name }: SecretManifest, why: string, code: JasmError['code']) =>
	new JasmError(`writing secret "${namespace}/${name}": ${why}`, { code });

const changing = (secret: SecretManifest) =>
	refused(secret, 'it was changed at the same time', 'KUBERNETES_UNAVAILABLE');

const beingDeleted = (secret: SecretManifest) =>
	refused(secret, 'it is being deleted, and a finalizer holds it', 'SECRET_BEING_DELETED');

const unmarked = (secret: SecretManifest) =>
	refused(secret, `it was stored without the label ${MANAGED_BY.label}`, 'SECRET_REJECTED');

const ofAnotherType = (secret: SecretManifest) =>
	refused(
		secret,
		`it exists and is not of type ${secret.type}: JASM takes it for the Secret of another owner`,
		'SECRET_NOT_OWNED',
	);

const notOwned = (secret: SecretManifest) =>
	refused(secret, 'it exists and JASM does not own it', 'SECRET_NOT_OWNED');
