// Reads the path of an annotation as a Secrets Manager name or ARN; refuses, never normalises; pure.
import { JasmError } from '../../errors.ts';
import type { RemoteReference } from '../provider.ts';
import { partitionOf } from './partitions.ts';

/** What of a provider's settings decides where a path may lead. */
export type AwsScope = {
	readonly region: string;
	readonly regions: readonly string[];
	readonly accounts: readonly string[];
};

export type AwsLocation = {
	/** The region whose endpoint is asked. */
	readonly region: string;
	/** The secret's name without region and account: what messages may show. */
	readonly name: string;
	/** Whether the path is an ARN; otherwise it is the name. */
	readonly arn: boolean;
};

/** Wider than the rules for creating a secret: AWS's own services make names such as `rds!cluster-…`. */
const NAME = /^[^\p{C}\p{Zl}\p{Zp}:]{1,512}$/u;
const VERSION = /^[A-Za-z0-9/_+=.@:-]{1,256}$/;
const ARN =
	/^arn:(?<partition>[a-z-]{3,20}):secretsmanager:(?<region>[a-z0-9-]{1,32}):(?<account>\d{12}):secret:(?<resource>[^:]+)$/;
/** An ARN ends with a suffix that the service chose; without it the service would search by prefix. */
const COMPLETE = /^(?<name>.+)-[A-Za-z0-9]{6}$/;

export function validateReference(reference: RemoteReference, scope: AwsScope): void {
	locate(reference, scope);
}

/**
 * Names are taken as they are, also those that end in a hyphen and six characters. ARNs must be complete, of
 * an account and a region that the operator lists, and of the partition of that region.
 *
 * @throws JasmError PROVIDER_REQUEST_INVALID where the path or version is malformed, POLICY_DENIED where an
 * ARN leads outside what the operator lists; neither message repeats the path.
 */
export function locate({ path, version }: RemoteReference, scope: AwsScope): AwsLocation {
	if (version !== undefined && !VERSION.test(version)) {
		throw invalid('the version is neither a version id nor a staging label of Secrets Manager');
	}

	if (!path.startsWith('arn:')) {
		validateName(path);
		return { region: scope.region, name: path, arn: false };
	}

	const parts = ARN.exec(path)?.groups as ArnParts | undefined;
	const name = COMPLETE.exec(parts?.resource ?? '')?.groups?.['name'];
	if (parts === undefined || name === undefined) {
		throw invalid(
			'the path is not a complete ARN of a secret (with the hyphen and six characters at its end)',
		);
	}

	validateName(name);
	if (!scope.accounts.includes(parts.account)) {
		throw denied();
	}

	if (!scope.regions.includes(parts.region)) {
		throw denied();
	}

	if (parts.partition !== partitionOf(parts.region).id) {
		throw invalid('the partition and the region of the ARN do not belong together');
	}

	return { region: parts.region, name, arn: true };
}

type ArnParts = {
	readonly partition: string;
	readonly region: string;
	readonly account: string;
	readonly resource: string;
};

/** The name travels in a JSON body, so it needs no encoding. Policy patterns compare it segment by segment. */
function validateName(name: string): void {
	if (!NAME.test(name)) {
		throw invalid(
			'the path is empty, longer than 512 characters, or holds ":", a control or an invisible character',
		);
	}

	if (name.split('/').some(segment => segment === '.' || segment === '..')) {
		throw invalid('the path holds a segment "." or ".."');
	}
}

const invalid = (message: string) => new JasmError(message, { code: 'PROVIDER_REQUEST_INVALID' });

/** One text for both, so that it does not reveal which accounts or regions are listed. */
const denied = () =>
	new JasmError('the ARN names an account or region that the operator did not list for this provider', {
		code: 'POLICY_DENIED',
	});
