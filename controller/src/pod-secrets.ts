// What is kept of a pod that asks for secrets, when a change of it matters, and how urgent it is.
import { ANNOTATION_KEY } from './annotation.ts';
import type { ObjectMeta } from './kubernetes/types.ts';

/** A live annotated pod. Its annotation is text that nobody has judged yet. */
export type PodRecord = {
	readonly uid: string;
	readonly namespace: string;
	readonly name: string;
	/** Wall-clock milliseconds; the API server's, to the second. */
	readonly createdAt: number;
	/** Monotonic milliseconds of our own clock at which this annotation was first seen. */
	readonly seenAt: number;
	readonly annotation: string;
};

export type ToPodRecordOptions = {
	/** Monotonic milliseconds, now. */
	readonly seenAt: number;
	/** Gives an equal text that is held already, so that replicas share one (`Requests.intern`). */
	readonly intern?: (text: string) => string;
};

/** The record of a pod, or undefined where it asks for nothing: no annotation, or it is terminating. */
export function toPodRecord(
	meta: ObjectMeta,
	{ seenAt, intern = text => text }: ToPodRecordOptions,
): PodRecord | undefined {
	const { uid, namespace, name, annotations, deletionTimestamp } = meta;
	if (deletionTimestamp || !annotations || !Object.hasOwn(annotations, ANNOTATION_KEY)) {
		return undefined;
	}

	const annotation = intern(annotations[ANNOTATION_KEY]!);
	// A pod whose age cannot be read counts as old: it never outbids one that is known to be newer.
	const createdAt = Date.parse(meta.creationTimestamp) || 0;
	return { uid, namespace, name, createdAt, seenAt, annotation };
}

/** Whether nothing changed that matters: the same pod asks for the same. */
export const samePod = (a: PodRecord | undefined, b: PodRecord | undefined): boolean =>
	a?.uid === b?.uid && a?.annotation === b?.annotation;

/** Higher runs first. A Secret that was deleted (profile self-heal) is as urgent as a new pod. */
export const PRIORITY = {
	newPod: 100,
	secretDeleted: 100,
	annotationChange: 50,
	retry: 0,
	initial: -100,
} as const;

/** A pod this young (milliseconds) is likely waiting for its Secret. */
const NEW_POD_AGE_MS = 60_000;

export type PriorityContext = {
	/** Wall-clock milliseconds. */
	readonly now: number;
	/** The record came with the list at start, not as news. */
	readonly initial: boolean;
	/** The pod was known before, with another annotation or none. */
	readonly change: boolean;
};

/** How urgent the keys of this pod are: new pods first, the list of old ones at start last. */
export function priorityOf(record: PodRecord, { now, initial, change }: PriorityContext): number {
	if (now - record.createdAt < NEW_POD_AGE_MS) {
		return PRIORITY.newPod;
	}

	if (change) {
		return PRIORITY.annotationChange;
	}

	return initial ? PRIORITY.initial : PRIORITY.retry;
}
