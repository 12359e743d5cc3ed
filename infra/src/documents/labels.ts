// The labels of everything that belongs to an installation.
import { NAME } from './contract.ts';

/** Selects the controller's pods; a Deployment's selector cannot change, so neither may this. */
export const SELECTOR = { app: NAME };

/** Which part of the installation an object is. */
export type Component = 'controller' | 'guard' | 'sample' | 'start' | 'restarts' | 'namespace';

/** Labels of one object; `component` says which part of the installation it is. */
export function labels(component: Component): Record<string, string> {
	return {
		'app.kubernetes.io/name': NAME,
		'app.kubernetes.io/part-of': NAME,
		'app.kubernetes.io/component': component,
	};
}
