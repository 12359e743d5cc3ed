// Finds annotations of pods that look like JASM's and are none: a misspelt key would do nothing and say nothing.
import type { ObjectMeta, PodRef } from '../kubernetes/types.ts';
import { nearestName } from '../util/nearest-name.ts';
import { ANNOTATION_KEY } from './annotation.ts';
import { RESTARTED_KEY } from './pod-record.ts';
import { START_KEY } from './start-annotation.ts';

/** Every annotation of JASM begins with it. */
export const KEY_PREFIX = 'jasm.codnod.io/';

/** The keys that people write. */
const WRITTEN = [ANNOTATION_KEY, START_KEY];

/** The keys that a pod gets from its workload's restart and from JASM's own installation. */
const GENERATED = [RESTARTED_KEY, `${KEY_PREFIX}config-hash`];

const KNOWN = new Set([...WRITTEN, ...GENERATED]);

/** At most so many keys of one pod are named. */
const NAMED = 3;

/** Pods that are remembered. A pod that was forgotten is reported again when it changes. */
const REMEMBERED = 2_000;

/** What is wrong with the keys of a pod, in words that repeat identically; undefined where nothing is. */
export function unknownKeysOf(annotations: ObjectMeta['annotations'] = {}): string | undefined {
	const unknown = Object.keys(annotations)
		.filter(key => key.startsWith(KEY_PREFIX) && !KNOWN.has(key))
		.sort();
	if (unknown.length === 0) {
		return undefined;
	}

	const more = unknown.length > NAMED ? `; and ${unknown.length - NAMED} more` : '';
	return unknown.slice(0, NAMED).map(describe).join('; ') + more;
}

function describe(key: string): string {
	const names = WRITTEN.map(name => name.slice(KEY_PREFIX.length));
	const nearest = nearestName(key.slice(KEY_PREFIX.length), names);
	const hint =
		nearest === undefined ? `known are ${WRITTEN.join(' and ')}` : `did you mean "${KEY_PREFIX}${nearest}"?`;
	return `unknown annotation "${key}", ${hint}`;
}

type Entry = { readonly pod: PodRef; readonly fault: string; reported: boolean };

/** Reports the unknown keys of each pod once, and again when they change. A standby only remembers them. */
export class UnknownKeys {
	readonly #entries = new Map<string, Entry>();
	readonly #reporter: { unknownKeys(pod: PodRef, fault: string): void };
	#leading = false;

	constructor(reporter: { unknownKeys(pod: PodRef, fault: string): void }) {
		this.#reporter = reporter;
	}

	/** A pod as the watch has it: new, or after a change. */
	readonly seen = ({ uid, namespace, name, annotations, deletionTimestamp }: ObjectMeta): void => {
		const fault = deletionTimestamp === undefined ? unknownKeysOf(annotations) : undefined;
		if (fault === undefined) {
			this.#entries.delete(uid);
			return;
		}

		if (this.#entries.get(uid)?.fault === fault) {
			return;
		}

		const entry = { pod: { uid, namespace, name }, fault, reported: false };
		this.#entries.delete(uid);
		this.#entries.set(uid, entry);
		if (this.#entries.size > REMEMBERED) {
			this.#entries.delete(this.#entries.keys().next().value!);
		}

		this.#report(entry);
	};

	/** Reports what was seen before, and what is seen from now on. */
	lead(): void {
		this.#leading = true;
		for (const entry of this.#entries.values()) {
			this.#report(entry);
		}
	}

	#report(entry: Entry): void {
		if (this.#leading && !entry.reported) {
			entry.reported = true;
			this.#reporter.unknownKeys(entry.pod, entry.fault);
		}
	}
}
