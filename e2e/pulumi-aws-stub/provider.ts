// A Pulumi provider for the AWS resources of this project, for machines without Pulumi's own: applies them by the SDKs.
import { createHash } from 'node:crypto';
import { isDeepStrictEqual } from 'node:util';
import { EventBridgeClient } from '@aws-sdk/client-eventbridge';
import { IAMClient } from '@aws-sdk/client-iam';
import { S3Client } from '@aws-sdk/client-s3';
import { SecretsManagerClient } from '@aws-sdk/client-secrets-manager';
import { SQSClient } from '@aws-sdk/client-sqs';
import { GetCallerIdentityCommand, STSClient } from '@aws-sdk/client-sts';
import { type DeclaredResource, declaredResource, inputFaults } from './declared-types.ts';
import type { Aws, Properties, ResourceKind } from './resource-kind.ts';
import { CHANGE_RESOURCES } from './resources/changes.ts';
import { IAM_RESOURCES } from './resources/iam.ts';
import { S3_RESOURCES } from './resources/s3.ts';
import { SECRETS_MANAGER_RESOURCES } from './resources/secrets-manager.ts';

const KINDS: Readonly<Record<string, ResourceKind>> = {
	...S3_RESOURCES,
	...IAM_RESOURCES,
	...SECRETS_MANAGER_RESOURCES,
	...CHANGE_RESOURCES,
};

/** Arguments of `aws.Provider` that are honoured, and those that say what is so anyway. */
const HONOURED = ['region', 'profile', 'allowedAccountIds'];
const HARMLESS = [
	'skipMetadataApiCheck',
	'skipCredentialsValidation',
	'skipRegionValidation',
	's3UsePathStyle',
	'version',
];

/** Where a resource stands: `type` is a token such as `aws:s3/bucket:Bucket`, `name` its name in the program. */
export type Subject = { readonly type: string; readonly name: string };
export type Difference = { readonly changed: readonly string[]; readonly replaces: readonly string[] };
export type State = { readonly id: string; readonly outputs: Properties; readonly inputs: Properties };

export class AwsProvider {
	readonly #endpoint: string;
	#aws: Aws | undefined;

	/** `endpoint` is the address that answers for every AWS service. */
	constructor({ endpoint }: { endpoint: string }) {
		this.#endpoint = endpoint;
	}

	/** Takes the arguments of `aws.Provider`. Throws if the account is not an allowed one. */
	async configure(args: Properties): Promise<void> {
		const odd = Object.keys(args).filter(name => ![...HONOURED, ...HARMLESS].includes(name));
		if (odd.length > 0)
			throw new Error(`configuring the AWS provider: ${odd.join(', ')} cannot be honoured here`);
		const region = args.region as string | undefined;
		if (region === undefined) throw new Error('configuring the AWS provider: region is required');
		const profile = args.profile as string | undefined;
		const options = {
			region,
			endpoint: this.#endpoint,
			...(profile === undefined ? {} : { profile }),
		};
		const { Account: account = '' } = await new STSClient(options).send(new GetCallerIdentityCommand({}));
		const allowed = args.allowedAccountIds as string[] | undefined;
		if (allowed !== undefined && !allowed.includes(account)) {
			throw new Error(`configuring the AWS provider: AWS account ID not allowed: ${account}`);
		}
		this.#aws = {
			region,
			account,
			s3: new S3Client({ ...options, forcePathStyle: true }),
			iam: new IAMClient(options),
			secrets: new SecretsManagerClient(options),
			sqs: new SQSClient(options),
			events: new EventBridgeClient(options),
		};
	}

	/** Completes the inputs; faults come one a line and quote no value. Throws on a type that is not applied. */
	check(
		{ type, name }: Subject,
		news: Properties,
		olds: Properties,
	): { inputs: Properties; faults: string[] } {
		const { kind, declared } = known(type);
		const inputs = { ...news };
		if (kind.named !== undefined) {
			const suffix = createHash('sha256').update(`${type} ${name}`).digest('hex').slice(0, 7);
			inputs[kind.named] ??= olds[kind.named] ?? `${name}-${suffix}`;
		}
		const given = Object.keys(inputs).filter(input => declared.inputs.has(input) && inputs[input] != null);
		const ignored = given.filter(input => !kind.applied.includes(input));
		const faults = [
			...inputFaults(inputs, declared),
			...ignored.map(input => `${input}: declared by @pulumi/aws, but not applied by this provider`),
		];
		return { inputs, faults: faults.length > 0 ? faults : (kind.faults?.(inputs) ?? []) };
	}

	/** Compares inputs with inputs: outputs hold more than the program declares. */
	diff({ type }: Subject, oldInputs: Properties, news: Properties): Difference {
		const { kind } = known(type);
		const names = [...new Set([...Object.keys(oldInputs), ...Object.keys(news)])];
		const changed = names
			.filter(name => !(kind.writeOnly ?? []).includes(name))
			.filter(name => !isDeepStrictEqual(oldInputs[name] ?? undefined, news[name] ?? undefined));
		return { changed, replaces: changed.filter(name => kind.replaceOn.includes(name)) };
	}

	async create({ type }: Subject, inputs: Properties): Promise<State> {
		const id = await known(type).kind.create(inputs, this.#account);
		return this.#stateOf(type, id, inputs);
	}

	async update({ type }: Subject, id: string, inputs: Properties): Promise<State> {
		await known(type).kind.update(id, inputs, this.#account);
		return this.#stateOf(type, id, inputs);
	}

	async delete({ type }: Subject, id: string, inputs: Properties): Promise<void> {
		await known(type).kind.delete(id, inputs, this.#account);
	}

	/** Undefined if the resource is gone. */
	async read({ type }: Subject, id: string, inputs: Properties): Promise<State | undefined> {
		const { kind, declared } = known(type);
		const live = await kind.read(id, inputs, this.#account);
		if (live === undefined) return undefined;
		const stray = Object.keys(live.outputs).filter(name => !declared.outputs.has(name));
		if (stray.length > 0)
			throw new Error(`reading a ${type}: @pulumi/aws declares no output ${stray.join(', ')}`);
		const merged = { ...inputs, ...live.inputs };
		const hidden = kind.writeOnly ?? [];
		const visible = Object.fromEntries(Object.entries(merged).filter(([name]) => !hidden.includes(name)));
		return { id, inputs: merged, outputs: { ...visible, ...live.outputs } };
	}

	/** Returns the one function that the program calls. */
	async invoke(token: string, args: Properties): Promise<Properties> {
		if (token !== 'aws:index/getCallerIdentity:getCallerIdentity') {
			throw new Error(`calling ${token}: this provider answers only aws.getCallerIdentity`);
		}
		if (Object.keys(args).length > 0) throw new Error(`calling ${token}: arguments are not honoured here`);
		const { account } = this.#account;
		return { accountId: account, arn: `arn:aws:iam::${account}:root`, id: account, userId: account };
	}

	async #stateOf(type: string, id: string, inputs: Properties): Promise<State> {
		const state = await this.read({ type, name: '' }, id, inputs);
		if (state === undefined) throw new Error(`reading a ${type} that was just written: it is gone`);
		return state;
	}

	get #account(): Aws {
		if (this.#aws === undefined) throw new Error('the AWS provider was not configured');
		return this.#aws;
	}
}

function known(type: string): { kind: ResourceKind; declared: DeclaredResource } {
	const kind = KINDS[type];
	const declared = declaredResource(type);
	if (kind === undefined || declared === undefined) {
		throw new Error(`${type} is not applied by this provider; it knows ${Object.keys(KINDS).join(', ')}`);
	}
	return { kind, declared };
}
