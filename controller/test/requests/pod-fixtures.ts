// Records of pods that ask for Secrets.
import { parseAnnotation } from '../../src/requests/annotation.ts';
import type { PodRecord } from '../../src/requests/pod-record.ts';
import { SecretRequest } from '../../src/requests/requesters.ts';
import type { KeyRequests } from '../../src/requests/requests.ts';

/** The annotation that asks for Secret `s`. */
export const ask = (path = '/p', secretName = 's', provider = 'aws'): string =>
	`provider: ${provider}\npath: ${path}\nsecretName: ${secretName}\n`;

/** A pod that was created at time 0 with its annotation. */
export const podRecord = ({ uid = 'u1', createdAt = 0, ...more }: Partial<PodRecord> = {}): PodRecord => ({
	uid,
	namespace: 'ns',
	name: `pod-${uid}`,
	createdAt,
	askedAt: createdAt,
	version: 0,
	seenAt: 0,
	annotation: ask(),
	...more,
});

/** What the pod asks for first. */
export function secretRequest(record: Partial<PodRecord> = {}): SecretRequest {
	const pod = podRecord(record);
	return new SecretRequest(pod, parseAnnotation(pod.annotation)[0]!);
}

/** The first one is the newest. */
export const keyRequests = (...requesters: SecretRequest[]): KeyRequests => ({
	effective: requesters[0]!,
	requesters,
	conflicting: requesters.filter(({ sync }) => sync.spec !== requesters[0]!.sync.spec),
});
