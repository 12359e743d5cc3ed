// The annotation that makes a pod wait for its Secrets: the words that users write; pure.

/** How a pod starts: the installation turns `after-sync` into the scheduling gate. */
export const START_KEY = 'jasm.codnod.io/start';

/** The scheduling gate of JASM in `spec.schedulingGates`. */
export const GATE = 'jasm.codnod.io/secret';

/**
 * The values of the annotation, as a regular expression that RE2 (CEL) and JavaScript read alike. The installation's
 * admission policy refuses every other value when a pod is created.
 */
export const START_PATTERN = '^(at-once|after-sync(, *[1-9][0-9]{0,4}s)?)$';

const VALID = new RegExp(START_PATTERN);
const DEADLINE = /([0-9]+)s$/;

export type StartWish =
	/** `deadlineMs`: the longest wait, in milliseconds after the creation of the pod. */
	{ readonly waits: true; readonly deadlineMs?: number; readonly valid: boolean } | { readonly waits: false };

/**
 * What the annotation says. A value that the policy would refuse can only come from a later edit of a waiting pod:
 * such a pod keeps waiting, without a deadline, because a typing error must not start it with an old value.
 */
export function parseStart(text: string | undefined): StartWish {
	if (text === undefined || text === 'at-once') return { waits: false };
	if (!VALID.test(text)) return { waits: true, valid: false };
	const seconds = DEADLINE.exec(text)?.[1];
	return { waits: true, valid: true, ...(seconds !== undefined && { deadlineMs: Number(seconds) * 1_000 }) };
}
