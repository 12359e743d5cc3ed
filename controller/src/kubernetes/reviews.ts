// Asks the API server who the caller is and what it may do. Every authenticated user may ask.
import type { Rest } from './http/rest.ts';

/** One verb on one resource, as RBAC names them. */
export type Right = {
	readonly verb: string;
	readonly group: string;
	readonly resource: string;
	/** Default: every namespace. */
	readonly namespace?: string;
	/** Default: every object. */
	readonly name?: string;
};

export type Reviews = {
	/** Undefined if the API server does not say: before Kubernetes 1.28, or without a response. Never rejects. */
	user(signal?: AbortSignal): Promise<string | undefined>;
	/** Undefined if the API server does not say. Never rejects. */
	allowed(right: Right, signal?: AbortSignal): Promise<boolean | undefined>;
};

export function createReviews(rest: Rest): Reviews {
	async function review<Status>(group: string, kind: string, spec: object, signal?: AbortSignal) {
		const resource = `${kind.toLowerCase()}s`;
		const apiVersion = `${group}/v1`;
		try {
			const { status, body } = await rest.request({
				verb: 'create',
				resource,
				doing: `asking for a ${kind}`,
				path: `/apis/${apiVersion}/${resource}`,
				body: { apiVersion, kind, spec },
				...(signal !== undefined && { signal }),
			});
			return status === 201 ? (body as { readonly status?: Status } | undefined)?.status : undefined;
		} catch {
			return undefined;
		}
	}

	return {
		async user(signal) {
			type Status = { readonly userInfo?: { readonly username?: string } };
			return (await review<Status>('authentication.k8s.io', 'SelfSubjectReview', {}, signal))?.userInfo
				?.username;
		},
		async allowed({ verb, group, resource, namespace, name }, signal) {
			type Status = { readonly allowed?: boolean };
			const resourceAttributes = { verb, group, resource, namespace, name };
			const spec = { resourceAttributes };
			return (await review<Status>('authorization.k8s.io', 'SelfSubjectAccessReview', spec, signal))?.allowed;
		},
	};
}
