// The versions of one secret of the embedded Secrets Manager, and the staging labels that move between them.
import { AwsFault } from './fault.ts';

export type Value = { readonly text?: string; readonly bytes?: Buffer };

export type Version = Value & {
	readonly id: string;
	readonly stages: Set<string>;
	/** Milliseconds since the epoch. */
	readonly created: number;
};

const MAX_BYTES = 65_536;

/** The value of a request, whose binary form is base64; undefined where it holds none. */
export function valueIn(input: {
	readonly SecretString?: string;
	readonly SecretBinary?: string;
}): Value | undefined {
	const { SecretString: text, SecretBinary: base64 } = input;
	const bytes = base64 === undefined ? undefined : Buffer.from(base64, 'base64');
	const size = bytes?.length ?? (text === undefined ? undefined : Buffer.byteLength(text));
	if (size === undefined) {
		return undefined;
	}

	if (size > MAX_BYTES) {
		const field = bytes === undefined ? 'secretString' : 'secretBinary';
		throw new AwsFault(
			'ValidationException',
			`1 validation error detected: Value at '${field}' failed to satisfy constraint: ` +
				`Member must have length less than or equal to ${MAX_BYTES}`,
		);
	}

	return bytes === undefined ? { text: text! } : { bytes };
}

export class Versions {
	readonly #versions = new Map<string, Version>();

	/** Only versions that carry a label can be listed. */
	labelled(): readonly Version[] {
		return [...this.#versions.values()].filter(({ stages }) => stages.size > 0);
	}

	/** By id, by stage, or by both; without either by AWSCURRENT. */
	find(id: string | undefined, stage: string | undefined): Version {
		const wanted = id === undefined ? (stage ?? 'AWSCURRENT') : stage;
		const found = [...this.#versions.values()].find(
			version => (id ?? version.id) === version.id && (wanted === undefined || version.stages.has(wanted)),
		);
		if (found === undefined) {
			const what = id === undefined ? `staging label: ${wanted}` : `VersionId: ${id}`;
			throw new AwsFault(
				'ResourceNotFoundException',
				`Secrets Manager can't find the specified secret value for ${what}`,
			);
		}

		return found;
	}

	add(version: Omit<Version, 'stages'>, stages: readonly string[]): void {
		if (this.#versions.has(version.id)) {
			throw new AwsFault('ResourceExistsException', `A version with the id ${version.id} already exists.`);
		}

		const added = { ...version, stages: new Set<string>() };
		this.#versions.set(version.id, added);
		for (const stage of stages) {
			this.#attach(added, stage, this.#holderOf(stage));
		}
	}

	moveStage(stage: string, from: string | undefined, to: string | undefined): void {
		const holder = this.#holderOf(stage);
		const target = to === undefined ? undefined : this.#versions.get(to);
		if (holder?.id !== from || (to !== undefined && target === undefined)) {
			throw new AwsFault(
				'InvalidParameterException',
				`The staging label ${stage} is currently attached to another version.`,
			);
		}

		holder?.stages.delete(stage);
		if (target !== undefined) {
			this.#attach(target, stage, holder);
		}
	}

	#holderOf(stage: string): Version | undefined {
		return [...this.#versions.values()].find(({ stages }) => stages.has(stage));
	}

	/** The version that loses AWSCURRENT becomes AWSPREVIOUS. */
	#attach(version: Version, stage: string, loser: Version | undefined): void {
		loser?.stages.delete(stage);
		version.stages.add(stage);
		if (stage === 'AWSCURRENT' && loser !== undefined) {
			this.#holderOf('AWSPREVIOUS')?.stages.delete('AWSPREVIOUS');
			loser.stages.add('AWSPREVIOUS');
		}
	}
}
