// What the AWS account holds about roles, issuers and secrets, asked of its APIs and remembered for a second.
import {
	GetOpenIDConnectProviderCommand,
	GetRoleCommand,
	GetRolePolicyCommand,
	IAMClient,
	ListOpenIDConnectProvidersCommand,
	ListRolePoliciesCommand,
} from '@aws-sdk/client-iam';
import { DescribeSecretCommand, SecretsManagerClient } from '@aws-sdk/client-secrets-manager';
import type { PolicyDocument } from './policy-evaluation.ts';
import type { Registry } from './web-identity.ts';

/** IAM itself takes seconds to spread a change; asking for each call would slow down what is measured. */
const REMEMBERED_MS = 1000;

export class AccountRegistry implements Registry {
	readonly #endpoint: string;
	readonly #region: string;
	readonly #iam: IAMClient;
	readonly #secrets: SecretsManagerClient;
	readonly #arns = new Map<string, string>();
	readonly #remembered = new Map<string, { at: number; answer: Promise<unknown> }>();

	constructor({ endpoint, region }: { endpoint: string; region: string }) {
		this.#endpoint = endpoint;
		this.#region = region;
		const credentials = { accessKeyId: 'deployer', secretAccessKey: 'fake' };
		this.#iam = new IAMClient({ endpoint, region, credentials });
		this.#secrets = new SecretsManagerClient({ endpoint, region, credentials });
	}

	provider(host: string) {
		return this.#recall(`provider ${host}`, async () => {
			const { OpenIDConnectProviderList = [] } = await this.#iam.send(
				new ListOpenIDConnectProvidersCommand({}),
			);
			const arn = OpenIDConnectProviderList.map(({ Arn }) => Arn ?? '').find(candidate =>
				candidate.endsWith(`:oidc-provider/${host}`),
			);
			if (arn === undefined) return undefined;
			const details = await this.#iam.send(
				new GetOpenIDConnectProviderCommand({ OpenIDConnectProviderArn: arn }),
			);
			return { arn, audiences: details.ClientIDList ?? [] };
		});
	}

	/** Documents of the account's own buckets only; without credentials, so that the bucket's policy decides. */
	document(url: string) {
		return this.#recall(`document ${url}`, async () => {
			const [, bucket, key] =
				/^https:\/\/([a-z0-9-]+)\.s3\.[a-z0-9-]+\.amazonaws\.com\/(.+)$/.exec(url) ?? [];
			if (bucket === undefined) return undefined;
			const response = await fetch(`${this.#endpoint}/${bucket}/${key}`);
			return response.ok ? await response.text() : undefined;
		});
	}

	trust(roleArn: string) {
		return this.#recall(`trust ${roleArn}`, async () => {
			const RoleName = roleArn.split('/').at(-1) ?? '';
			const { Role } = await this.#iam.send(new GetRoleCommand({ RoleName }));
			return document(Role?.AssumeRolePolicyDocument);
		}).catch(() => undefined);
	}

	/** The inline policies of a role. */
	permissions(roleArn: string): Promise<PolicyDocument[]> {
		return this.#recall(`permissions ${roleArn}`, async () => {
			const RoleName = roleArn.split('/').at(-1) ?? '';
			const listed = this.#iam.send(new ListRolePoliciesCommand({ RoleName }));
			const { PolicyNames = [] } = await listed.catch(error => {
				// A session outlives its role and may then do nothing.
				if (/^NoSuchEntity/.test((error as Error).name)) return { PolicyNames: [] as string[] };
				throw error;
			});
			const answers = await Promise.all(
				PolicyNames.map(PolicyName => this.#iam.send(new GetRolePolicyCommand({ RoleName, PolicyName }))),
			);
			return answers.map(({ PolicyDocument }) => document(PolicyDocument));
		});
	}

	/** The ARN by which a call about this secret is authorized; for a missing secret IAM takes its bare name. */
	secretArn(secretId: string, account: string): Promise<string> {
		if (secretId.startsWith('arn:')) return Promise.resolve(secretId);
		const known = this.#arns.get(secretId);
		if (known !== undefined) return Promise.resolve(known);
		return this.#recall(`secret ${secretId}`, async () => {
			const bare = `arn:aws:secretsmanager:${this.#region}:${account}:secret:${secretId}`;
			const describe = new DescribeSecretCommand({ SecretId: secretId });
			const { ARN = bare } = await this.#secrets.send(describe).catch(() => ({ ARN: bare }));
			// A secret keeps its ARN. A secret that was deleted and created again has another suffix, which no policy names.
			if (ARN !== bare) this.#arns.set(secretId, ARN);
			return ARN;
		});
	}

	#recall<T>(key: string, ask: () => Promise<T>): Promise<T> {
		const known = this.#remembered.get(key);
		if (known !== undefined && Date.now() - known.at < REMEMBERED_MS) return known.answer as Promise<T>;
		const answer = ask();
		this.#remembered.set(key, { at: Date.now(), answer });
		answer.catch(() => this.#remembered.delete(key));
		return answer;
	}
}

function document(text: string | undefined): PolicyDocument {
	return JSON.parse(decodeURIComponent(text ?? '')) as PolicyDocument;
}
