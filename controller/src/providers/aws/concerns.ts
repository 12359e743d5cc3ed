// Which secrets of a provider an event of AWS concerns: account, region and staging label are compared; pure.
import type { Concern, Notice, NoticeScope } from '../notice.ts';
import { secretArnPrefix } from './partitions.ts';

export type ConcernSettings = {
	readonly region: string;
	readonly regions: readonly string[];
	readonly accounts: readonly string[];
	readonly roleArn?: string | undefined;
};

/** The label that a request without a version follows. */
const CURRENT = 'AWSCURRENT';
/** Moves whenever AWSCURRENT moves, without an event of its own. */
const PREVIOUS = 'AWSPREVIOUS';

/** Undefined where the notice comes from an account or a region that this provider does not serve. */
export function awsConcern(
	notice: Notice,
	{ region: home, regions, accounts, roleArn }: ConcernSettings,
	scope: NoticeScope,
): Concern | undefined {
	if (notice.origin === 'named') {
		const { path, version } = notice;
		return { paths: [path], follows: follower(undefined, version) };
	}

	if (notice.origin !== 'aws') {
		return undefined;
	}

	const { account, region, path, arn, label, version } = notice;
	// A name in an annotation is one of JASM's own account; an ARN may name each listed account.
	const own = [roleArn?.split(':')[4], scope.account].includes(account);
	const served = [home, ...regions, ...(scope.regions ?? [])].includes(region);
	if (!served || !(own || accounts.includes(account))) {
		return undefined;
	}

	return {
		paths: [...(own ? [path] : []), ...(arn === undefined ? [] : replicasOf(arn, [home, ...regions]))],
		follows: follower(label, version),
	};
}

/** What a move of this label, or of one that the notice does not name, to this version means for a request. */
const follower =
	(label: string | undefined, version: string | undefined): Concern['follows'] =>
	pinned => {
		const wanted = pinned ?? CURRENT;
		if (isVersionId(wanted)) {
			return undefined;
		}

		const named = version === undefined ? {} : { version };
		if (label === undefined) {
			return pinned === undefined ? named : {};
		}

		return label === wanted ? named : label === CURRENT && wanted === PREVIOUS ? {} : undefined;
	};

/** The service tells a version id from a staging label only by its length. */
const isVersionId = (version: string): boolean => version.length >= 32 && version.length <= 64;

/** A replica has the ARN of its primary but for the region. */
function replicasOf(arn: string, regions: readonly string[]): string[] {
	const [, , , , account = '', , ...resource] = arn.split(':');
	return [...new Set(regions)].map(region => `${secretArnPrefix(region, account)}${resource.join(':')}`);
}
