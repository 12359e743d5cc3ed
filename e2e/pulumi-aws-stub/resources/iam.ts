// The IAM resources: the identity provider of a cluster, a role that trusts it, and what the role may do.
import * as iam from '@aws-sdk/client-iam';
import {
	type Properties,
	type ResourceKind,
	sameDocument,
	tagInput,
	tagList,
	text,
	unlessGone,
} from '../resource-kind.ts';

const list = (inputs: Properties, name: string) => (inputs[name] ?? []) as string[];

const identityProvider: ResourceKind = {
	applied: ['url', 'clientIdLists', 'thumbprintLists', 'tags'],
	replaceOn: ['url', 'thumbprintLists', 'tags'],
	async create(inputs, aws) {
		const thumbprints = list(inputs, 'thumbprintLists');
		const answer = await aws.iam.send(
			new iam.CreateOpenIDConnectProviderCommand({
				Url: text(inputs, 'url'),
				ClientIDList: list(inputs, 'clientIdLists'),
				Tags: tagList(inputs),
				...(thumbprints.length === 0 ? {} : { ThumbprintList: thumbprints }),
			}),
		);
		return answer.OpenIDConnectProviderArn!;
	},
	async read(id, inputs, aws) {
		const get = new iam.GetOpenIDConnectProviderCommand({ OpenIDConnectProviderArn: id });
		const answer = await unlessGone(aws.iam.send(get), 'NoSuchEntityException', 'NoSuchEntity');
		if (answer === undefined) return undefined;
		const same = text(inputs, 'url').replace('https://', '') === answer.Url;
		return {
			inputs: {
				url: same ? inputs.url : `https://${answer.Url}`,
				clientIdLists: answer.ClientIDList ?? [],
				...(inputs.thumbprintLists === undefined ? {} : { thumbprintLists: answer.ThumbprintList ?? [] }),
				...tagInput(inputs, answer.Tags),
			},
			// AWS returns the address without its scheme, and so does Pulumi's provider.
			outputs: { arn: id, url: answer.Url ?? '', thumbprintLists: answer.ThumbprintList ?? [] },
		};
	},
	async update(id, inputs, aws) {
		const OpenIDConnectProviderArn = id;
		const get = new iam.GetOpenIDConnectProviderCommand({ OpenIDConnectProviderArn });
		const live = (await aws.iam.send(get)).ClientIDList ?? [];
		const wanted = list(inputs, 'clientIdLists');
		for (const ClientID of wanted.filter(client => !live.includes(client))) {
			await aws.iam.send(
				new iam.AddClientIDToOpenIDConnectProviderCommand({ OpenIDConnectProviderArn, ClientID }),
			);
		}
		for (const ClientID of live.filter(client => !wanted.includes(client))) {
			await aws.iam.send(
				new iam.RemoveClientIDFromOpenIDConnectProviderCommand({ OpenIDConnectProviderArn, ClientID }),
			);
		}
	},
	async delete(id, _, aws) {
		const command = new iam.DeleteOpenIDConnectProviderCommand({ OpenIDConnectProviderArn: id });
		await unlessGone(aws.iam.send(command), 'NoSuchEntityException', 'NoSuchEntity');
	},
};

const role: ResourceKind = {
	applied: ['name', 'assumeRolePolicy', 'description', 'maxSessionDuration', 'path', 'tags'],
	replaceOn: ['name', 'path'],
	named: 'name',
	async create(inputs, aws) {
		await aws.iam.send(
			new iam.CreateRoleCommand({
				RoleName: text(inputs, 'name'),
				AssumeRolePolicyDocument: text(inputs, 'assumeRolePolicy'),
				Description: inputs.description as string | undefined,
				MaxSessionDuration: inputs.maxSessionDuration as number | undefined,
				Path: inputs.path as string | undefined,
				Tags: tagList(inputs),
			}),
		);
		return text(inputs, 'name');
	},
	async read(id, inputs, aws) {
		const command = new iam.GetRoleCommand({ RoleName: id });
		const live = (await unlessGone(aws.iam.send(command), 'NoSuchEntityException', 'NoSuchEntity'))?.Role;
		if (live === undefined) return undefined;
		const document = decodeURIComponent(live.AssumeRolePolicyDocument ?? '');
		return {
			inputs: {
				name: id,
				assumeRolePolicy: sameDocument(inputs.assumeRolePolicy, document),
				...(live.Description ? { description: live.Description } : {}),
				...(inputs.maxSessionDuration === undefined ? {} : { maxSessionDuration: live.MaxSessionDuration }),
				...(inputs.path === undefined ? {} : { path: live.Path }),
				...tagInput(inputs, live.Tags),
			},
			outputs: {
				arn: live.Arn ?? '',
				uniqueId: live.RoleId ?? '',
				createDate: live.CreateDate?.toISOString() ?? '',
				path: live.Path ?? '/',
				maxSessionDuration: live.MaxSessionDuration ?? 3600,
			},
		};
	},
	async update(id, inputs, aws) {
		const RoleName = id;
		const PolicyDocument = text(inputs, 'assumeRolePolicy');
		await aws.iam.send(new iam.UpdateAssumeRolePolicyCommand({ RoleName, PolicyDocument }));
		await aws.iam.send(
			new iam.UpdateRoleCommand({
				RoleName,
				Description: (inputs.description as string | undefined) ?? '',
				MaxSessionDuration: inputs.maxSessionDuration as number | undefined,
			}),
		);
		const tags = (await aws.iam.send(new iam.ListRoleTagsCommand({ RoleName }))).Tags ?? [];
		const TagKeys = tags.map(({ Key }) => Key!).filter(key => !(key in ((inputs.tags ?? {}) as object)));
		if (TagKeys.length > 0) await aws.iam.send(new iam.UntagRoleCommand({ RoleName, TagKeys }));
		const Tags = tagList(inputs);
		if (Tags.length > 0) await aws.iam.send(new iam.TagRoleCommand({ RoleName, Tags }));
	},
	async delete(id, _, aws) {
		const command = new iam.DeleteRoleCommand({ RoleName: id });
		await unlessGone(aws.iam.send(command), 'NoSuchEntityException', 'NoSuchEntity');
	},
};

const rolePolicy: ResourceKind = {
	applied: ['role', 'name', 'policy'],
	replaceOn: ['role', 'name'],
	named: 'name',
	async create(inputs, aws) {
		const id = `${text(inputs, 'role')}:${text(inputs, 'name')}`;
		await this.update(id, inputs, aws);
		return id;
	},
	async read(id, inputs, aws) {
		const [RoleName, PolicyName] = id.split(':');
		const command = new iam.GetRolePolicyCommand({ RoleName, PolicyName });
		const live = await unlessGone(aws.iam.send(command), 'NoSuchEntityException', 'NoSuchEntity');
		if (live === undefined) return undefined;
		const document = decodeURIComponent(live.PolicyDocument ?? '');
		return {
			inputs: { role: RoleName, name: PolicyName, policy: sameDocument(inputs.policy, document) },
			outputs: {},
		};
	},
	async update(_, inputs, aws) {
		await aws.iam.send(
			new iam.PutRolePolicyCommand({
				RoleName: text(inputs, 'role'),
				PolicyName: text(inputs, 'name'),
				PolicyDocument: text(inputs, 'policy'),
			}),
		);
	},
	async delete(id, _, aws) {
		const [RoleName, PolicyName] = id.split(':');
		const command = new iam.DeleteRolePolicyCommand({ RoleName, PolicyName });
		await unlessGone(aws.iam.send(command), 'NoSuchEntityException', 'NoSuchEntity');
	},
};

export const IAM_RESOURCES: Readonly<Record<string, ResourceKind>> = {
	'aws:iam/openIdConnectProvider:OpenIdConnectProvider': identityProvider,
	'aws:iam/role:Role': role,
	'aws:iam/rolePolicy:RolePolicy': rolePolicy,
};
