// Errors of SQS as coded errors: by name and status, with fixed texts; nothing that the service said is kept.
import type { JasmError } from '../../errors.ts';
import { CallError, isRefusal, type Service } from '../shared/call-error.ts';
import { queueFailure, unansweredQueue } from '../shared/queue-failure.ts';
import { awsErrorOf } from './errors.ts';

const SQS: Service = { name: 'SQS', host: 'queueUrl' };

/** Names that say: the identity, or what it may do, has to be corrected. */
const DENIED =
	/^(AccessDenied|KmsAccessDenied|KmsDisabled|ExpiredToken|IncompleteSignature|InvalidClientTokenId|InvalidSignature|MissingAuthenticationToken|SignatureDoesNotMatch|UnrecognizedClient|InvalidSecurity)/;

const MISSING = /QueueDoesNotExist|NonExistentQueue|InvalidAddress/;

/** `subject` says what was attempted. Never has a cause: SDK errors hold responses and headers. */
export function queueError(subject: string, error: unknown): JasmError {
	const { name, status, details } = awsErrorOf(error);
	if (isRefusal(error) || error instanceof CallError || status === 0) {
		return unansweredQueue(subject, error, SQS, details);
	}

	if (MISSING.test(name)) {
		const text = 'SQS has no such queue, or its region or account is another one';
		return queueFailure(`${subject}: ${text}`, 'CHANGE_SOURCE_DENIED', details);
	}

	if (DENIED.test(name) || status === 401 || status === 403) {
		const text =
			'access denied: the role lacks sqs:ReceiveMessage, sqs:DeleteMessage or sqs:ChangeMessageVisibility on ' +
			'this queue, or its credentials are not accepted';
		return queueFailure(`${subject}: ${text}`, 'CHANGE_SOURCE_DENIED', details);
	}

	return queueFailure(`${subject}: no usable answer from SQS`, 'CHANGE_SOURCE_UNAVAILABLE', details);
}
