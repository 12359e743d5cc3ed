// What webhooks of change notices need from their pod and its network, and who may connect to them; pure.
import { type WebhookInstallation, webhookOf } from '@jasm/controller/installation';
import { NAME, PORTS } from './contract.ts';
import type { ControllerConfig } from './controller-config.ts';
import { directoryOf } from './files.ts';

/** Service, and the Secret with the files where the settings name no other. */
export const WEBHOOK = `${NAME}-webhook`;

/** One peer as a NetworkPolicy has it. */
export type Peer = {
	readonly namespaceSelector?: object | undefined;
	readonly podSelector?: object | undefined;
	readonly ipBlock?: { readonly cidr: string; readonly except?: readonly string[] | undefined } | undefined;
};

/** What an installation has to know of webhooks beside the controller's configuration. */
export type WebhookSettings = {
	/** Who may connect, as in a NetworkPolicy. */
	readonly from?: readonly Peer[] | undefined;
	/** Secrets of JASM's namespace by the directory in which the controller looks for their keys; default `jasm-webhook`. */
	readonly secrets?: Readonly<Record<string, string>> | undefined;
};

/** A port of the controller's pod to which senders post. */
export type Listener = { readonly name: string; readonly port: number };

/** A file, and what reads it. */
type Read = { readonly file: string; readonly reader: string };

export type Webhooks = {
	readonly listeners: readonly Listener[];
	/** Files of tokens, keys and certificates, each in a directory that one Secret fills. */
	readonly secretFiles: readonly string[];
	readonly authorities: readonly Read[];
	readonly credentialFiles: readonly Read[];
	readonly hosts: WebhookInstallation['egress'];
	readonly faults: readonly string[];
};

type Setting = {
	readonly webhook?: WebhookSettings | undefined;
	/** Default true. */
	readonly networkPolicy?: boolean | undefined;
};

export function webhooksOf(
	{ changes }: Pick<ControllerConfig, 'changes'>,
	{ webhook = {}, networkPolicy = true }: Setting,
	env: Readonly<Record<string, string>>,
): Webhooks {
	const webhooks = (changes?.sources ?? []).flatMap((source, index) => {
		const needs = webhookOf(source, env);
		return needs === undefined ? [] : [{ ...needs, index }];
	});
	const secretFiles = [...new Set(webhooks.flatMap(each => each.secretFiles))].sort();
	const faults = [
		...webhooks.flatMap(each => addressFaults(each, webhooks)),
		...settingFaults(webhook, secretFiles, webhooks.length, networkPolicy),
	];
	return {
		listeners: webhooks.map(({ index, port }) => ({ name: `webhook-${index}`, port })),
		secretFiles,
		authorities: webhooks.flatMap(({ authorities, index }) => readBy(index, authorities)),
		credentialFiles: webhooks.flatMap(({ credentialFiles, index }) => readBy(index, credentialFiles)),
		hosts: webhooks.flatMap(({ egress }) => egress),
		faults,
	};
}

const readBy = (index: number, files: readonly string[]): Read[] =>
	files.map(file => ({ file, reader: `webhook/${index}` }));

type Numbered = WebhookInstallation & { readonly index: number };

function addressFaults({ port, local, index }: Numbered, all: readonly Numbered[]): string[] {
	const at = `changes.sources[${index}].address`;
	const other = all.find(each => each.index < index && each.port === port);
	const own = Object.entries(PORTS).find(([, each]) => each === port);
	return [
		...(local ? [`${at}: no sender reaches a listener on the loopback of its pod: use ":${port}"`] : []),
		...(port === 0 ? [`${at}: needs a port, which the Service and the NetworkPolicy name`] : []),
		...(own === undefined ? [] : [`${at}: port ${port} is that of ${own[0]}`]),
		...(other === undefined ? [] : [`${at}: port ${port} is that of changes.sources[${other.index}]`]),
	];
}

function settingFaults(
	{ from, secrets = {} }: WebhookSettings,
	secretFiles: readonly string[],
	count: number,
	networkPolicy: boolean,
): string[] {
	if (count === 0) {
		const set = from !== undefined || Object.keys(secrets).length > 0;
		return set ? ['webhook: no source in changes.sources is of kind webhook'] : [];
	}
	const directories = [...new Set(secretFiles.map(directoryOf))];
	return [
		...(networkPolicy && (from ?? []).length === 0
			? [
					'webhook.from: is required: who may post change notices, as in a NetworkPolicy, such as ' +
						'[{namespaceSelector: {matchLabels: {kubernetes.io/metadata.name: pipelines}}}]',
				]
			: []),
		...(from ?? []).flatMap((peer, index) =>
			Object.keys(peer ?? {}).length === 0
				? [`webhook.from[${index}]: needs namespaceSelector, podSelector or ipBlock`]
				: [],
		),
		...Object.keys(secrets)
			.filter(directory => !directories.includes(directory))
			.map(
				directory =>
					`webhook.secrets: no token, key or certificate of a webhook is in "${directory}"` +
					(directories.length === 0 ? '' : `; there are ${directories.join(', ')}`),
			),
	];
}
