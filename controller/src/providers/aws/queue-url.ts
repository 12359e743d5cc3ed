// The URL of an SQS queue: what it may be, and the account and region in it; pure.
import { endpointFault } from '../shared/schema-fields.ts';
import { partitionOf, REGION } from './partitions.ts';

export type QueueUrl = {
	/** Absent in the URL of an emulator. */
	readonly region?: string;
	readonly account: string;
	readonly name: string;
};

const PATH = /^\/(?<account>\d{12})\/(?<name>[A-Za-z0-9_-]{1,80})$/;
const HOST = /^sqs(-fips)?\.(?<region>[a-z0-9-]{1,32})\.(?<suffix>[a-z.]+)$/;

/** The parts of a queue's URL; undefined where it is neither AWS's own nor that of an emulator. */
export function parseQueueUrl(text: string): QueueUrl | undefined {
	const url = URL.parse(text);
	const path = PATH.exec(url?.pathname ?? '')?.groups;
	if (url === null || path === undefined || endpointFault(text) !== undefined) {
		return undefined;
	}

	const { account = '', name = '' } = path;
	const host = HOST.exec(url.host)?.groups;
	const { region = '', suffix } = host ?? {};
	const { dnsSuffix, dualStackDnsSuffix } = partitionOf(region);
	const own =
		url.protocol === 'https:' &&
		REGION.test(region) &&
		(suffix === dnsSuffix || suffix === dualStackDnsSuffix);
	return own ? { region, account, name } : { account, name };
}

/** What is wrong with the URL of a queue for a provider with or without an emulator, or undefined. */
export function queueUrlFault(text: string, emulated = true): string | undefined {
	const parts = parseQueueUrl(text);
	if (parts === undefined) {
		return 'is not the URL of an SQS queue (https://sqs.REGION.amazonaws.com/ACCOUNT/NAME)';
	}

	return parts.region === undefined && !emulated
		? 'is not a URL of AWS, and the provider has no endpoint of an emulator'
		: undefined;
}
