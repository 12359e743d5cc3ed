// What the controller needs from its pod and its network, derived from its configuration in this one place; pure.
import { type Host, hostsOf } from '@jasm/controller/installation';
import { AWS_TOKEN_FILE, CONFIG_FILE } from './contract.ts';
import { type ControllerConfig, installations } from './controller-config.ts';
import { directoryOf } from './files.ts';
import type { PlatformSettings, ProxySettings } from './platform.ts';
import { type WebhookSettings, type Webhooks, webhooksOf } from './webhooks.ts';

/** A ServiceAccount token in a file, for one audience. */
export type Token = { readonly file: string; readonly audience: string };

export type Requirements = {
	readonly tokens: readonly Token[];
	/** Files beside the config file, from the ConfigMap of authorities. */
	readonly authorityFiles: readonly string[];
	/** Authorities at other places, and credentials: the image or a volume of the operator must have them. */
	readonly otherFiles: readonly { readonly file: string; readonly reader: string }[];
	/** Files of webhooks, each in a directory that one Secret fills. */
	readonly secretFiles: readonly string[];
	/** Ports to which senders of change notices post. */
	readonly listeners: Webhooks['listeners'];
	readonly env: Readonly<Record<string, string>>;
	/** Whether credentials for development come from a Secret that a person makes. */
	readonly developmentEnvironment: boolean;
	/** Every host that the controller connects to, except for the API server and DNS; proxies in place of what is behind. */
	readonly hosts: readonly Host[];
	/** Requirements that cannot be met, a sentence each; empty if there is none. */
	readonly faults: readonly string[];
};

/** Where a node serves the credentials of its own role. */
const METADATA_SERVICE = '169.254.169.254';

export type Setting = PlatformSettings & {
	/** Whether the installation gives the controller a role in AWS. */
	readonly role?: boolean | undefined;
	/** Whether there is a NetworkPolicy; default true. */
	readonly networkPolicy?: boolean | undefined;
	readonly webhook?: WebhookSettings | undefined;
};

export function requirementsOf(config: ControllerConfig, settings: Setting = {}): Requirements {
	const tokens = new Map<string, string>();
	const authorityFiles = new Set<string>();
	const otherFiles: { file: string; reader: string }[] = [];
	const faults: string[] = [];
	const { trustBundle, proxy } = settings;
	const proxied = proxy === undefined ? {} : proxyVariables(proxy);
	const needed = installations(config, settings, proxied);
	for (const { name, needs } of needed) {
		for (const file of needs.credentialFiles) otherFiles.push({ file, reader: `provider ${name}` });
		for (const file of needs.authorities) {
			if (file === CONFIG_FILE) faults.push(`providers.${name}.caFile: "${file}" is the config file`);
			else if (directoryOf(file) === directoryOf(CONFIG_FILE)) authorityFiles.add(file);
			else otherFiles.push({ file, reader: `provider ${name}` });
		}
		if (needs.token === undefined) continue;
		const { file, audience } = needs.token;
		if ((tokens.get(file) ?? audience) !== audience) {
			faults.push(`providers.${name}.tokenFile: "${file}" holds a token of another audience already`);
		}
		tokens.set(file, audience);
	}
	const webhooks = webhooksOf(config, settings, proxied);
	faults.push(...webhooks.faults);
	const filled = new Set(webhooks.secretFiles.map(directoryOf));
	const secretFiles = new Set(webhooks.secretFiles);
	for (const { file, reader } of webhooks.credentialFiles) {
		if (filled.has(directoryOf(file))) secretFiles.add(file);
		else otherFiles.push({ file, reader });
	}
	for (const { file, reader } of webhooks.authorities) {
		if (filled.has(directoryOf(file))) secretFiles.add(file);
		else if (file === CONFIG_FILE)
			faults.push(`changes: ${reader} cannot read authorities from "${file}": it is the config file`);
		else if (directoryOf(file) === directoryOf(CONFIG_FILE)) authorityFiles.add(file);
		else otherFiles.push({ file, reader });
	}
	const trusted = trustBundle === undefined ? undefined : `${directoryOf(CONFIG_FILE)}/${trustBundle}`;
	if (trusted === CONFIG_FILE) faults.push(`trustBundle: "${trustBundle}" is the config file`);
	if (trusted !== undefined) authorityFiles.add(trusted);
	const hosts = [
		...needed.flatMap(({ needs }) => needs.egress),
		...queueHosts(config, proxied),
		...webhooks.hosts,
	];
	return {
		tokens: [...tokens].map(([file, audience]) => ({ file, audience })),
		authorityFiles: [...authorityFiles].sort(),
		otherFiles,
		secretFiles: [...secretFiles].sort(),
		listeners: webhooks.listeners,
		env: {
			// The node's own role is never a fallback.
			...(!hosts.some(({ host }) => host === METADATA_SERVICE) && { AWS_EC2_METADATA_DISABLED: 'true' }),
			...(tokens.has(AWS_TOKEN_FILE) && {
				AWS_WEB_IDENTITY_TOKEN_FILE: AWS_TOKEN_FILE,
				AWS_STS_REGIONAL_ENDPOINTS: 'regional',
			}),
			...Object.assign({}, ...needed.map(({ needs }) => needs.env)),
			...(trusted !== undefined && { NODE_EXTRA_CA_CERTS: trusted }),
			...proxied,
		},
		developmentEnvironment: needed.some(({ needs }) => needs.developmentEnvironment),
		hosts,
		faults,
	};
}

/** The hosts of queues of change notices, by the way of the provider whose identity reads them. */
function queueHosts({ providers, changes }: ControllerConfig, env: Readonly<Record<string, string>>): Host[] {
	return (changes?.sources ?? []).flatMap(source => {
		if (source.kind === 'webhook') return [];
		const provider = Object.entries(providers).find(([name]) => name === source.providers[0])?.[1];
		return provider === undefined ? [] : hostsOf(provider, env, source.queueUrl);
	});
}

/** The controller reads them for requests to providers only, never for the API server. */
function proxyVariables({ url, noProxy }: ProxySettings): Record<string, string> {
	return { HTTPS_PROXY: url, HTTP_PROXY: url, ...(noProxy !== undefined && { NO_PROXY: noProxy.join(',') }) };
}
