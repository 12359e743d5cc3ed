// Watch lines and lists as an API server writes them, and arbitrary ones for properties.
import * as fc from 'fast-check';

export const ANNOTATION = 'jasm.codnod.io/secret-sync';

export type Meta = {
	readonly name: string;
	readonly generateName?: string;
	readonly namespace: string;
	readonly uid: string;
	readonly resourceVersion: string;
	readonly creationTimestamp: string;
	readonly labels?: Record<string, string>;
	readonly annotations?: Record<string, string>;
	readonly managedFields?: unknown;
};

export type PodOptions = { name?: string; uid?: string; version?: number | string; annotation?: string };

/** Metadata of a pod in the order in which the API server marshals it. */
export function podMeta({
	name = 'web-1',
	uid = `uid-${name}`,
	version = 1,
	annotation,
}: PodOptions = {}): Meta {
	return {
		name,
		generateName: 'web-',
		namespace: 'team',
		uid,
		resourceVersion: String(version),
		creationTimestamp: '2030-01-01T00:00:00Z',
		labels: { app: 'web' },
		annotations: {
			...(annotation !== undefined && { [ANNOTATION]: annotation }),
			'kubectl.kubernetes.io/last-applied-configuration': JSON.stringify({
				metadata: { annotations: { [ANNOTATION]: 'provider: x' } },
			}),
		},
		// The field's name is there for every annotated pod of the past, too.
		managedFields: [{ manager: 'kubectl', fieldsV1: { 'f:metadata': { [`f:${ANNOTATION}`]: {} } } }],
	};
}

/** As Go's encoder: angle brackets and ampersands are escaped, slashes are not. */
const goJson = (value: unknown) =>
	JSON.stringify(value).replace(/[<>&]/g, c => `\\u00${c.charCodeAt(0).toString(16)}`);

const object = (metadata: unknown) => ({
	kind: 'PartialObjectMetadata',
	apiVersion: 'meta.k8s.io/v1',
	metadata,
});

export const line = (type: string, metadata: unknown) => `${goJson({ type, object: object(metadata) })}\n`;

export const bookmark = (version: number | string, initialEnd = false) =>
	line('BOOKMARK', {
		resourceVersion: String(version),
		...(initialEnd && { annotations: { 'k8s.io/initial-events-end': 'true' } }),
	});

export const list = (items: readonly unknown[] | null, metadata: object = { resourceVersion: '100' }) =>
	goJson({
		kind: 'PartialObjectMetadataList',
		apiVersion: 'meta.k8s.io/v1',
		metadata,
		items: items?.map(object) ?? null,
	});

/** Texts that try to look like the needle or the delimiter. */
const nasty = fc.oneof(
	fc.string({ unit: 'binary' }),
	fc.constantFrom(
		`"${ANNOTATION}":`,
		'{"kind":"PartialObjectMetadata",',
		']}',
		']}}}',
		',"managedFields":[',
		'\\',
		'"',
		'</b>',
		'\u2028',
		`f:${ANNOTATION}`,
	),
);

/** Pods of few names, so that several events are about the same one. */
export const anyMeta: fc.Arbitrary<Meta> = fc
	.record({
		name: fc.constantFrom('a', 'b', 'web-7d4b9c'),
		version: fc.integer({ min: 1, max: 1e9 }),
		annotation: fc.option(nasty, { nil: undefined }),
		other: nasty,
		label: nasty,
	})
	.map(({ name, version, annotation, other, label }) => {
		const meta = podMeta({ name, version, ...(annotation !== undefined && { annotation }) });
		return { ...meta, annotations: { ...meta.annotations, other }, labels: { label } };
	});

/** The bytes cut into pieces at arbitrary places. */
export const anyCuts = fc.array(fc.integer({ min: 1, max: 400 }), { minLength: 1, maxLength: 40 });

export function* pieces(bytes: Buffer, cuts: readonly number[]): Generator<Buffer> {
	for (let at = 0, i = 0; at < bytes.length; i++) {
		const size = cuts[i % cuts.length]!;
		yield bytes.subarray(at, at + size);
		at += size;
	}
}
