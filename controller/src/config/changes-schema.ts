// The schema of `changes`: the sources of change notices, and how much they may cause.
import * as z from 'zod/mini';
import {
	filePath,
	flag,
	integer,
	listOf,
	matching,
	NETWORK_FIELDS,
	optional,
	rule,
	secureAddressFault,
	text,
} from '../providers/shared/schema-fields.ts';
import {
	type ChangesFields,
	changesFault,
	changesFieldFaults,
	type WebhookFields,
	webhookFault,
} from './changes-faults.ts';

const eventRegions = () =>
	optional(
		'those of the providers',
		listOf(
			matching(/^[a-z]{2,4}(-[a-z]+)+-\d{1,2}$/, 'is not the name of an AWS region', 'An AWS region.'),
			'Regions whose events of AWS count, beside those of the providers: the primary regions of replicas.',
		),
	);

const queueProviders = () =>
	listOf(
		z.string(),
		'The providers whose secrets its notices may concern. The identity of the first one reads the queue.',
	);

const sqs = z.strictObject({
	kind: z.literal('sqs').check(z.describe('A queue of AWS SQS, which an EventBridge rule fills.')),
	queueUrl: text(
		changesFieldFaults.queueUrl,
		'URL of the queue: `https://sqs.REGION.amazonaws.com/ACCOUNT/NAME`.',
	),
	providers: queueProviders(),
	regions: eventRegions(),
});

const serviceBus = z.strictObject({
	kind: z
		.literal('service-bus')
		.check(z.describe('A queue of Azure Service Bus, which an event subscription of Event Grid fills.')),
	queueUrl: text(
		changesFieldFaults.queueUrl,
		'URL of the queue: `https://NAMESPACE.servicebus.windows.net/QUEUE`, or that of another cloud.',
	),
	providers: queueProviders(),
});

const oidc = z.strictObject({
	issuer: text(secureAddressFault, 'https URL of the issuer, as it stands in `iss`.'),
	audience: matching(/^[\x21-\x7e]{1,256}$/, 'is not an audience', 'What `aud` has to hold.'),
	subjects: listOf(
		matching(/^[\x20-\x7e]{1,512}$/, 'is not a subject', 'One subject.'),
		'Who may send: what `sub`, `azp` or `appid` has to be.',
	),
	...NETWORK_FIELDS,
});

const webhook = z
	.strictObject({
		kind: z.literal('webhook').check(z.describe('A listener to which others post notices.')),
		address: z._default(
			text(
				changesFieldFaults.address,
				'Where it listens: `HOST:PORT`, or `:PORT` for every interface. The path is `/v1/changes`.',
			),
			':8082',
		),
		providers: listOf(z.string(), 'The providers whose secrets its notices may concern.'),
		regions: eventRegions(),
		tlsCertFile: z.optional(filePath('PEM file with the certificate of the listener and its chain.')),
		tlsKeyFile: z.optional(filePath('PEM file with the private key of the certificate.')),
		allowInsecure: z._default(
			flag('Listens without TLS, where something else encrypts the connection, such as a service mesh.'),
			false,
		),
		bearerFiles: optional(
			'no token is accepted',
			listOf(
				filePath('File with one token.'),
				'Files with a token of at least 32 characters each. A sender shows one of them: `Authorization: Bearer TOKEN`.',
			),
		),
		hmacFiles: optional(
			'no signature is accepted',
			listOf(
				filePath('File with one key.'),
				'Files with a key each: `whsec_` and at least 24 bytes in base64. A sender signs with one of them, as Standard Webhooks says.',
			),
		),
		clientCaFile: optional(
			'no certificate is accepted',
			filePath('PEM file with the authorities that sign the certificates of senders.'),
		),
		clientNames: z.optional(
			listOf(
				matching(/^[\x21\x23-\x2b\x2d-\x7e]{1,253}$/, 'is not a DNS name or a URI', 'A DNS name or a URI.'),
				'DNS names and URIs of senders: the certificate has to hold one of them as an alternative name.',
			),
		),
		oidc: optional(
			'no token of an issuer is accepted',
			oidc.check(z.describe('Tokens of an OpenID Connect issuer: JWTs that are signed with RS256 or ES256.')),
		),
	})
	.check(
		rule<WebhookFields>(
			[
				'tlsCertFile',
				'tlsKeyFile',
				'allowInsecure',
				'bearerFiles',
				'hmacFiles',
				'clientCaFile',
				'clientNames',
			],
			webhookFault as never,
		),
	);

/** One source; `kind` tells them apart. */
export const changeSource = z.discriminatedUnion('kind', [sqs, serviceBus, webhook]);

export const changes = z
	.strictObject({
		sources: z._default(listOf(changeSource, 'Where stores tell that a secret changed.'), []),
		minSeconds: z._default(
			integer(1, 3_600, 'Least seconds between two reads of one secret because of notices.'),
			5,
		),
		writesPerSecond: z._default(
			integer(
				1,
				10_000,
				'Secrets that are written because of notices, per second. New pods are not counted.',
			),
			50,
		),
		resyncHours: z._default(
			integer(
				0,
				720,
				'Hours in which every requested secret is read once without a notice, 6 at least. 0: it never is.',
			),
			0,
		),
	})
	.check(rule<ChangesFields>(['sources', 'resyncHours'], changesFault as never));
