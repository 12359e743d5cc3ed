// Documents of the queue of change notices: which events reach it, who may send to it, what JASM may do with it; pure.
import type { ControllerConfig } from './controller-config.ts';
import type { Document } from './policy-documents.ts';

/** Seconds for which a message is kept: the longest that SQS offers. */
export const RETENTION_SECONDS = 1_209_600;

/** Receives after which a message is dead. A store that is out for an hour causes fewer. */
export const MAX_RECEIVES = 20;

/** Characters that EventBridge takes. */
const MAX_PATTERN_LENGTH = 2_048;

/** An event pattern of EventBridge: an event that a secret of the policy changed, of any staging label. */
export function eventPattern(config: ControllerConfig): string {
	let prefixes = nameHeads(config);
	while (patternOf(prefixes).length > MAX_PATTERN_LENGTH && prefixes.length > 1) {
		prefixes = merged(prefixes);
	}
	return patternOf(prefixes);
}

/** What keeps a rule from being written, as sentences; empty if nothing does. */
export function eventPatternFaults(config: ControllerConfig): string[] {
	const heads = nameHeads(config);
	if (heads.length === 0) {
		return ['changeQueue: no rule of the policy reads from AWS Secrets Manager'];
	}
	// A rule for every secret of the account would fill the queue with events that no pod asks for.
	return JSON.parse(eventPattern(config)).detail.name.some(({ prefix }: { prefix: string }) => prefix === '')
		? ['changeQueue: the paths of the policy have too little in common for one event pattern']
		: [];
}

function patternOf(prefixes: readonly string[]): string {
	return JSON.stringify({
		source: ['aws.secretsmanager'],
		'detail-type': ['Secret Label Updated'],
		detail: { name: prefixes.map(prefix => ({ prefix })) },
	});
}

/** The literal beginnings of the names that the policy allows; none begins with another. */
function nameHeads({ policy, providers }: ControllerConfig): string[] {
	const heads = policy
		.filter(({ provider }) => providers[provider]?.kind === 'aws-secretsmanager')
		.flatMap(({ paths }) => paths)
		.map(path => path.replace(/^arn:(?:[^:]*:){5}/, ''))
		// An ARN ends in a suffix that a name does not have.
		.map(name => name.replace(/-[A-Za-z0-9]{6}$/, '').replace(/[*?{\\].*$/s, ''));
	return uncovered(heads);
}

const uncovered = (prefixes: readonly string[]): string[] =>
	[...new Set(prefixes)].sort().filter((prefix, _, all) => {
		return !all.some(other => other !== prefix && prefix.startsWith(other));
	});

/** With the two neighbours that have most in common as one. */
function merged(prefixes: readonly string[]): string[] {
	const shared = prefixes.slice(1).map((prefix, index) => commonHead(prefixes[index] ?? '', prefix));
	const longest = shared.reduce((best, head) => (head.length > best.length ? head : best), '');
	return uncovered([...prefixes, longest]);
}

function commonHead(one: string, other: string): string {
	let length = 0;
	while (length < one.length && one[length] === other[length]) length++;
	return one.slice(0, length);
}

/** Who may send to a queue: the one rule, and only over TLS. */
export const queuePolicy = ({ queue, rule }: { queue: string; rule: string }): Document => ({
	Version: '2012-10-17',
	Statement: [
		{
			Effect: 'Allow',
			Principal: { Service: 'events.amazonaws.com' },
			Action: 'sqs:SendMessage',
			Resource: queue,
			Condition: { ArnEquals: { 'aws:SourceArn': rule } },
		},
		{
			Effect: 'Deny',
			Principal: '*',
			Action: 'sqs:*',
			Resource: queue,
			Condition: { Bool: { 'aws:SecureTransport': 'false' } },
		},
	],
});

/** What JASM's role may do with the queue, and nothing with EventBridge. */
export const queueStatement = (queue: string) => ({
	Effect: 'Allow',
	Action: ['sqs:ReceiveMessage', 'sqs:DeleteMessage', 'sqs:ChangeMessageVisibility'],
	Resource: queue,
});
