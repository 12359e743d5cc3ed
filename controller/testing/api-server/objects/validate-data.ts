// Validation of Secrets and ConfigMaps: keys, sizes, what each type of Secret requires, immutability.
import { type Cause, isRecord, type KubeObject, sameJson, textAt } from './object.ts';
import { forbiddenField, invalidValue, quoted, requiredValue, tooLong } from './status.ts';

const configKey = /^[-._a-zA-Z0-9]+$/;

const configKeyText =
	"a valid config key must consist of alphanumeric characters, '-', '_' or '.' (e.g. 'key.name',  or 'KEY_NAME',  or 'key-name', regex used for validation is '[-._a-zA-Z0-9]+')";

// Secret type -> the keys that its data must have.
const requiredKeys: Readonly<Record<string, readonly string[]>> = {
	'kubernetes.io/tls': ['tls.crt', 'tls.key'],
	'kubernetes.io/dockerconfigjson': ['.dockerconfigjson'],
	'kubernetes.io/dockercfg': ['.dockercfg'],
	'kubernetes.io/ssh-auth': ['ssh-privatekey'],
};

/** Keys of the data of Secrets and ConfigMaps. */
export const checkKeys = (data: Record<string, unknown>): Cause[] =>
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

export const checkSecret = (object: KubeObject, old: KubeObject | undefined): Cause[] => {
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

/** What may not change once `immutable` is set. */
export const checkImmutable = (object: KubeObject, old: KubeObject): Cause[] => {
	if (old['immutable'] !== true) return [];
	const why = 'field is immutable when `immutable` is set';
	const causes: Cause[] = [];
	if (object['immutable'] !== true) causes.push(forbiddenField('immutable', why));
	if (!sameJson(object['data'] ?? {}, old['data'] ?? {})) causes.push(forbiddenField('data', why));
	return causes;
};
