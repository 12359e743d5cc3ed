// As much OpenAPI as kubectl asks for: the fieldValidation parameter before it writes, and schemas for `explain`.
import { type Kind, kinds, type View } from '../objects/kinds.ts';
import { fieldDescription, kindDescriptions, metadataFields } from './descriptions.ts';

type Json = Record<string, unknown>;

const METADATA = 'io.k8s.apimachinery.pkg.apis.meta.v1.ObjectMeta';

const schemaName = ({ kind, group, version }: View): string =>
	`io.k8s.api.${(group === '' ? 'core' : group.split('.')[0]) ?? ''}.${version}.${kind}`;

const schemaOf = (view: View): Json => {
	const { kind, group, version, fields } = view;
	const shared: Json = {
		apiVersion: { type: 'string', description: 'Version of the schema of this object.' },
		kind: { type: 'string', description: 'Kind of this object.' },
		metadata: {
			description: "Standard object's metadata.",
			allOf: [{ $ref: `#/components/schemas/${METADATA}` }],
			default: {},
		},
	};
	const own = fields.map(field => [field, { type: 'object', description: fieldDescription(kind, field) }]);
	return {
		description: kindDescriptions[kind] ?? '',
		type: 'object',
		properties: { ...shared, ...Object.fromEntries(own) },
		'x-kubernetes-group-version-kind': [{ group, kind, version }],
	};
};

const metadataSchema: Json = {
	description: 'ObjectMeta is metadata that all stored objects have.',
	type: 'object',
	properties: Object.fromEntries(
		Object.entries(metadataFields).map(([name, [type, description]]) => [
			name,
			type === 'array' ? { type, description, items: { type: 'string' } } : { type, description },
		]),
	),
};

const pathOf = (kind: Kind, view: View): string =>
	`/${view.group === '' ? 'api' : 'apis'}/${view.apiVersion}${kind.namespaced ? '/namespaces/{namespace}' : ''}/${kind.plural}`;

/** The document of one group; without the parameter, kubectl wants to validate by whole schemas itself. */
export const openApi = (group: string, serverVersion: string): Json => {
	const views = kinds.flatMap(kind =>
		kind.views.filter(view => view.group === group).map(view => ({ kind, view })),
	);
	const paths = views.flatMap(({ kind, view }) => {
		const gvk = { 'x-kubernetes-group-version-kind': { group, version: view.version, kind: kind.kind } };
		const parameters = [{ name: 'fieldValidation', in: 'query', schema: { type: 'string' } }];
		return [
			[pathOf(kind, view), { get: { responses: {}, ...gvk } }],
			[
				`${pathOf(kind, view)}/{name}`,
				{ get: { responses: {}, ...gvk }, patch: { parameters, responses: {}, ...gvk } },
			],
		];
	});
	const schemas = views.map(({ view }) => [schemaName(view), schemaOf(view)]);
	return {
		openapi: '3.0.0',
		info: { title: 'Kubernetes', version: serverVersion },
		paths: Object.fromEntries(paths),
		components: { schemas: { [METADATA]: metadataSchema, ...Object.fromEntries(schemas) } },
	};
};
