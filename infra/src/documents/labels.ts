// The labels of everything that belongs to an installation.
import { NAME } from './contract.ts';

/** Selects the controller's pods; a Deployment's selector cannot change, so neither may this. */
export const SELECTOR = { app: NAME };

/** Labels of one object; `component` says which part of the installation it is. */
export function labels(
	component: 'controller' | 'guard' | 'sample' | 'start' | 'namespace',
): Record<string, string> {
	return {
		'app.kubernetes.io/name': NAME,
		'app.kubernetes.io/part-of': NAME,
		'app.kubernetes.io/component': component,
	};
}
