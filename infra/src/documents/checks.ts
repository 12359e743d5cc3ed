// Everything that is wrong with an installation, and everything that an operator should know about it; pure.
import type { Profile } from './contract.ts';
import {
	type ControllerConfig,
	configFaults,
	configWarnings,
	type Surroundings,
} from './controller-config.ts';
import { podFiles } from './pod-files.ts';
import { type KnownSettings, missingFiles, podSettingsFaults } from './pod-settings.ts';
import { POD_VARIABLES } from './pod-template.ts';
import { requirementsOf, type Setting } from './requirements.ts';

export type Installation = {
	readonly config: ControllerConfig;
	readonly profile: Profile;
	readonly around: Surroundings;
	readonly setting: Setting;
	readonly pod: KnownSettings;
};

/** What the controller would refuse, and what the pod cannot provide, one fault a line. */
export function installationFaults({ config, profile, around, setting, pod }: Installation): string[] {
	const refused = configFaults(config, profile, around);
	if (refused.length > 0) return refused;
	const needs = requirementsOf(config, setting);
	const { faults, volumes, mounts } = podFiles(needs);
	const own = {
		env: [...POD_VARIABLES.map(({ name }) => name), 'AWS_REGION', 'AWS_ROLE_ARN', ...Object.keys(needs.env)],
		volumes: volumes.map(({ name }) => name),
		paths: mounts.map(({ mountPath }) => mountPath),
	};
	return [...needs.faults, ...faults, ...podSettingsFaults(pod, own)];
}

/** What does not keep the controller from starting, but from doing its work. Only for an installation without faults. */
export function installationWarnings({ config, profile, around, setting, pod }: Installation): string[] {
	return [
		...configWarnings(config, profile, around),
		...missingFiles(requirementsOf(config, setting).otherFiles, pod.volumeMounts ?? []),
	];
}
