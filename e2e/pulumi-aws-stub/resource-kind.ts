// What a kind of AWS resource must say about itself to be applied: its calls, and which inputs they cover.
import type { EventBridgeClient } from '@aws-sdk/client-eventbridge';
import type { IAMClient } from '@aws-sdk/client-iam';
import type { S3Client } from '@aws-sdk/client-s3';
import type { SecretsManagerClient } from '@aws-sdk/client-secrets-manager';
import type { SQSClient } from '@aws-sdk/client-sqs';

export type Properties = Readonly<Record<string, unknown>>;

/** The account that resources are applied to. */
export type Aws = {
	readonly region: string;
	readonly account: string;
	readonly s3: S3Client;
	readonly iam: IAMClient;
	readonly secrets: SecretsManagerClient;
	readonly sqs: SQSClient;
	readonly events: EventBridgeClient;
};

/** What a resource is at AWS right now. */
export type Live = {
	/** Inputs that AWS returns. An input that AWS does not return keeps its declared value. */
	readonly inputs: Properties;
	/** Outputs beyond the inputs. */
	readonly outputs: Properties;
};

export type ResourceKind = {
	/** Inputs that the calls below apply. Any other one is refused instead of being ignored. */
	readonly applied: readonly string[];
	/** Inputs whose change needs another resource. */
	readonly replaceOn: readonly string[];
	/** Input that is a name made up by the Pulumi provider when it is absent. */
	readonly named?: string;
	/** Inputs that never enter the state. A change of only these is no change. */
	readonly writeOnly?: readonly string[];
	/** Faults beyond types, one line each. */
	readonly faults?: (inputs: Properties) => string[];
	/** Returns the id. */
	readonly create: (inputs: Properties, aws: Aws) => Promise<string>;
	/** Undefined if the resource is gone. */
	readonly read: (id: string, inputs: Properties, aws: Aws) => Promise<Live | undefined>;
	readonly update: (id: string, inputs: Properties, aws: Aws) => Promise<void>;
	/** A resource that does not exist any more is no error. */
	readonly delete: (id: string, inputs: Properties, aws: Aws) => Promise<void>;
};

/** A required string among checked inputs. */
export function text(inputs: Properties, name: string): string {
	const value = inputs[name];
	if (typeof value !== 'string') throw new Error(`input ${name} is not a string although it was checked`);
	return value;
}

/** The tags among checked inputs in AWS's own form. */
export function tagList(inputs: Properties): { Key: string; Value: string }[] {
	const tags = (inputs.tags ?? {}) as Record<string, string>;
	return Object.entries(tags).map(([Key, Value]) => ({ Key, Value }));
}

/** The input `tags` from AWS's own form; absent where there are none and none were declared. */
export function tagInput(
	inputs: Properties,
	tags: readonly { Key?: string | undefined; Value?: string | undefined }[] | undefined,
): Properties {
	const live = Object.fromEntries((tags ?? []).map(({ Key, Value }) => [Key ?? '', Value ?? '']));
	return Object.keys(live).length === 0 && inputs.tags === undefined ? {} : { tags: live };
}

/** The declared text while the live document says the same, else the live one. */
export function sameDocument(declared: unknown, live: string | undefined): string | undefined {
	if (typeof declared !== 'string' || live === undefined) return live;
	try {
		return JSON.stringify(JSON.parse(declared)) === JSON.stringify(JSON.parse(live)) ? declared : live;
	} catch {
		return live;
	}
}

/** Runs a call; `undefined` where AWS answers that the thing does not exist, by one of these names or 404. */
export async function unlessGone<T>(call: Promise<T>, ...names: string[]): Promise<T | undefined> {
	try {
		return await call;
	} catch (error) {
		const { name, $metadata } = error as { name?: string; $metadata?: { httpStatusCode?: number } };
		if ($metadata?.httpStatusCode === 404 || (name !== undefined && names.includes(name))) return undefined;
		throw error;
	}
}
