// A change notice: what a store says about one secret that changed. It holds names and no value.

type NoticeFields = {
	/** The secret's name in its store. */
	readonly path: string;
	/** The version that a read returns after the change, where the notice says it. */
	readonly version?: string;
	/** The id of the event, for the log. */
	readonly id: string;
	/** When it happened, in wall-clock milliseconds. */
	readonly at: number;
};

/** From an event of AWS. */
export type AwsNotice = NoticeFields & {
	readonly origin: 'aws';
	/** The account and the region of the secret. */
	readonly account: string;
	readonly region: string;
	/** The complete ARN, where the event has it. */
	readonly arn?: string;
	/** The staging label that moved; absent where the event does not say. */
	readonly label?: string;
};

/** From an event of Azure Key Vault. */
export type AzureNotice = NoticeFields & {
	readonly origin: 'azure';
	/** The host of the vault, and its port where that is not the usual one. */
	readonly host: string;
};

/** From a sender that knows how JASM names things: a pipeline, or whatever reads the log of a store. */
export type NamedNotice = NoticeFields & {
	readonly origin: 'named';
	/** The name of the provider in the configuration; `path` is what annotations say. */
	readonly provider: string;
};

/**
 * A hint and never data. Its fields are compared with what live pods ask for; nothing in it is read, opened or
 * written. A forged notice can only make JASM read a secret that a pod asks for and that the policy allows.
 */
export type Notice = AwsNotice | AzureNotice | NamedNotice;

/** From where notices may come, beside what the provider itself allows. */
export type NoticeScope = {
	/** The account of the queue. */
	readonly account?: string;
	readonly regions?: readonly string[];
};

/** What a notice changes for requests that name one of these paths. */
export type Concern = {
	readonly paths: readonly string[];
	/** Whether the store does not tell upper from lower case in a path. */
	readonly ignoresCase?: boolean;
	/**
	 * Whether a request that pins this version (or none) follows the change; if so, the version that a read returns
	 * after the change, where that is known.
	 */
	follows(pinned: string | undefined): { readonly version?: string } | undefined;
};

/** What a notice changes where a version, once pinned, never changes. */
export const plainConcern = ({ path, version }: Notice): Concern => ({
	paths: [path],
	follows: pinned => (pinned === undefined ? { ...(version !== undefined && { version }) } : undefined),
});

/** One message of a queue of notices. */
export type QueueMessage = {
	/** By which it is deleted. */
	readonly receipt: string;
	readonly body: string;
};

/** A queue of notices at a cloud. Every call fails only with a JasmError CHANGE_SOURCE_… or ABORTED. */
export type ChangeQueue = {
	/** Waits at the queue until there are messages, at most a minute. A message stays hidden for a minute or more. */
	receive(signal: AbortSignal): Promise<readonly QueueMessage[]>;
	/** Returns the number of messages that were not deleted: they come again. */
	delete(receipts: readonly string[], signal: AbortSignal): Promise<number>;
	/** Keeps messages hidden for this many seconds from now, or for as long as the queue can. */
	hide(receipts: readonly string[], seconds: number, signal: AbortSignal): Promise<void>;
	close(): Promise<void>;
};

/** The largest number of messages in one call of a queue. */
export const QUEUE_BATCH = 10;
