// The record of a pod that asks for Secrets: when a change of it matters, and how urgent it is.

import type { ObjectMeta } from '../kubernetes/types.ts';
import { ANNOTATION_KEY } from './annotation.ts';
import { parseStart, START_KEY } from './start-annotation.ts';
import { type Workload, workloadOf } from './workload.ts';

/** A live annotated pod. Its annotation is unchecked text. */
export type PodRecord = {
	readonly uid: string;
	readonly namespace: string;
	readonly name: string;
	/** Wall-clock milliseconds; the API server's, to the second. */
	readonly createdAt: number;
	/**
	 * The latest moment at which the pod can have begun to ask, in wall-clock milliseconds; Infinity where the pod
	 * does not say. It is `createdAt` where the pod was created with its annotation.
	 */
	readonly askedAt: number;
	/**
	 * The pod's resourceVersion when this annotation was first seen: the order of pods that were created within one
	 * second. It stands in the object, so a list in any order gives the same order.
	 */
	readonly version: number;
	/** Monotonic milliseconds at which JASM first saw this annotation. */
	readonly seenAt: number;
	readonly annotation: string;
	/** The text of the start annotation, where the pod has one: nearly all pods have none. */
	readonly start?: string | undefined;
	/** Absent where the annotation does not speak of restarts: nearly all pods. */
	readonly restart?: PodRestart;
};

/** What a pod says about its restart, which only a checked annotation asks for. */
export type PodRestart = {
	/** Undefined where the pod belongs to nothing that can be restarted. */
	readonly workload: Workload | undefined;
	/** The hash of the versions for which JASM restarted the workload, as the pod template had it. */
	readonly restartedFor: string | undefined;
};

/** The annotation that a restart writes into the pod template. */
export const RESTARTED_KEY = 'jasm.codnod.io/restarted-for';

export type ToPodRecordOptions = {
	/** Monotonic milliseconds, now. */
	readonly seenAt: number;
	/** Returns an equal text that is already held, so that replicas share one (`Requests.intern`). */
	readonly intern?: (text: string) => string;
	/** Hears of a start annotation, and says whether it counts: an installation that releases no pod ignores it. */
	readonly countsStart?: () => boolean;
};

/** The record of a pod; undefined if it asks for nothing: it has no annotation, or it is terminating. */
export function toPodRecord(
	meta: ObjectMeta,
	{ seenAt, intern = text => text, countsStart = () => true }: ToPodRecordOptions,
): PodRecord | undefined {
	const { uid, namespace, name, annotations, deletionTimestamp } = meta;
	if (deletionTimestamp || !annotations || !Object.hasOwn(annotations, ANNOTATION_KEY)) {
		return undefined;
	}

	const annotation = intern(annotations[ANNOTATION_KEY]!);
	// A pod whose age cannot be read counts as old: it never wins over a pod that is known to be newer.
	const createdAt = Date.parse(meta.creationTimestamp) || 0;
	const version = Number(meta.resourceVersion) || 0;
	const askedAt = askedAtOf(meta, createdAt);
	const start =
		Object.hasOwn(annotations, START_KEY) && countsStart() ? intern(annotations[START_KEY]!) : undefined;
	const record = { uid, namespace, name, createdAt, askedAt, version, seenAt, annotation, start };
	return annotation.includes('restart') ? { ...record, restart: restartOf(meta) } : record;
}

function restartOf(meta: ObjectMeta): PodRestart {
	return { workload: workloadOf(meta), restartedFor: meta.annotations?.[RESTARTED_KEY] };
}

const ANNOTATION_FIELD = `f:${ANNOTATION_KEY}`;

/** An edit counts at the end of its second; only the client that created the pod manages the spec, too. */
function askedAtOf({ managedFields = [] }: ObjectMeta, createdAt: number): number {
	const times = managedFields.flatMap(({ time = '', fieldsV1 }) => {
		const { 'f:metadata': metadata, 'f:spec': spec } = (fieldsV1 ?? {}) as Record<string, object>;
		const annotations = (metadata as Record<string, object> | undefined)?.['f:annotations'] ?? {};
		if (!Object.hasOwn(annotations, ANNOTATION_FIELD)) {
			return [];
		}

		const changedAt = Date.parse(time);
		const atCreation = spec !== undefined && changedAt === createdAt;
		return [atCreation ? createdAt : changedAt + 999 || Number.POSITIVE_INFINITY];
	});
	return times.length === 0 ? Number.POSITIVE_INFINITY : Math.max(...times);
}

/** Whether the same pod asks for the same. */
export const samePod = (a: PodRecord | undefined, b: PodRecord | undefined): boolean =>
	a?.uid === b?.uid && a?.annotation === b?.annotation && a?.start === b?.start;

/** Whether this pod does not start before its Secrets are fresh. */
export const waitsForSecrets = ({ start }: Pick<PodRecord, 'start'>): boolean =>
	start !== undefined && parseStart(start).waits;

/** Higher runs first. A Secret that was deleted (profile self-heal) is as urgent as a new pod. */
export const PRIORITY = {
	/** Memory is reserved for the key: the sooner it runs, the sooner others have it. */
	memoryGranted: 200,
	newPod: 100,
	secretDeleted: 100,
	annotationChange: 50,
	/** The source changed while its pods run: new pods go first. */
	sourceChange: 25,
	retry: 0,
	initial: -100,
	/** No pod waits for it: a look whether the source changed without a notice. */
	resync: -200,
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

/** How urgent the keys of this pod are: new and waiting pods first, the list of old ones at start last. */
export function priorityOf(record: PodRecord, { now, initial, change }: PriorityContext): number {
	if (waitsForSecrets(record) || now - record.createdAt < NEW_POD_AGE_MS) {
		return PRIORITY.newPod;
	}

	if (change) {
		return PRIORITY.annotationChange;
	}

	return initial ? PRIORITY.initial : PRIORITY.retry;
}
