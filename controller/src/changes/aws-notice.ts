// Change notices from events of AWS as EventBridge delivers them: Secrets Manager's own, and CloudTrail's; pure.
import type { AwsNotice } from '../providers/notice.ts';
import {
	FOREIGN,
	MALFORMED,
	NOTHING,
	objectAt,
	ownValue,
	type Parsed,
	textAt,
	timeOf,
} from './event-fields.ts';

const ARN =
	/^arn:[a-z-]{3,20}:secretsmanager:(?<region>[a-z0-9-]{1,32}):(?<account>\d{12}):secret:(?<resource>[^:]{1,520})$/;
/** An ARN ends with a suffix that the service chose. Without it a name cannot be told from a part of one. */
const COMPLETE = /^(?<name>.+)-[A-Za-z0-9]{6}$/;

/** Calls after which a read can return another value. RotateSecret only asks for a rotation: the value is the old one. */
const CHANGING_CALLS = [
	'CreateSecret',
	'PutSecretValue',
	'UpdateSecret',
	'UpdateSecretVersionStage',
	'RestoreSecret',
	'ReplicateSecretToRegions',
];

/** Events of the service itself after which a read can return another value. */
const CHANGING_EVENTS = ['RotationSucceeded'];

/** `now` bounds the time of an event: none happened later. */
export function parseAwsEvent(event: unknown, now: number): Parsed {
	const [source, type] = [textAt(event, 'source'), textAt(event, 'detail-type')];
	if (source === undefined || type === undefined || objectAt(event, 'detail') === undefined) {
		return MALFORMED;
	}

	if (source !== 'aws.secretsmanager') {
		return FOREIGN;
	}

	switch (type) {
		case 'Secret Label Updated':
			return labelUpdated(event, now);
		case 'AWS API Call via CloudTrail':
			return apiCall(event, now);
		case 'AWS Service Event via CloudTrail':
			return serviceEvent(event, now);
		default:
			return FOREIGN;
	}
}

function labelUpdated(event: unknown, now: number): Parsed {
	const detail = objectAt(event, 'detail');
	const resources = ownValue(event, 'resources');
	const secret = named(Array.isArray(resources) ? resources[0] : undefined, event);
	const label = textAt(detail, 'labelUpdated');
	const name = textAt(detail, 'name');
	if (secret === undefined || label === undefined || name === undefined) {
		return MALFORMED;
	}

	const version = textAt(detail, 'versionId');
	// The event has the name as it is; that from the ARN would be right as well.
	return one({ ...secret, path: name, label, ...(version !== undefined && { version }) }, event, now);
}

function apiCall(event: unknown, now: number): Parsed {
	const detail = objectAt(event, 'detail');
	const call = textAt(detail, 'eventName');
	if (call === undefined) {
		return MALFORMED;
	}

	if (!CHANGING_CALLS.includes(call)) {
		return NOTHING;
	}

	const request = objectAt(detail, 'requestParameters');
	const response = objectAt(detail, 'responseElements');
	const id = textAt(request, 'secretId') ?? textAt(request, 'name');
	// Older events spell it in another way.
	const arn = textAt(response, 'arn') ?? textAt(response, 'aRN');
	const secret = named(arn, event) ?? named(id, event);
	return secret === undefined ? NOTHING : one(secret, event, now);
}

function serviceEvent(event: unknown, now: number): Parsed {
	const detail = objectAt(event, 'detail');
	const name = textAt(detail, 'eventName');
	if (name === undefined) {
		return MALFORMED;
	}

	const secret = named(textAt(objectAt(detail, 'additionalEventData'), 'SecretId'), event);
	return !CHANGING_EVENTS.includes(name) || secret === undefined ? NOTHING : one(secret, event, now);
}

type Secret = Pick<AwsNotice, 'account' | 'region' | 'path' | 'arn'>;

/** The secret behind a name or a complete ARN; a part of an ARN names none. */
function named(id: unknown, event: unknown): Secret | undefined {
	if (typeof id !== 'string' || id === '' || id.length > 2_048) {
		return undefined;
	}

	if (!id.startsWith('arn:')) {
		const detail = objectAt(event, 'detail');
		const account = textAt(event, 'account') ?? textAt(detail, 'recipientAccountId');
		const region = textAt(event, 'region') ?? textAt(detail, 'awsRegion');
		return account === undefined || region === undefined ? undefined : { account, region, path: id };
	}

	const { account = '', region = '', resource = '' } = ARN.exec(id)?.groups ?? {};
	const path = COMPLETE.exec(resource)?.groups?.['name'];
	return path === undefined ? undefined : { account, region, path, arn: id };
}

function one(secret: Omit<AwsNotice, 'origin' | 'id' | 'at'>, event: unknown, now: number): Parsed {
	const at = timeOf(textAt(event, 'time'), now);
	return { kind: 'notices', notices: [{ origin: 'aws', ...secret, id: textAt(event, 'id') ?? '', at }] };
}
