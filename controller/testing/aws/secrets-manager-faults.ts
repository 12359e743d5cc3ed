// Faults of the embedded Secrets Manager and of STS, in the words of AWS.

import { FaultPlan, type WireFault } from '../shared/fault-plan.ts';
import { AwsFault } from './fault.ts';

/** A failure by its name, one of the wire, or an error as AWS writes it. */
export type SecretsManagerFault =
	| keyof typeof NAMED
	| WireFault
	| { readonly type: string; readonly message: string; readonly status?: number };

const NAMED = {
	throttling: new AwsFault('ThrottlingException', 'Rate exceeded'),
	'internal-error': new AwsFault('InternalServiceError', 'An error occurred on the server side.', 500),
	'access-denied': new AwsFault(
		'AccessDeniedException',
		'User: arn:aws:sts::123456789012:assumed-role/jasm/jasm is not authorized to perform: ' +
			'secretsmanager:GetSecretValue on resource: secret because no identity-based policy allows the ' +
			'secretsmanager:GetSecretValue action',
	),
	'kms-denied': new AwsFault('AccessDeniedException', 'Access to KMS is not allowed'),
	'expired-token': new AwsFault(
		'ExpiredTokenException',
		'The security token included in the request is expired',
	),
	'decryption-failure': new AwsFault(
		'DecryptionFailure',
		"Secrets Manager can't decrypt the protected secret text using the provided KMS key.",
	),
} as const;

export const secretsManagerFaults = <Call extends { readonly operation: string }>() =>
	new FaultPlan<Call, SecretsManagerFault, AwsFault>({
		isRead: ({ operation }) => operation === 'GetSecretValue',
		refusalOf: fault =>
			typeof fault === 'string' ? NAMED[fault] : new AwsFault(fault.type, fault.message, fault.status),
	});
