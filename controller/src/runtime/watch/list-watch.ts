// The interface between watcher and wire: the messages of one stream, and how it ends.

/** A record is the part of an object that is kept: never the object itself. */
export type Tracked = { readonly uid: string };

/**
 * Messages of one stream, in order, delivered synchronously. A stream opened at the beginning delivers the
 * present collection as `apply` messages, then one `initial-end`, then changes.
 */
export type StreamMessage<T extends Tracked> =
	| { readonly type: 'apply'; readonly record: T }
	| { readonly type: 'delete'; readonly uid: string }
	| { readonly type: 'initial-end'; readonly resourceVersion: string }
	/** The stream may be resumed from here: every message before it was delivered. */
	| { readonly type: 'progress'; readonly resourceVersion: string };

/** Why a stream ended; never an exception. */
export type StreamEnd =
	/** Closed cleanly by the server or by the watcher's deadline. */
	| { readonly reason: 'closed' }
	/** The resource version is too old (410): start at the beginning. */
	| { readonly reason: 'expired' }
	/** The server is behind the resource version (504 ResourceVersionTooLarge): back off, then the beginning. */
	| { readonly reason: 'ahead' }
	/**
	 * Broken connection, error status, silence: back off, resume. `retryAfterMs` is a floor; `unanswered` means that
	 * not even headers arrived.
	 */
	| {
			readonly reason: 'failed';
			readonly error: Error;
			readonly retryAfterMs?: number;
			readonly unanswered?: boolean;
	  };

export type ListWatch<T extends Tracked> = {
	/**
	 * Opens one stream: from the beginning (`undefined`) or from a resource version. Resolves when it ended;
	 * no message follows. Aborting the signal ends it as `closed`.
	 */
	open(
		resourceVersion: string | undefined,
		sink: (message: StreamMessage<T>) => void,
		signal: AbortSignal,
	): Promise<StreamEnd>;
	/** Monotonic milliseconds (of the clock given at construction) at which the last byte arrived. */
	readonly lastByteAt: number;
};

/** The events of a watcher: the store applies them and swaps its records on `init-done`. */
export type WatchEvent<T extends Tracked> =
	| { readonly type: 'init' }
	| { readonly type: 'init-apply'; readonly record: T }
	| { readonly type: 'init-done' }
	| { readonly type: 'apply'; readonly record: T }
	| { readonly type: 'delete'; readonly uid: string };
