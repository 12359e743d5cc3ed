// Conditions in the status of pods and Deployments: one per type, with the time of its last transition.
import { isRecord, type KubeObject, listAt } from '../api-server/objects/object.ts';

type Why = { readonly reason?: string; readonly message?: string };

/** Sets one condition of an object's status in place; the transition time moves only with the status. */
export const setCondition = (
	object: KubeObject,
	type: string,
	holds: boolean,
	now: string,
	why: Why = {},
): void => {
	const status = isRecord(object['status']) ? object['status'] : {};
	const all = listAt(status, 'conditions');
	const old = all.find(condition => condition['type'] === type);
	const wanted = holds ? 'True' : 'False';
	const since = old?.['status'] === wanted ? old['lastTransitionTime'] : now;
	const condition = { type, status: wanted, lastTransitionTime: since, ...why };
	object['status'] = { ...status, conditions: [...all.filter(other => other !== old), condition] };
};
