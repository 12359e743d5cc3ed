// The documents of the queue of change notices: which events match, who may send, what JASM may do.
import test from 'ava';
import {
	eventPattern,
	eventPatternFaults,
	queuePolicy,
	queueStatement,
} from '../../src/documents/change-documents.ts';
import type { ControllerConfig } from '../../src/documents/controller-config.ts';
import { VAULT } from '../helpers/stack-config.ts';

const config = (...paths: string[]): ControllerConfig => ({
	providers: { aws: { kind: 'aws-secretsmanager' }, vault: VAULT },
	policy: [
		{ namespaces: ['a'], provider: 'aws', paths },
		{ namespaces: ['a'], provider: 'vault', paths: ['in-vault/*'] },
	],
});
const prefixes = (...paths: string[]) =>
	JSON.parse(eventPattern(config(...paths))).detail.name.map(({ prefix }: { prefix: string }) => prefix);

test('the rule takes events about the names that the policy allows, of each label', t => {
	const pattern = JSON.parse(eventPattern(config('/prod/{namespace}/**')));
	t.deepEqual(pattern, {
		source: ['aws.secretsmanager'],
		'detail-type': ['Secret Label Updated'],
		detail: { name: [{ prefix: '/prod/' }] },
	});
});

test('a name that begins as another one needs no entry of its own; an ARN counts by its name', t => {
	t.deepEqual(prefixes('/prod/a/*', '/prod/a/b', '/prod/*', '/other'), ['/other', '/prod/']);
	t.deepEqual(prefixes('arn:aws:secretsmanager:eu-west-1:111122223333:secret:shared/db-a1b2c3'), [
		'shared/db',
	]);
});

test('more names than a pattern can hold become shorter common beginnings, and every name still matches', t => {
	const paths = Array.from({ length: 200 }, (_, index) => `/prod/team-${index}/database/*`);
	const pattern = eventPattern(config(...paths));
	t.true(pattern.length <= 2_048);
	const heads = prefixes(...paths);
	t.true(paths.every(path => heads.some((head: string) => path.startsWith(head))));
	t.deepEqual(eventPatternFaults(config(...paths)), []);
});

test('a policy without AWS, or whose names have nothing in common, is refused in a sentence', t => {
	t.regex(eventPatternFaults({ ...config('x'), policy: [] }).join(), /no rule of the policy reads from AWS/);
	const odd = Array.from({ length: 200 }, (_, index) => `${String.fromCharCode(0x4e00 + index)}/database/*`);
	t.regex(eventPatternFaults(config(...odd)).join(), /too little in common/);
});

test('only the rule may send, only over TLS; JASM may receive, hide and delete, and nothing else', t => {
	const [allowed, denied] = queuePolicy({ queue: 'arn:q', rule: 'arn:r' }).Statement as Record<
		string,
		unknown
	>[];
	t.deepEqual(allowed, {
		Effect: 'Allow',
		Principal: { Service: 'events.amazonaws.com' },
		Action: 'sqs:SendMessage',
		Resource: 'arn:q',
		Condition: { ArnEquals: { 'aws:SourceArn': 'arn:r' } },
	});
	t.like(denied, { Effect: 'Deny', Condition: { Bool: { 'aws:SecureTransport': 'false' } } });
	t.deepEqual(queueStatement('arn:q'), {
		Effect: 'Allow',
		Action: ['sqs:ReceiveMessage', 'sqs:DeleteMessage', 'sqs:ChangeMessageVisibility'],
		Resource: 'arn:q',
	});
});
