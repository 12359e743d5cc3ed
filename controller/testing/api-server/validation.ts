// Field validation with the causes and texts of the real API server.
import type { Kind } from './kinds.ts';
import { textAt } from './kinds.ts';
import { type Cause, isRecord, type KubeObject, sameJson } from './object.ts';
import { forbiddenField, invalidValue, requiredValue } from './status.ts';

const subdomain = /^[a-z0-9]([-a-z0-9]*[a-z0-9])?(\.[a-z0-9]([-a-z0-9]*[a-z0-9])?)*$/;
const label = /^[a-z0-9]([-a-z0-9]*[a-z0-9])?$/;
const qualifiedName = /^([A-Za-z0-9][-A-Za-z0-9_.]*)?[A-Za-z0-9]$/;
const labelValue = /^(([A-Za-z0-9][-A-Za-z0-9_.]*)?[A-Za-z0-9])?$/;
const configKey = /^[-._a-zA-Z0-9]+$/;

const subdomainText =
	"a lowercase RFC 1123 subdomain must consist of lower case alphanumeric characters, '-' or '.', and must start and end with an alphanumeric character (e.g. 'example.com', regex used for validation is '[a-z0-9]([-a-z0-9]*[a-z0-9])?(\\.[a-z0-9]([-a-z0-9]*[a-z0-9])?)*')";
const labelText =
	"a lowercase RFC 1123 label must consist of lower case alphanumeric characters or '-', and must start and end with an alphanumeric character (e.g. 'my-name',  or '123-abc', regex used for validation is '[a-z0-9]([-a-z0-9]*[a-z0-9])?')";
const namePartText =
	"name part must consist of alphanumeric characters, '-', '_' or '.', and must start and end with an alphanumeric character (e.g. 'MyName',  or 'my.name',  or '123-abc', regex used for validation is '([A-Za-z0-9][-A-Za-z0-9_.]*)?[A-Za-z0-9]')";
const labelValueText =
	"a valid label must be an empty string or consist of alphanumeric characters, '-', '_' or '.', and must start and end with an alphanumeric character (e.g. 'MyValue',  or 'my_value',  or '12345', regex used for validation is '(([A-Za-z0-9][-A-Za-z0-9_.]*)?[A-Za-z0-9])?')";
const configKeyText =
	"a valid config key must consist of alphanumeric characters, '-', '_' or '.' (e.g. 'key.name',  or 'KEY_NAME',  or 'key-name', regex used for validation is '[-._a-zA-Z0-9]+')";

const quoted = (text: string): string => JSON.stringify(text);
const tooLong = (field: string, limit: number): Cause => ({
	reason: 'FieldValueTooLong',
	message: `Too long: may not be more than ${limit} bytes`,
	field,
});

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

const checkMetadata = (kind: Kind, object: KubeObject): Cause[] => {
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

// Secret type -> the keys that its data must have.
const requiredKeys: Readonly<Record<string, readonly string[]>> = {
	'kubernetes.io/tls': ['tls.crt', 'tls.key'],
	'kubernetes.io/dockerconfigjson': ['.dockerconfigjson'],
	'kubernetes.io/dockercfg': ['.dockercfg'],
	'kubernetes.io/ssh-auth': ['ssh-privatekey'],
};

const checkKeys = (data: Record<string, unknown>): Cause[] =>
	Object.keys(data)
		.sort()
		.flatMap(key => {
			const why =
				key === '.'
					? "must not be '.'"
					: key === '..' || key.startsWith('..')
						? key === '..'
							? "must not be '..'"
							: "must not start with '..'"
						: key.length > 253
							? 'must be no more than 253 characters'
							: configKey.test(key)
								? undefined
								: configKeyText;
			return why === undefined ? [] : [invalidValue(`data[${key}]`, quoted(key), why)];
		});

/** A byte count of base64 text without decoding it. */
const decodedSize = (base64: string): number =>
	Math.floor((base64.length * 3) / 4) - (base64.endsWith('==') ? 2 : base64.endsWith('=') ? 1 : 0);

const checkSecret = (object: KubeObject, old: KubeObject | undefined): Cause[] => {
	const data = isRecord(object['data']) ? object['data'] : {};
	const type = textAt(object, 'type');
	const causes = checkKeys(data);
	let size = 0;
	for (const value of Object.values(data)) size += decodedSize(String(value));
	if (size > 1_048_576) causes.push(tooLong('data', 1_048_576));
	if (type === 'kubernetes.io/service-account-token') {
		const account = 'kubernetes.io/service-account.name';
		if (!object.metadata.annotations?.[account])
			causes.push(requiredValue(`metadata.annotations[${account}]`));
	}
	if (
		type === 'kubernetes.io/basic-auth' &&
		data['username'] === undefined &&
		data['password'] === undefined
	) {
		causes.push(requiredValue('data[username]'), requiredValue('data[password]'));
	}
	for (const key of requiredKeys[type] ?? []) {
		if (data[key] === undefined) causes.push(requiredValue(`data[${key}]`));
		else if (key.startsWith('.docker') && !parses(String(data[key]))) {
			causes.push(
				invalidValue(
					`data[${key}]`,
					'"<secret contents redacted>"',
					'invalid character looking for beginning of value',
				),
			);
		}
	}
	if (!old) return causes;
	if (type !== textAt(old, 'type')) {
		return [invalidValue('type', quoted(type), 'field is immutable'), ...causes];
	}
	return [...checkImmutable(object, old), ...causes];
};

const parses = (base64: string): boolean => {
	try {
		JSON.parse(Buffer.from(base64, 'base64').toString());
		return true;
	} catch {
		return false;
	}
};

const checkImmutable = (object: KubeObject, old: KubeObject): Cause[] => {
	if (old['immutable'] !== true) return [];
	const why = 'field is immutable when `immutable` is set';
	const causes: Cause[] = [];
	if (object['immutable'] !== true) causes.push(forbiddenField('immutable', why));
	if (!sameJson(object['data'] ?? {}, old['data'] ?? {})) causes.push(forbiddenField('data', why));
	return causes;
};

const checkEvent = (object: KubeObject, view: string): Cause[] => {
	if (view === 'v1') return [];
	const causes: Cause[] = [];
	if (object['eventTime'] === null) causes.push(requiredValue('eventTime'));
	for (const field of ['reportingComponent', 'reportingInstance', 'action', 'reason']) {
		const shown = field === 'reportingComponent' ? 'reportingController' : field;
		if (causes.length === 0 && !object[field]) causes.push(requiredValue(shown));
	}
	if (!['Normal', 'Warning'].includes(textAt(object, 'type'))) {
		causes.push(invalidValue('type', '""', `has invalid value: ${textAt(object, 'type')}`));
	}
	if (causes.length === 0 && Buffer.byteLength(textAt(object, 'message')) > 1024) {
		causes.push(invalidValue('message', '""', 'can have at most 1024 characters'));
	}
	return causes;
};

const checkLease = (object: KubeObject): Cause[] => {
	const spec = isRecord(object['spec']) ? object['spec'] : {};
	return (['leaseDurationSeconds', 'leaseTransitions'] as const).flatMap(field => {
		const value = spec[field];
		const least = field === 'leaseDurationSeconds' ? 1 : 0;
		if (typeof value !== 'number' || value >= least) return [];
		const why = least === 1 ? 'must be greater than 0' : 'must be greater than or equal to 0';
		return [invalidValue(`spec.${field}`, String(value), why)];
	});
};

/** Every fault of an object that is about to be stored; `old` is the version that it replaces. */
export const validate = (
	kind: Kind,
	apiVersion: string,
	object: KubeObject,
	old: KubeObject | undefined,
): Cause[] => {
	const causes = checkMetadata(kind, object);
	switch (kind.kind) {
		case 'Secret':
			return [...causes, ...checkSecret(object, old)];
		case 'ConfigMap':
			return [
				...causes,
				...checkKeys(isRecord(object['data']) ? object['data'] : {}),
				...(old ? checkImmutable(object, old) : []),
			];
		case 'Event':
			return [...causes, ...checkEvent(object, apiVersion)];
		case 'Lease':
			return [...causes, ...checkLease(object)];
		case 'Pod': {
			const spec = isRecord(object['spec']) ? object['spec'] : {};
			const { containers } = spec;
			if (!Array.isArray(containers) || containers.length === 0)
				causes.push(requiredValue('spec.containers'));
			return causes;
		}
		case 'RoleBinding':
		case 'ClusterRoleBinding':
			if (old && !sameJson(object['roleRef'], old['roleRef'])) {
				causes.push(invalidValue('roleRef', JSON.stringify(object['roleRef']), 'field is immutable'));
			}
			return causes;
		default:
			return causes;
	}
};
