// Validation of metadata: names, labels, annotations, finalizers.
import type { Kind } from './kinds.ts';
import type { Cause, KubeObject } from './object.ts';
import { invalidValue, quoted, requiredValue, tooLong } from './status.ts';

const subdomain = /^[a-z0-9]([-a-z0-9]*[a-z0-9])?(\.[a-z0-9]([-a-z0-9]*[a-z0-9])?)*$/;
const label = /^[a-z0-9]([-a-z0-9]*[a-z0-9])?$/;
const qualifiedName = /^([A-Za-z0-9][-A-Za-z0-9_.]*)?[A-Za-z0-9]$/;
const labelValue = /^(([A-Za-z0-9][-A-Za-z0-9_.]*)?[A-Za-z0-9])?$/;

const subdomainText =
	"a lowercase RFC 1123 subdomain must consist of lower case alphanumeric characters, '-' or '.', and must start and end with an alphanumeric character (e.g. 'example.com', regex used for validation is '[a-z0-9]([-a-z0-9]*[a-z0-9])?(\\.[a-z0-9]([-a-z0-9]*[a-z0-9])?)*')";
const labelText =
	"a lowercase RFC 1123 label must consist of lower case alphanumeric characters or '-', and must start and end with an alphanumeric character (e.g. 'my-name',  or '123-abc', regex used for validation is '[a-z0-9]([-a-z0-9]*[a-z0-9])?')";
const namePartText =
	"name part must consist of alphanumeric characters, '-', '_' or '.', and must start and end with an alphanumeric character (e.g. 'MyName',  or 'my.name',  or '123-abc', regex used for validation is '([A-Za-z0-9][-A-Za-z0-9_.]*)?[A-Za-z0-9]')";
const labelValueText =
	"a valid label must be an empty string or consist of alphanumeric characters, '-', '_' or '.', and must start and end with an alphanumeric character (e.g. 'MyValue',  or 'my_value',  or '12345', regex used for validation is '(([A-Za-z0-9][-A-Za-z0-9_.]*)?[A-Za-z0-9])?')";

const checkName = (kind: Kind, name: string): Cause[] => {
	const bad = (why: string): Cause[] => [invalidValue('metadata.name', quoted(name), why)];
	if (kind.names === 'path') {
		if (name === '.' || name === '..') return bad(`may not be '${name}'`);
		const odd = /[/%]/.exec(name);
		return odd ? bad(`may not contain '${odd[0]}'`) : [];
	}
	const causes: Cause[] = [];
	const limit = kind.names === 'label' ? 63 : 253;
	if (name.length > limit) causes.push(...bad(`must be no more than ${limit} characters`));
	if (!(kind.names === 'label' ? label : subdomain).test(name)) {
		causes.push(...bad(kind.names === 'label' ? labelText : subdomainText));
	}
	return causes;
};

const checkQualifiedName = (field: string, key: string): Cause[] => {
	const slash = key.indexOf('/');
	const name = slash < 0 ? key : key.slice(slash + 1);
	const causes: Cause[] = [];
	if (slash >= 0) {
		const prefix = key.slice(0, slash);
		if (prefix === '') causes.push(invalidValue(field, quoted(key), 'prefix part must be non-empty'));
		else if (!subdomain.test(prefix)) {
			causes.push(invalidValue(field, quoted(key), `prefix part ${subdomainText}`));
		}
	}
	if (name === '') causes.push(invalidValue(field, quoted(key), 'name part must be non-empty'));
	else if (name.length > 63) {
		causes.push(invalidValue(field, quoted(key), 'name part must be no more than 63 characters'));
	}
	if (!qualifiedName.test(name)) causes.push(invalidValue(field, quoted(key), namePartText));
	return causes;
};

/** Name, labels, annotations and finalizers. */
export const checkMetadata = (kind: Kind, object: KubeObject): Cause[] => {
	const { name, generateName, labels = {}, annotations = {}, finalizers = [] } = object.metadata;
	const causes: Cause[] = [];
	if (name) causes.push(...checkName(kind, name));
	else if (!generateName) {
		causes.push(requiredValue('metadata.name', 'name or generateName is required'));
	}
	for (const [key, value] of Object.entries(labels).sort()) {
		causes.push(...checkQualifiedName('metadata.labels', key));
		if (value.length > 63) {
			causes.push(invalidValue('metadata.labels', quoted(value), 'must be no more than 63 characters'));
		}
		if (!labelValue.test(value)) causes.push(invalidValue('metadata.labels', quoted(value), labelValueText));
	}
	let size = 0;
	for (const [key, value] of Object.entries(annotations)) {
		causes.push(...checkQualifiedName('metadata.annotations', key.toLowerCase()));
		size += Buffer.byteLength(key) + Buffer.byteLength(value);
	}
	if (size > 262_144) causes.push(tooLong('metadata.annotations', 262_144));
	for (const [index, finalizer] of finalizers.entries()) {
		causes.push(...checkQualifiedName('metadata.finalizers', finalizer));
		if (!finalizer.includes('/') && !['kubernetes', 'orphan', 'foregroundDeletion'].includes(finalizer)) {
			causes.push(
				invalidValue(
					`metadata.finalizers[${index}]`,
					quoted(finalizer),
					'name is neither a standard finalizer name nor is it fully qualified',
				),
			);
		}
	}
	return causes;
};
