// Which secrets of a provider an event of Azure concerns: the host of the vault is compared; pure.
import { type Concern, type Notice, plainConcern } from '../notice.ts';

/** Undefined where the notice comes from another vault. */
export function azureConcern(
	notice: Notice,
	{ vaultUrl }: { readonly vaultUrl: string },
): Concern | undefined {
	const ours =
		notice.origin === 'named' || (notice.origin === 'azure' && notice.host === URL.parse(vaultUrl)?.host);
	return ours ? { ...plainConcern(notice), ignoresCase: true } : undefined;
}
