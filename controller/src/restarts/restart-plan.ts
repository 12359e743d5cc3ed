// Decides from the state of a workload's Secrets and pods whether it is restarted, and when. Pure.
import { createHash } from 'node:crypto';
import { type Hours, openFrom } from '../util/week-hours.ts';

const HOUR_MS = 3_600_000;
/** Further changes put a restart off by at most this long. */
const WINDOW_LIMIT_MS = 300_000;
/** After a start, a pod that appeared this shortly before a change may have been served by that very write. */
const UNREMEMBERED_MS = 10_000;
const RESTARTS_BEFORE_HOLD_BACK = 3;
/** How many of a workload's restarts have to be remembered. */
export const KEPT_RESTARTS = RESTARTS_BEFORE_HOLD_BACK;

/** What the API server said of the last write, in ms by its clock, which counts whole seconds. */
export type WrittenSecret = {
	readonly secretName: string;
	readonly version: string;
	readonly changedAt: number;
	readonly createdAt: number;
};

export type LivePod = {
	readonly createdAt: number;
	readonly restartedFor?: string;
	/** secretName -> changedAt of the write that served the pod first. Absent: this run did not see it served. */
	readonly firstServed?: ReadonlyMap<string, number>;
};

export type Facts = {
	/** One entry for each Secret that the workload restarts for; undefined while it is not written or fails. */
	readonly secrets: readonly (WrittenSecret | undefined)[];
	readonly pods: readonly LivePod[];
	/** When the workload was first found stale since its last restart. */
	readonly staleSince?: number;
	/** The restarts of this workload by this run, oldest first. */
	readonly restarts: readonly number[];
	readonly heldBack: boolean;
	/** The hash of the last restart by this run: its rollout may still be under way. */
	readonly restartedFor?: string;
	readonly inProgress: number;
	readonly settings: {
		readonly windowMs: number;
		readonly minMs: number;
		readonly inProgress: number;
		readonly dryRun: boolean;
		readonly hours?: Hours;
	};
};

export type Decision =
	| { readonly kind: 'none' }
	/** Evaluate again at `until`, or as soon as the facts change. */
	| {
			readonly kind: 'wait';
			readonly for: 'secrets' | 'window' | 'interval' | 'hold-back' | 'hours' | 'slot';
			readonly until?: number;
	  }
	| { readonly kind: 'plan' | 'restart'; readonly hash: string };

export function decide(facts: Facts, now: number): Decision {
	const secrets = facts.secrets.filter(secret => secret !== undefined);
	if (secrets.length < facts.secrets.length) {
		return { kind: 'wait', for: 'secrets' };
	}

	const stale = secrets.flatMap(secret =>
		facts.pods.filter(pod => isStale(pod, secret)).map(pod => ({ pod, changedAt: secret.changedAt })),
	);
	const hash = restartHash(secrets);
	// The rollout for these versions is under way already where each stale pod carries their hash.
	if (facts.restartedFor === hash || stale.every(({ pod }) => pod.restartedFor === hash)) {
		return { kind: 'none' };
	}

	const { reason, at } = earliest(
		facts,
		stale.map(({ changedAt }) => changedAt),
	);
	const moment = Math.max(at, now);
	const opening = facts.settings.hours ? openFrom(facts.settings.hours, moment) : moment;
	if (opening !== moment) {
		return { kind: 'wait', for: 'hours', ...(opening !== undefined && { until: opening }) };
	}

	if (at > now) {
		return { kind: 'wait', for: reason, until: at };
	}

	// A dry run uses up no slot.
	if (facts.settings.dryRun) {
		return { kind: 'plan', hash };
	}

	return facts.inProgress >= facts.settings.inProgress
		? { kind: 'wait', for: 'slot' }
		: { kind: 'restart', hash };
}

/** Whether the workload changes so often that it is restarted once an hour only; ends with an hour of rest. */
export function isHeldBack({ restarts, heldBack, staleSince }: Facts): boolean {
	const last = restarts.at(-1);
	const first = restarts.at(-RESTARTS_BEFORE_HOLD_BACK);
	if (last === undefined) {
		return false;
	}

	const often = first !== undefined && last - first < HOUR_MS;
	return (often || heldBack) && (staleSince ?? last) < last + HOUR_MS;
}

/**
 * Names the versions and no value: the same versions never restart a workload twice. A store without versions has the
 * time of the last change instead.
 */
export function restartHash(
	secrets: readonly Pick<WrittenSecret, 'secretName' | 'version' | 'changedAt'>[],
): string {
	const versions = secrets
		.map(({ secretName, version, changedAt }) => `${secretName}=${version || changedAt}`)
		.sort();
	return createHash('sha256').update(versions.join('\n')).digest('hex').slice(0, 16);
}

function isStale(
	{ createdAt, firstServed }: LivePod,
	{ secretName, changedAt, createdAt: secretCreatedAt }: WrittenSecret,
): boolean {
	if (changedAt <= secretCreatedAt) {
		return false;
	}

	if (firstServed === undefined) {
		return createdAt <= changedAt - UNREMEMBERED_MS;
	}

	return createdAt <= changedAt && firstServed.get(secretName) !== changedAt;
}

function earliest(
	facts: Facts,
	changes: readonly number[],
): { readonly reason: 'window' | 'interval' | 'hold-back'; readonly at: number } {
	const { settings, restarts, pods } = facts;
	const first = Math.min(facts.staleSince ?? Number.POSITIVE_INFINITY, ...changes);
	const window = Math.min(Math.max(...changes) + settings.windowMs, first + WINDOW_LIMIT_MS);
	const marked = pods
		.filter(({ restartedFor }) => restartedFor !== undefined)
		.map(({ createdAt }) => createdAt);
	const last = restarts.at(-1) ?? Math.max(...marked);
	const held = isHeldBack(facts);
	const interval = last + (held ? Math.max(HOUR_MS, settings.minMs) : settings.minMs);
	return interval > window
		? { reason: held ? 'hold-back' : 'interval', at: interval }
		: { reason: 'window', at: window };
}
