// The spec of a pod that every namespace admits.
import type { V1PodSpec } from '@kubernetes/client-node';

/** Allowed by the pod security level `restricted`. */
export const RESTRICTED: V1PodSpec = {
	securityContext: { runAsNonRoot: true, seccompProfile: { type: 'RuntimeDefault' } },
	containers: [
		{
			name: 'app',
			image: 'app:1',
			securityContext: { allowPrivilegeEscalation: false, capabilities: { drop: ['ALL'] } },
		},
	],
};
