// Everything that is wrong with an installation, and everything that an operator should know about it; pure.
import { NAME, type Profile } from './contract.ts';
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
	const restarted = restartFaults(config, around.namespace);
	const { faults, volumes, mounts } = podFiles(needs, { secrets: setting.webhook?.secrets });
	const own = {
		env: [...POD_VARIABLES.map(({ name }) => name), 'AWS_REGION', 'AWS_ROLE_ARN', ...Object.keys(needs.env)],
		volumes: volumes.map(({ name }) => name),
		paths: mounts.map(({ mountPath }) => mountPath),
	};
	return [...needs.faults, ...restarted, ...faults, ...podSettingsFaults(pod, own)];
}

/** Namespaces in which nothing is ever restarted, a sentence each. */
function restartFaults({ restarts }: ControllerConfig, own = NAME): string[] {
	return (restarts?.namespaces ?? []).flatMap((name, index) =>
		name === own || name.startsWith('kube-')
			? [`restarts.namespaces[${index}]: "${name}" is JASM's own namespace or one of the system`]
			: [],
	);
}

/** What does not keep the controller from starting, but from doing its work. Only for an installation without faults. */
export function installationWarnings({ config, profile, around, setting, pod }: Installation): string[] {
	return [
		...configWarnings(config, profile, around),
		...missingFiles(requirementsOf(config, setting).otherFiles, pod.volumeMounts ?? []),
	];
}
