// Resources that are answered and never stored: token requests, token reviews, access reviews.

import { isRecord } from '../objects/object.ts';
import { invalid, invalidValue, notFound } from '../objects/status.ts';
import { timestamp } from '../storage/writer.ts';
import type { Exchange } from '../wire/exchange.ts';
import type { RequestInfo } from '../wire/request-info.ts';
import type { Authorizer } from './rbac.ts';
import { serverAudience, type Tokens } from './tokens.ts';

const specOf = (body: unknown): Record<string, unknown> =>
	isRecord(body) && isRecord(body['spec']) ? body['spec'] : {};

/** `POST serviceaccounts/<name>/token`. */
export const answerTokenRequest = (exchange: Exchange, tokens: Tokens, body: unknown): void => {
	const { namespace, name } = exchange.info;
	const spec = specOf(body);
	const seconds = typeof spec['expirationSeconds'] === 'number' ? spec['expirationSeconds'] : 3600;
	if (seconds < 600) {
		throw invalid({ group: 'authentication.k8s.io', plural: 'TokenRequest' }, '', [
			invalidValue(
				'spec.expirationSeconds',
				String(seconds),
				'may not specify a duration less than 10 minutes',
			),
		]);
	}
	const asked = Array.isArray(spec['audiences']) ? spec['audiences'].map(String) : [];
	const audiences = asked.length > 0 ? asked : [serverAudience];
	const issued = tokens.issue(namespace, name, seconds, audiences);
	if (!issued) throw notFound({ group: '', plural: 'serviceaccounts' }, name);
	exchange.sendJson(201, {
		kind: 'TokenRequest',
		apiVersion: 'authentication.k8s.io/v1',
		metadata: { name, namespace, creationTimestamp: timestamp(new Date()) },
		spec: { audiences, expirationSeconds: seconds, boundObjectRef: null },
		status: { token: issued.token, expirationTimestamp: timestamp(issued.expires) },
	});
};

/** The review resources; false where the resource is none of them. */
export const answerReview = (
	exchange: Exchange,
	{ tokens, authorizer }: { tokens: Tokens; authorizer: Authorizer },
	body: unknown,
): boolean => {
	const { group, resource } = exchange.info;
	const spec = specOf(body);
	const answer = (kind: string, status: unknown): true => {
		exchange.sendJson(201, { kind, apiVersion: `${group}/v1`, metadata: {}, spec, status });
		return true;
	};
	if (group === 'authentication.k8s.io' && resource === 'tokenreviews') {
		const asked = Array.isArray(spec['audiences']) ? spec['audiences'].map(String) : [];
		const wanted = asked.length > 0 ? asked : [serverAudience];
		const token = String(spec['token'] ?? '');
		const user = tokens.userOf(token, wanted);
		const audiences = wanted.filter(audience => tokens.audiencesOf(token).includes(audience));
		return answer(
			'TokenReview',
			user ? { authenticated: true, user, audiences } : { user: {}, error: 'invalid bearer token' },
		);
	}
	if (group === 'authentication.k8s.io' && resource === 'selfsubjectreviews') {
		return answer('SelfSubjectReview', { userInfo: exchange.user });
	}
	if (group === 'authorization.k8s.io' && resource === 'selfsubjectaccessreviews') {
		const asked = (field: string, from: unknown): string =>
			isRecord(from) && typeof from[field] === 'string' ? from[field] : '';
		const about = spec['resourceAttributes'];
		const path = spec['nonResourceAttributes'];
		const attributes: Pick<RequestInfo, 'path' | 'isResource'> = {
			path: asked('path', path),
			isResource: path === undefined,
		};
		const allowed = authorizer.allowed(exchange.user, {
			...attributes,
			verb: asked('verb', about) || asked('verb', path),
			group: asked('group', about),
			resource: asked('resource', about),
			subresource: asked('subresource', about),
			namespace: asked('namespace', about),
			name: asked('name', about),
		});
		return answer('SelfSubjectAccessReview', { allowed });
	}
	return false;
};
