// Faults of `changes` that the schema cannot see: providers that are not there, or are of a kind without queues.
import type { ProviderKind } from '../providers/provider.ts';
import { KINDS, kindNamed } from '../providers/registry.ts';
import { endpointFault } from '../providers/shared/schema-fields.ts';
import { printable } from '../util/printable.ts';
import { readAddress } from './address.ts';

export const changesFieldFaults = {
	queueUrl: (url: string): string | undefined => endpointFault(url),
	address: (address: string): string | undefined =>
		address === '0' || readAddress(address) === undefined ? 'is not HOST:PORT or :PORT' : undefined,
};

/** What the fields of a webhook say together. */
export type WebhookFields = {
	readonly tlsCertFile?: string | undefined;
	readonly tlsKeyFile?: string | undefined;
	readonly allowInsecure: boolean;
	readonly bearerFiles?: readonly string[] | undefined;
	readonly hmacFiles?: readonly string[] | undefined;
	readonly clientCaFile?: string | undefined;
	readonly clientNames?: readonly string[] | undefined;
	readonly oidc?: object | undefined;
};

/** The field at fault with the rest of the sentence, or undefined. */
export function webhookFault(webhook: WebhookFields): readonly [string, string] | undefined {
	const { tlsCertFile, tlsKeyFile, allowInsecure, bearerFiles, hmacFiles, clientCaFile, clientNames, oidc } =
		webhook;
	if (
		bearerFiles === undefined &&
		hmacFiles === undefined &&
		clientCaFile === undefined &&
		oidc === undefined
	) {
		return [
			'bearerFiles',
			'is required, or hmacFiles, clientCaFile or oidc: no webhook listens without authentication',
		];
	}

	if ((clientCaFile === undefined) !== (clientNames === undefined)) {
		const missing = clientCaFile === undefined ? 'clientCaFile' : 'clientNames';
		return [missing, 'is required: clientCaFile and clientNames go together'];
	}

	if (clientCaFile !== undefined && tlsCertFile === undefined) {
		return ['tlsCertFile', 'is required: a certificate of a sender needs TLS'];
	}

	if ((tlsCertFile === undefined) !== (tlsKeyFile === undefined)) {
		const missing = tlsCertFile === undefined ? 'tlsCertFile' : 'tlsKeyFile';
		return [missing, 'is required: tlsCertFile and tlsKeyFile go together'];
	}

	return tlsCertFile === undefined && !allowInsecure
		? ['tlsCertFile', 'is required, or allowInsecure: true where something else encrypts the connection']
		: undefined;
}

/** What the fields of `changes` say together. */
export type ChangesFields = { readonly sources: readonly unknown[]; readonly resyncHours: number };

const FEWEST_HOURS = 6;

/** The field at fault with the rest of the sentence, or undefined. */
export function changesFault({ sources, resyncHours }: ChangesFields): readonly [string, string] | undefined {
	if (resyncHours > 0 && resyncHours < FEWEST_HOURS) {
		return ['resyncHours', `must be 0 or at least ${FEWEST_HOURS}: JASM polls no store`];
	}

	return sources.length === 0 && resyncHours === 0
		? ['sources', 'is required, or resyncHours: without both, JASM hears of no change']
		: undefined;
}

export type ChangesFault = { readonly path: readonly PropertyKey[]; readonly message: string };

type Fields = Readonly<Record<string, unknown>>;

const fieldsOf = (value: unknown): Fields =>
	typeof value === 'object' && value !== null && !Array.isArray(value) ? (value as Fields) : {};

const listOf = (value: unknown): readonly unknown[] => (Array.isArray(value) ? value : []);

/**
 * @param changes as written
 * @param providers as written, with what they take from the environment
 * @param unknown says what to write instead of a name that no provider has
 */
export function changesFaults(
	changes: unknown,
	providers: Fields,
	{ kinds = [], unknown }: { readonly kinds?: readonly ProviderKind[]; unknown: (name: string) => string },
): ChangesFault[] {
	return listOf(fieldsOf(changes)['sources']).flatMap((source, index) => {
		const { providers: names, queueUrl, kind: sourceKind } = fieldsOf(source);
		const at = ['changes', 'sources', index];
		return listOf(names).flatMap((name, position): ChangesFault[] => {
			if (typeof name !== 'string') {
				return [];
			}

			const path = [...at, 'providers', position];
			if (!Object.hasOwn(providers, name)) {
				return [{ path, message: `"${printable(name, 64)}" is not a configured provider, ${unknown(name)}` }];
			}

			if (sourceKind === 'webhook') {
				return [];
			}

			const config = fieldsOf(providers[name]);
			const kind = kindNamed<ProviderKind>(String(config['kind']), [...KINDS, ...kinds]);
			if (kind === undefined) {
				return [];
			}

			const { queueKind = sourceKind } = kind;
			if (kind.queueFault === undefined || queueKind !== sourceKind) {
				return [
					{
						path,
						message: `"${printable(name, 64)}" is of a kind that has no queues of notices (${sourceKind})`,
					},
				];
			}

			const message =
				position === 0 && typeof queueUrl === 'string'
					? kind.queueFault(queueUrl, config as Parameters<typeof kind.queueFault>[1])
					: undefined;
			return message === undefined
				? []
				: [{ path: [...at, 'queueUrl'], message: `"${printable(queueUrl as string, 128)}" ${message}` }];
		});
	});
}
