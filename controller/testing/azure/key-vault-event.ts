// The event that Key Vault publishes for a new version of a secret, as Event Grid delivers it in its two schemas.
import { randomUUID } from 'node:crypto';

/** A CloudEvent, as JSON. */
export type NewVersionEvent = Readonly<Record<string, unknown>>;

export type NewVersion = {
	readonly vaultUrl: string;
	readonly name: string;
	readonly version: string;
	/** Milliseconds since the epoch. */
	readonly at: number;
	/** Default: Secret. */
	readonly type?: 'Secret' | 'Certificate';
};

/** As a CloudEvent. Two keys have the odd space that the samples of the service have. */
export function newVersionEvent({
	vaultUrl,
	name,
	version,
	at,
	type = 'Secret',
}: NewVersion): NewVersionEvent {
	const folder = type === 'Secret' ? 'secrets' : 'certificates';
	const vault = new URL(vaultUrl).hostname.split('.')[0]!;
	return {
		id: randomUUID(),
		source: `/subscriptions/one/resourceGroups/rg/providers/Microsoft.KeyVault/vaults/${vault}`,
		subject: name,
		type: `Microsoft.KeyVault.${type}NewVersionCreated`,
		time: new Date(at).toISOString(),
		specversion: '1.0',
		data: {
			Id: `${vaultUrl}/${folder}/${name}/${version}`,
			VaultName: vault,
			ObjectType: type,
			'ObjectName ': name,
			Version: ` ${version}`,
			NBF: null,
			EXP: null,
		},
	};
}

/** The same event in the schema of Event Grid, in which it comes in a list. */
export function gridEvents({ source, type, time, specversion: _, ...event }: NewVersionEvent): object[] {
	return [
		{
			...event,
			topic: source,
			eventType: type,
			eventTime: time,
			dataVersion: '1',
			metadataVersion: '1',
		},
	];
}
