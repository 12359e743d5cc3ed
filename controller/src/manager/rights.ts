// The rights that the controller needs, and which of them are missing: all at once instead of one error at a time.
import type { Config } from '../config/config.ts';
import type { Reviews, Right } from '../kubernetes/reviews.ts';
import type { Logger } from '../observability/logger.ts';
import type { Clock } from '../runtime/clock.ts';
import { RESTART_SENTINEL } from './require-restart-guard.ts';

/** The name of the Lease is given, as it lives with the election. */
export function neededRights(
	{
		profile,
		leaderElect,
		namespace,
		start,
		restarts,
	}: Pick<Config, 'profile' | 'leaderElect' | 'namespace' | 'start' | 'restarts'>,
	lease: string,
): Right[] {
	const core = (resource: string, verbs: readonly string[]) =>
		verbs.map(verb => ({ verb, group: '', resource }));
	const held = { group: 'coordination.k8s.io', resource: 'leases', namespace };
	return [
		...core('pods', ['list', 'watch', ...(start.release ? ['patch'] : [])]),
		...core('secrets', ['create', 'update', ...(profile === 'self-heal' ? ['get', 'list', 'watch'] : [])]),
		{ verb: 'create', group: 'events.k8s.io', resource: 'events' },
		...(restarts?.namespaces ?? []).flatMap(listed =>
			['deployments', 'statefulsets', 'daemonsets'].map(resource => ({
				verb: 'patch',
				group: 'apps',
				resource,
				namespace: listed,
			})),
		),
		...(restarts === undefined
			? []
			: [{ verb: 'patch', group: 'apps', resource: 'deployments', namespace, name: RESTART_SENTINEL }]),
		...(leaderElect
			? [
					{ ...held, verb: 'create' },
					{ ...held, verb: 'get', name: lease },
					{ ...held, verb: 'update', name: lease },
				]
			: []),
	];
}

/** In words, such as `list pods`. What the API server does not say is not listed. */
export async function missingRights(
	reviews: Reviews,
	rights: readonly Right[],
	signal?: AbortSignal,
): Promise<string[]> {
	const allowed = await Promise.all(rights.map(right => reviews.allowed(right, signal)));
	return rights.filter((_, index) => allowed[index] === false).map(inWords);
}

function inWords({ verb, resource, group, namespace, name }: Right): string {
	const of = group === '' ? resource : `${resource}.${group}`;
	const which = name === undefined ? of : `${of} "${name}"`;
	return `${verb} ${which}${namespace === undefined ? '' : ` in namespace "${namespace}"`}`;
}

export type RightsReportOptions = {
	readonly reviews: Reviews;
	readonly rights: readonly Right[];
	readonly clock: Clock;
	readonly logger: Logger;
};

const AGAIN_MS = 10 * 60_000;

/** After a refusal: one log line with every missing right, at most every ten minutes. */
export class RightsReport {
	readonly #options: RightsReportOptions;
	#reportedAt = Number.NEGATIVE_INFINITY;

	constructor(options: RightsReportOptions) {
		this.#options = options;
	}

	async refused(): Promise<void> {
		const { reviews, rights, clock, logger } = this.#options;
		if (clock.monotonic() - this.#reportedAt < AGAIN_MS) return;
		this.#reportedAt = clock.monotonic();
		const [user, missing] = await Promise.all([reviews.user(), missingRights(reviews, rights)]);
		if (missing.length === 0) return;
		const remedy = "give JASM's ServiceAccount the missing rights; JASM tries again by itself";
		logger.warn({ missing, ...(user !== undefined && { user }), remedy }, 'rights are missing');
	}
}
