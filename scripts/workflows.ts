// Finds faults in GitHub workflows that can be seen without running them; pure.
import { type ValidationError, validateWorkflow } from '@action-validator/core';
import { load } from 'js-yaml';

type Job = {
	readonly uses?: string;
	readonly 'timeout-minutes'?: number;
	readonly steps?: readonly { readonly uses?: string }[];
};
type Workflow = { readonly permissions?: unknown; readonly jobs?: Readonly<Record<string, Job>> };

/** An action of a repository, with a version or a commit behind it. */
const PINNED = /@(?:v\d+(?:\.\d+)*|[0-9a-f]{40})$/;

/** What the published schema of workflows says, the deepest places first. */
function schemaFaults(errors: readonly ValidationError[]): string[] {
	return errors.flatMap(error => {
		const inner = 'states' in error ? (error.states ?? []).flatMap(state => schemaFaults(state.errors)) : [];
		const place = 'path' in error ? error.path : (error.location?.line ?? '');
		return [...inner, `${place}: ${error.detail ?? error.title}`];
	});
}

/** Faults of one workflow, a sentence each; empty if there is none. */
export function workflowFaults(text: string): string[] {
	const faults = schemaFaults(validateWorkflow(text).errors);
	if (faults.length > 0) return [...new Set(faults)];
	const { permissions, jobs = {} } = load(text) as Workflow;
	return [
		...(permissions === undefined ? ['permissions: the workflow must name the least that it needs'] : []),
		...Object.entries(jobs).flatMap(([name, { uses, steps = [], ...job }]) => [
			...(uses === undefined && job['timeout-minutes'] === undefined
				? [`/jobs/${name}: must have timeout-minutes`]
				: []),
			...steps.flatMap(step =>
				step.uses === undefined || PINNED.test(step.uses)
					? []
					: [`/jobs/${name}: ${step.uses} has no version`],
			),
		]),
	];
}
