// What a provider is: one method that reads one secret; and what a kind of provider consists of.
import type * as z from 'zod/mini';
import type { Clock } from '../runtime/clock.ts';
import type { ChangeQueue, Concern, Notice, NoticeScope } from './notice.ts';
import type { SecretValue } from './secret-value.ts';

/** Where a value lives inside one provider. */
export type RemoteReference = {
	readonly path: string;
	/** A pinned version or stage; absent: the current one. */
	readonly version?: string;
};

/** Memory for one value. Values of all namespaces share it, so a large value may have to wait for its turn. */
export type Room = {
	/**
	 * To be called before bytes of an answer are kept: with all that the answer needs, by its announced length or by
	 * the largest that can follow, and with its true length at its end.
	 *
	 * @throws JasmError MEMORY_BUSY: there is no room now. The read has to end with this error; JASM reads again.
	 */
	reserve(bytes: number): void;
};

/**
 * A secret store. `read` makes one attempt (beyond the retries of the SDK's standard configuration), honours
 * the signal and its own deadline, and fails only with a JasmError: `SECRET_NOT_FOUND` only where the provider
 * proved absence by its specific code; a refusal, a timeout or anything unknown is never absence.
 */
export type SecretProvider = {
	/** A provider that ignores `room` is counted by the size of the value that it returned. */
	read(reference: RemoteReference, signal: AbortSignal, room?: Room): Promise<SecretValue>;
	/** Releases connections and sessions. */
	close?(): Promise<void>;
};

/** Environment variables by name; a parameter, so that only the edge reads those of the process. */
export type Environment = Readonly<Record<string, string | undefined>>;

/** What every provider is given. */
export type ProviderDependencies = {
	readonly env: Environment;
	readonly clock: Clock;
	/** Called once per provider for each setting that is meant for development. */
	readonly warn: (message: string) => void;
};

/** What a kind is given for one configured provider. */
export type KindContext = ProviderDependencies & {
	/** The name under which the operator configured this provider. */
	readonly name: string;
};

/** A configured provider before anything of its SDK is loaded. */
export type PreparedProvider = {
	/**
	 * Refuses, never normalises, what this kind's own rules do not allow; pure.
	 *
	 * @throws JasmError PROVIDER_REQUEST_INVALID, POLICY_DENIED
	 */
	validatePath(reference: RemoteReference): void;
	/** Loads the provider's own file, and with it its SDK. */
	open(): Promise<SecretProvider>;
	/**
	 * Which secrets of this provider a change notice concerns; undefined where the notice is not about a place that
	 * this provider serves. Pure. A kind without this method follows notices that name the provider, and no others.
	 */
	concerns?(notice: Notice, scope: NoticeScope): Concern | undefined;
	/** Opens a queue of change notices with this provider's identity. Loads the SDK for it. */
	openQueue?(url: string): Promise<ChangeQueue>;
};

/** What a configured provider needs from the installation that runs the controller. */
export type Installation = {
	/** The ServiceAccount token that the provider signs in with: one file, one audience. */
	readonly token?: { readonly file: string; readonly audience: string };
	/** Files with certificate authorities, which a person brings; nothing in them is secret. */
	readonly authorities: readonly string[];
	/** Files with credentials, which a person brings: a secret id, a token, the credentials for a proxy. */
	readonly credentialFiles: readonly string[];
	/** Environment variables with their values. */
	readonly env: Readonly<Record<string, string>>;
	/** Whether credentials for development come from environment variables that a person brings. */
	readonly developmentEnvironment: boolean;
	/** Every host that the provider connects to: those of its proxy where it has one. */
	readonly egress: readonly Host[];
};

export type Host = { readonly host: string; readonly port: number };

/** An annotation's request, and the pod of the sample installation that carries it. */
export type Sample = {
	readonly pod: string;
	readonly requests: readonly {
		readonly path: string;
		readonly secretName: string;
		readonly key?: string;
		readonly keys?: Readonly<Record<string, string>>;
	}[];
};

/** The schema of one kind: a strict object, or a union of strict objects by `credentials`. */
export type KindSchema = z.ZodMiniType<{ readonly kind: string }>;

/** A kind of provider, as a program brings it along. */
export type ProviderKind<Schema extends KindSchema = KindSchema> = {
	/** The only source of the kind's fields, types, defaults and conditions. `kind` is a literal. */
	readonly schema: Schema;
	/** Prepares a provider; loads and calls nothing. */
	prepare(config: z.output<Schema>, context: KindContext): PreparedProvider;
	/** The `kind` of sources whose queues a provider of this kind opens. Default: each kind of queue. */
	readonly queueKind?: string;
	/**
	 * What is wrong with the URL of a queue of change notices that a provider of this kind opens, or undefined; the
	 * fault reads on after the field's name. A kind without this function has no such queues.
	 */
	queueFault?(url: string, config: Partial<z.output<Schema>>): string | undefined;
	/** What an operator should know at start, as sentences. */
	notices?(config: z.output<Schema>): readonly string[];
};

/** A kind that JASM itself has, with what its documentation and its installation need. */
export type BuiltInKind<Schema extends KindSchema = KindSchema> = ProviderKind<Schema> & {
	/** Environment variables that the kind reads, each with what it is for. */
	readonly environment: Readonly<Record<string, string>>;
	/** What the provider needs around it; `env` is what the installation sets for the controller. */
	installation(config: z.output<Schema>, env: Environment): Installation;
	/** Requests that show the kind at work, in the sample installation; the provider's name is added to each. */
	readonly samples: readonly Sample[];
};
