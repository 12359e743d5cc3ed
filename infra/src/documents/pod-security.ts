// What every pod of the installation is confined to, as the restricted Pod Security Standard wants it; pure.

/** The user of distroless images; a token file is readable for it through the same group. */
const USER = 65_532;

/** `image`: the user of the image. `platform`: no ids, for clusters that assign them, such as OpenShift. */
export type Ids = 'image' | 'platform';

export const CONFINED_CONTAINER = {
	allowPrivilegeEscalation: false,
	capabilities: { drop: ['ALL'] },
	privileged: false,
	readOnlyRootFilesystem: true,
};

export function confinedPod(ids: Ids) {
	return {
		runAsNonRoot: true,
		seccompProfile: { type: 'RuntimeDefault' },
		...(ids === 'image' && { fsGroup: USER, runAsGroup: USER, runAsUser: USER }),
	};
}
